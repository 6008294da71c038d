import DER
import DeviceCrypto
import PKIX

/// How a key is made of a password: the parameters of PBKDF2 (RFC 8018, A.2), the salt as offsets in the buffer that
/// they stand in.
///
/// ```
/// PBKDF2-params ::= SEQUENCE {
///     salt            CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
///     iterationCount  INTEGER (1..MAX),
///     keyLength       INTEGER (1..MAX) OPTIONAL,
///     prf             AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
/// ```
struct PBKDF2Parameters: Sendable {
    let salt: Range<Int>
    let iterations: Int
    /// The digest of HMAC.
    let digest: DigestAlgorithm

    /// Reads the AlgorithmIdentifier of PBKDF2.
    ///
    /// - Parameters:
    ///   - greatestIterations: the most that a far side may have this one compute; below 2^24.
    ///   - keySize: bytes of the key, if they are told.
    init(
        _ derivation: borrowing DERElement, greatestIterations: Int, keySize: inout Int?
    ) throws(DERError) {
        var content = derivation.reader
        guard try content.read(.objectIdentifier).isIdentifier(.pbkdf2) else {
            throw DERError(.unsupportedAlgorithm, at: derivation.start)
        }
        var parameters = try content.enter()
        try content.finish()
        let salt = try parameters.read(.octetString)
        guard 8...64 ~= salt.content.count else { throw DERError(.unsupportedAlgorithm, at: salt.start) }
        self.salt = salt.content
        let iterations = try parameters.read(.integer)
        self.iterations = try iterations.smallInteger(atMost: greatestIterations)
        guard self.iterations > 0 else { throw DERError(.invalidInteger, at: iterations.start) }
        keySize = try parameters.readIfPresent(.integer)?.smallInteger(atMost: 32)
        digest = parameters.isAtEnd ? .sha1 : try Self.readHMAC(&parameters)
        try parameters.finish()
    }

    private static func readHMAC(_ parameters: inout DERReader) throws(DERError) -> DigestAlgorithm {
        let element = try parameters.read(.sequence)
        var content = element.reader
        let identifier = try content.read(.objectIdentifier)
        _ = try content.readIfPresent(.null)
        try content.finish()
        if identifier.isIdentifier(.hmacWithSHA256) { return .sha256 }
        if identifier.isIdentifier(.hmacWithSHA1) { return .sha1 }
        if identifier.isIdentifier(.hmacWithSHA384) { return .sha384 }
        if identifier.isIdentifier(.hmacWithSHA512) { return .sha512 }
        throw DERError(.unsupportedAlgorithm, at: element.start)
    }
}

extension DERWriter {
    /// Writes the AlgorithmIdentifier of PBKDF2 with HMAC-SHA-256.
    @inline(__always)
    mutating func write(pbkdf2 salt: Span<UInt8>, iterations: Int, as tag: Tag = .sequence) throws(DERError) {
        try write(tag) { (writer) throws(DERError) in
            try writer.write(.sequence) { (writer) throws(DERError) in
                try writer.write(algorithm: .hmacWithSHA256, null: true)
                try writer.write(integer: UInt32(truncatingIfNeeded: iterations))
                try writer.write(.octetString, salt)
            }
            try writer.write(.pbkdf2)
        }
    }
}
