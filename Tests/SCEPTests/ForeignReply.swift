import PKIX
import SCEP
import TestSupport

/// A reply that openssl signed, put together by hand: what our own writer would not write.
struct ForeignReply {
    /// Identifiers and hexadecimal values with their header.
    var attributes: [(String, String)] = []
    var pkiStatus = "1301 32"
    var contentType = "06092A864886F70D010701"
    var content: [UInt8] = []
    var digest = "sha256"
    var signatureAlgorithm = "300D 06092A864886F70D010101 0500"

    /// An attribute of SCEP's by its last number.
    static func attribute(_ number: UInt8, _ value: String) -> (String, String) {
        ("060A 6086480186F8450109" + [number].hex, value)
    }

    static let failInfoText = "0608 2B06010505071801"

    func signed(by signer: OpenSSLIdentity) throws -> [UInt8] {
        let transaction = try Reply.transaction()
        let nonce = (0..<16).map { transaction.senderNonce[$0] }
        let digestName = digest
        let contentDigest = try OpenSSL.run(["dgst", "-\(digestName)", "-binary"], input: content)
        var list: [[UInt8]] = [
            Self.encode("0609 2A864886F70D010903", [UInt8](hex: contentType)),
            Self.encode("0609 2A864886F70D010904", contentDigest.tagged(0x04)),
            Self.encode("060A 6086480186F845010902", [UInt8](hex: "1301 33")),
            Self.encode("060A 6086480186F845010903", [UInt8](hex: pkiStatus)),
            Self.encode("060A 6086480186F845010906", nonce.tagged(0x04)),
            Self.encode("060A 6086480186F845010907", Array("40414243444546474849404142434445".utf8).tagged(0x13)),
        ]
        for (type, value) in attributes { list.append(Self.encode(type, [UInt8](hex: value))) }
        let signedAttributes = list.flatMap { $0 }
        let signature = try withTemporaryDirectory { directory in
            try OpenSSL.run(
                ["dgst", "-\(digestName)", "-sign", directory.write(signer.key, to: "key")],
                input: signedAttributes.tagged(0x31))
        }
        let der = signer.der
        let certificate = try Certificate(der.span)
        let name = certificate.issuer.array + certificate.serialNumber.array.tagged(0x02)
        let digestAlgorithm = [UInt8](
            hex: digest == "sha1" ? "3009 0605 2B0E03021A 0500" : "300B 0609 608648016503040201")
        let signerInfo =
            [2, 1, 1] + name.tagged(0x30) + digestAlgorithm + signedAttributes.tagged(0xA0)
            + [UInt8](hex: signatureAlgorithm) + signature.tagged(0x04)
        let encapsulated =
            [UInt8](hex: contentType) + (content.isEmpty ? [] : content.tagged(0x04).tagged(0xA0))
        let signedData =
            [2, 1, 1] + digestAlgorithm.tagged(0x31) + encapsulated.tagged(0x30) + signerInfo.tagged(0x30).tagged(0x31)
        return ([UInt8](hex: "0609 2A864886F70D010702") + signedData.tagged(0x30).tagged(0xA0)).tagged(0x30)
    }

    private static func encode(_ type: String, _ value: [UInt8]) -> [UInt8] {
        ([UInt8](hex: type) + value.tagged(0x31)).tagged(0x30)
    }
}
