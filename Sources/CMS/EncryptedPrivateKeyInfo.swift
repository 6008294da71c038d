import Bytes
import DER
import DeviceCrypto
import PKIX

/// A private key that a password protects (RFC 5958, 3) with PBES2 (RFC 8018, 6.2), as offsets in the buffer that it
/// stands in.
///
/// ```
/// EncryptedPrivateKeyInfo ::= SEQUENCE {
///     encryptionAlgorithm  AlgorithmIdentifier,
///     encryptedData        OCTET STRING }
///
/// PBES2-params ::= SEQUENCE {
///     keyDerivationFunc  AlgorithmIdentifier,
///     encryptionScheme   AlgorithmIdentifier }
/// ```
public struct EncryptedPrivateKeyInfo: Sendable {
    private let derivation: PBKDF2Parameters
    private let cipher: CipherAlgorithm
    private let iv: Range<Int>
    private let encryptedData: Range<Int>

    /// The most that a file may have this computer compute: a minute of a slow one.
    public static var greatestIterations: Int { 5_000_000 }

    /// Whether `bytes` begin like an EncryptedPrivateKeyInfo, which has no version in front as all other keys have.
    public static func isAt(_ bytes: Span<UInt8>) -> Bool {
        var reader = DERReader(bytes)
        guard let content = try? reader.enter() else { return false }
        return content.nextTag == .sequence
    }

    /// Reads one that fills `bytes`: PBKDF2 with HMAC of any digest, and AES or triple DES in CBC mode.
    ///
    /// - Throws: ``DER/DERError``: `unsupportedAlgorithm` for anything else, the schemes of PKCS #12 and PBES1 included;
    ///   `invalidInteger` for a number of iterations beyond ``greatestIterations``; DER's own.
    public init(_ bytes: Span<UInt8>) throws(DERError) {
        var reader = DERReader(bytes)
        var info = try reader.enter()
        try reader.finish()
        let algorithm = try info.read(.sequence)
        let encryptedData = try info.read(.octetString)
        try info.finish()
        self.encryptedData = encryptedData.content

        var scheme = algorithm.reader
        guard try scheme.read(.objectIdentifier).isIdentifier(.pbes2) else {
            throw DERError(.unsupportedAlgorithm, at: algorithm.start)
        }
        var parameters = try scheme.enter()
        try scheme.finish()
        let derivation = try parameters.read(.sequence)
        var keySize: Int?
        self.derivation = try PBKDF2Parameters(
            derivation, greatestIterations: Self.greatestIterations, keySize: &keySize)
        let cipherStart = parameters.position
        (cipher, iv) = try CipherAlgorithm.read(&parameters)
        try parameters.finish()
        guard cipher != .desCBC else { throw DERError(.unsupportedAlgorithm, at: cipherStart) }
        guard keySize ?? cipher.keySize == cipher.keySize else {
            throw DERError(.unsupportedAlgorithm, at: derivation.start)
        }
    }

    /// Decrypts the key where it stands. What comes out is a secret, and stays in `bytes`.
    ///
    /// - Parameter bytes: those that this was read from.
    /// - Returns: where the PrivateKeyInfo stands now.
    /// - Throws: `.decryptionFailed` for a wrong password, or damage; the two cannot be told apart.
    public func decrypt(_ bytes: inout MutableSpan<UInt8>, password: Span<UInt8>) throws(CryptoError) -> Range<Int> {
        var key = InlineArray<32, UInt8>(repeating: 0)
        var all = key.mutableSpan
        defer { wipe(&all) }
        do {
            var buffer = all._mutatingExtracting(first: cipher.keySize)
            try PBKDF2.derive(
                derivation.digest, password: password, salt: bytes.span.extracting(derivation.salt),
                iterations: derivation.iterations, into: &buffer)
        }
        let content = try cipher.decryptContent(
            &bytes, in: encryptedData, key: all.span.extracting(first: cipher.keySize), iv: iv)
        // One wrong password in 256 leaves padding that looks right, but hardly one of them a SEQUENCE of this size.
        guard isSequence(bytes.span, content) else {
            var secret = bytes._mutatingExtracting(encryptedData)
            wipe(&secret)
            throw .decryptionFailed
        }
        return content
    }

    private func isSequence(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var reader = DERReader(bytes, in: range)
        guard (try? reader.enter()) != nil else { return false }
        return reader.isAtEnd
    }
}

extension DERWriter {
    /// Encrypts the PrivateKeyInfo that was written since ``beginEnvelope()`` where it stands, and wraps it as an
    /// EncryptedPrivateKeyInfo: PBES2 with PBKDF2, HMAC-SHA-256, a salt of 16 bytes, and AES-256 in CBC mode.
    ///
    /// - Parameter iterations: what guessing at a password costs; 1 to
    ///   ``CMS/EncryptedPrivateKeyInfo/greatestIterations``.
    public mutating func encryptPrivateKeyInfo(
        from end: Int, password: Span<UInt8>, iterations: Int, random: inout RandomGenerator
    ) throws(DERError) {
        let cipher = CipherAlgorithm.aes256CBC
        var salt = InlineArray<16, UInt8>(repeating: 0)
        var iv = InlineArray<16, UInt8>(repeating: 0)
        var key = InlineArray<32, UInt8>(repeating: 0)
        var buffer = key.mutableSpan
        defer { wipe(&buffer) }
        do throws(CryptoError) {
            do {
                var saltBytes = salt.mutableSpan
                try random.fill(&saltBytes)
                var ivBytes = iv.mutableSpan
                try random.fill(&ivBytes)
            }
            try PBKDF2.derive(.sha256, password: password, salt: salt.span, iterations: iterations, into: &buffer)
        } catch {
            throw DERError(.crypto(error), at: front)
        }
        try encryptContent(from: end, cipher: cipher, key: buffer.span, iv: iv.span)
        try wrap(.octetString, from: end)
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.sequence) { (writer) throws(DERError) in
                try writer.write(cipher, iv: iv.span)
                try writer.write(pbkdf2: salt.span, iterations: iterations)
            }
            try writer.write(.pbes2)
        }
        try wrap(.sequence, from: end)
    }
}
