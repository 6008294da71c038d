import Agent
import DER
import DeviceCrypto
import Output
import PKIX

extension Inspection {
    /// Describes a private key by its kind and size alone.
    mutating func describe(privateKey der: [UInt8]) {
        report.field("kind", "private key")
        var key = SoftwareKey()
        defer { key.wipe() }
        do throws(DERError) {
            try key.load(try PrivateKeyInfo(der.span), random: &random)
        } catch {
            return check("client", .fail, "the client would refuse this key: ", error)
        }
        switch key.algorithm {
        case .rsa(let bits):
            report.field("algorithm", "rsaEncryption")
            report.field("bits", number: bits)
        case .p256, .p384:
            report.field("algorithm", "ecPublicKey")
            report.field("bits", number: key.algorithm == .p256 ? 256 : 384)
        }
        check("client", .pass, "its parts belong together, and the client can use it")
    }
}
