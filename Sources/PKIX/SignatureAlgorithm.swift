import DER
import DeviceCrypto

/// A signature algorithm of certificates, CRLs and requests.
public struct SignatureAlgorithm: Equatable, Sendable {
    public enum Scheme: Equatable, Sendable {
        /// RSASSA-PKCS1-v1_5
        case rsa
        case ecdsa
        /// RSASSA-PSS with MGF1 and the same digest; the salt in bytes.
        case rsaPSS(saltSize: Int)
    }

    public let scheme: Scheme
    public let digest: DigestAlgorithm

    public init(scheme: Scheme, digest: DigestAlgorithm) {
        self.scheme = scheme
        self.digest = digest
    }

    /// Reads the AlgorithmIdentifier. Parameters are absent or NULL, but for RSASSA-PSS (RFC 4055, 3.1).
    ///
    /// - Throws: ``DER/DERError``: `unsupportedAlgorithm` for one that is unknown here.
    public init(_ reader: inout DERReader) throws(DERError) {
        let start = reader.position
        var content = try reader.enter()
        let identifier = try content.read(.objectIdentifier)
        if identifier.isIdentifier(.rsassaPSS) {
            var parameters = try content.enter()
            try content.finish()
            let digest = try DigestAlgorithm(withMaskOf: &parameters)
            var saltSize = 20
            if let wrapped = try parameters.readIfPresent(.contextConstructed(2)) {
                var inner = wrapped.reader
                saltSize = try inner.read(.integer).smallInteger(atMost: 512)
                try inner.finish()
            }
            // There is one trailer, and whoever verifies looks at it.
            _ = try parameters.readIfPresent(.contextConstructed(3))
            try parameters.finish()
            self.init(scheme: .rsaPSS(saltSize: saltSize), digest: digest)
            return
        }
        _ = try content.readIfPresent(.null)
        try content.finish()
        var number: UInt8 = DigestAlgorithm.sha1.rawValue
        while let digest = DigestAlgorithm(rawValue: number) {
            for isRSA in 0..<2 {
                self.init(scheme: isRSA == 0 ? .rsa : .ecdsa, digest: digest)
                if identifier.isIdentifier(self.identifier) { return }
            }
            number &+= 1
        }
        throw DERError(.unsupportedAlgorithm, at: start)
    }

    public var identifier: ObjectIdentifier {
        switch (scheme, digest) {
        case (.rsaPSS, _): .rsassaPSS
        case (.rsa, .sha1): .sha1WithRSAEncryption
        case (.rsa, .sha256): .sha256WithRSAEncryption
        case (.rsa, .sha384): .sha384WithRSAEncryption
        case (.rsa, .sha512): .sha512WithRSAEncryption
        case (.ecdsa, .sha1): .ecdsaWithSHA1
        case (.ecdsa, .sha256): .ecdsaWithSHA256
        case (.ecdsa, .sha384): .ecdsaWithSHA384
        case (.ecdsa, .sha512): .ecdsaWithSHA512
        }
    }
}
