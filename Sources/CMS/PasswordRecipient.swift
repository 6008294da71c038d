import Bytes
import DER
import DeviceCrypto
import PKIX

/// How a content key was encrypted with a password: the front of a PasswordRecipientInfo (RFC 5652, 6.2.4) with PBKDF2
/// (RFC 8018, A.2) and PWRI-KEK (RFC 3211, 2.3), as offsets in the buffer that it stands in.
///
/// ```
/// PasswordRecipientInfo ::= SEQUENCE {
///     version                 INTEGER { v0(0) },
///     keyDerivationAlgorithm  [0] IMPLICIT AlgorithmIdentifier OPTIONAL,
///     keyEncryptionAlgorithm  AlgorithmIdentifier,
///     encryptedKey            OCTET STRING }
/// ```
struct PasswordRecipient: Sendable {
    let derivation: PBKDF2Parameters
    let cipher: CipherAlgorithm
    let iv: Range<Int>

    /// The most that a far side may have a device compute: twenty times what this side asks for.
    private static var greatestIterations: Int { 200_000 }

    /// Reads up to encryptedKey.
    init(_ recipient: inout DERReader) throws(DERError) {
        _ = try recipient.read(.integer).smallInteger(atMost: 0)
        let derivation = try recipient.read()
        guard derivation.tag == .contextConstructed(0) else {
            throw DERError(.unsupportedAlgorithm, at: derivation.start)
        }
        var keySize: Int?
        self.derivation = try PBKDF2Parameters(
            derivation, greatestIterations: Self.greatestIterations, keySize: &keySize)

        let encryption = try recipient.read(.sequence)
        var encryptionContent = encryption.reader
        guard try encryptionContent.read(.objectIdentifier).isIdentifier(.pwriKEK) else {
            throw DERError(.unsupportedAlgorithm, at: encryption.start)
        }
        (cipher, iv) = try CipherAlgorithm.read(&encryptionContent)
        try encryptionContent.finish()
        guard keySize ?? cipher.keySize == cipher.keySize else {
            throw DERError(.unsupportedAlgorithm, at: derivation.start)
        }
    }

    /// Unwraps a content key; all of `key` is written.
    ///
    /// - Parameter encryptedKey: offsets in `bytes`.
    /// - Throws: `.decryptionFailed` for a wrong password, a key of another size and whatever else is wrong.
    func unwrap(
        _ bytes: Span<UInt8>, _ encryptedKey: Range<Int>, password: Span<UInt8>, into key: inout MutableSpan<UInt8>
    ) throws(CryptoError) {
        let size = encryptedKey.count
        guard size <= WrappedKey.greatestSize, size % cipher.blockSize == 0, size >= 2 &* cipher.blockSize else {
            throw .decryptionFailed
        }
        var wrapped = WrappedKey(cipher)
        defer { wrapped.wipe() }
        for index in 0..<size { wrapped.bytes[index] = bytes[encryptedKey.lowerBound &+ index] }
        wrapped.size = size
        try wrapped.makeKey(
            derivation.digest, password: password, salt: bytes.extracting(derivation.salt),
            iterations: derivation.iterations)
        try wrapped.unwrap(iv: bytes.extracting(iv), into: &key)
    }
}

extension DERWriter {
    /// Writes a PasswordRecipientInfo: PBKDF2 with HMAC-SHA-256, and PWRI-KEK with the cipher of the content.
    mutating func write(
        passwordRecipientInfo password: Span<UInt8>, key: Span<UInt8>, cipher: CipherAlgorithm,
        random: inout RandomGenerator
    ) throws(DERError) {
        let iterations = 10_000
        var salt = InlineArray<16, UInt8>(repeating: 0)
        var iv = InlineArray<16, UInt8>(repeating: 0)
        var wrapped = WrappedKey(cipher)
        defer { wrapped.wipe() }
        do throws(CryptoError) {
            do {
                var saltBytes = salt.mutableSpan
                try random.fill(&saltBytes)
                var ivBytes = iv.mutableSpan
                try random.fill(&ivBytes)
            }
            try wrapped.makeKey(.sha256, password: password, salt: salt.span, iterations: iterations)
            try wrapped.wrap(key, iv: iv.span, random: &random)
        } catch {
            throw DERError(.crypto(error), at: front)
        }
        try write(.contextConstructed(3)) { (writer) throws(DERError) in
            try writer.write(.octetString, wrapped.bytes.span.extracting(first: wrapped.size))
            try writer.write(.sequence) { (writer) throws(DERError) in
                try writer.write(cipher, iv: iv.span.extracting(first: cipher.blockSize))
                try writer.write(.pwriKEK)
            }
            try writer.write(pbkdf2: salt.span, iterations: iterations, as: .contextConstructed(0))
            try writer.write(integer: 0)
        }
    }
}
