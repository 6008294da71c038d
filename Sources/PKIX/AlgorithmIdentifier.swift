import DER
import DeviceCrypto

extension DERWriter {
    /// Writes an AlgorithmIdentifier with NULL parameters, or with none (RFC 5280, 4.1.1.2).
    @inline(never)
    public mutating func write(algorithm: ObjectIdentifier, null: Bool) throws(DERError) {
        let end = front
        if null { try writeNull() }
        try write(algorithm)
        try wrap(.sequence, from: end)
    }

    /// Writes the AlgorithmIdentifier of a digest: parameters absent (RFC 5754, 2).
    public mutating func write(digestAlgorithm: DigestAlgorithm) throws(DERError) {
        try write(algorithm: digestAlgorithm.identifier, null: false)
    }
}

extension DigestAlgorithm {
    public var identifier: ObjectIdentifier {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }

    /// Reads an AlgorithmIdentifier of a digest; parameters are absent or NULL (RFC 5754, 2).
    public init(_ reader: inout DERReader) throws(DERError) {
        let start = reader.position
        let identifier = try readAlgorithmIdentifier(&reader)
        var number: UInt8 = DigestAlgorithm.sha1.rawValue
        while let digest = DigestAlgorithm(rawValue: number) {
            if identifier.isIdentifier(digest.identifier) {
                self = digest
                return
            }
            number &+= 1
        }
        throw DERError(.unsupportedAlgorithm, at: start)
    }
}

/// Reads an AlgorithmIdentifier whose parameters are absent or NULL.
///
/// - Returns: the identifier.
@_lifetime(copy reader)
@inline(never)
private func readAlgorithmIdentifier(_ reader: inout DERReader) throws(DERError) -> DERElement {
    var content = try reader.enter()
    let identifier = try content.read(.objectIdentifier)
    _ = try content.readIfPresent(.null)
    try content.finish()
    return identifier
}

/// A signature algorithm of certificates and requests.
public struct SignatureAlgorithm: Equatable, Sendable {
    public enum Scheme: UInt8, Equatable, Sendable {
        /// RSASSA-PKCS1-v1_5
        case rsa = 1
        case ecdsa
    }

    public let scheme: Scheme
    public let digest: DigestAlgorithm

    public init(scheme: Scheme, digest: DigestAlgorithm) {
        self.scheme = scheme
        self.digest = digest
    }

    /// Reads the AlgorithmIdentifier; parameters are absent or NULL.
    public init(_ reader: inout DERReader) throws(DERError) {
        let start = reader.position
        let identifier = try readAlgorithmIdentifier(&reader)
        var number: UInt8 = DigestAlgorithm.sha1.rawValue
        while let digest = DigestAlgorithm(rawValue: number) {
            for scheme in Scheme.rsa.rawValue...Scheme.ecdsa.rawValue {
                self.init(scheme: scheme == Scheme.rsa.rawValue ? .rsa : .ecdsa, digest: digest)
                if identifier.isIdentifier(self.identifier) { return }
            }
            number &+= 1
        }
        throw DERError(.unsupportedAlgorithm, at: start)
    }

    public var identifier: ObjectIdentifier {
        switch (scheme, digest) {
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
