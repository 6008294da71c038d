import Bytes
import DER
import DeviceCrypto
import PKIX

extension DERWriter {
    /// Keeps space behind the content that is to be written next and then enveloped, for its padding.
    ///
    /// - Returns: what ``wrapEnvelopedData(from:for:password:cipher:random:)`` wants as `end`.
    public mutating func beginEnvelope() throws(DERError) -> Int {
        let end = front
        _ = try reserve(greatestBlockSize)
        return end
    }

    /// Encrypts what was written since ``beginEnvelope()`` where it stands, and wraps it as a ContentInfo of
    /// EnvelopedData (RFC 5652, 6) with one recipient and a fresh key.
    ///
    /// ```
    /// EnvelopedData ::= SEQUENCE {
    ///     version INTEGER, recipientInfos SET OF RecipientInfo, encryptedContentInfo EncryptedContentInfo }
    /// ```
    ///
    /// For an RSA key that is a KeyTransRecipientInfo, PKCS #1 v1.5; for an EC key, which cannot decrypt, a
    /// PasswordRecipientInfo (RFC 8894, 3.1).
    ///
    /// - Parameter password: the challengePassword; needed for an EC key only.
    /// - Throws: ``DER/DERError``: `bufferFull`; `passwordMissing`; `unsupportedAlgorithm` for an EC key on a board that is
    ///   built without elliptic curves; `crypto`.
    public mutating func wrapEnvelopedData(
        from end: Int, for recipient: borrowing Certificate, password: Span<UInt8>, cipher: CipherAlgorithm,
        random: inout RandomGenerator
    ) throws(DERError) {
        var key = InlineArray<32, UInt8>(repeating: 0)
        var iv = InlineArray<16, UInt8>(repeating: 0)
        do {
            var keyBytes = key.mutableSpan
            var ivBytes = iv.mutableSpan
            do throws(CryptoError) {
                try random.fill(&keyBytes)
                try random.fill(&ivBytes)
            } catch {
                throw DERError(.crypto(error), at: front)
            }
        }
        defer {
            var secret = key.mutableSpan
            wipe(&secret)
        }
        try wrapEnvelopedData(
            from: end, for: recipient, password: password, cipher: cipher,
            key: key.span.extracting(first: cipher.keySize),
            iv: iv.span.extracting(first: cipher.blockSize), random: &random)
    }

    private mutating func wrapEnvelopedData(
        from end: Int, for recipient: borrowing Certificate, password: Span<UInt8>, cipher: CipherAlgorithm,
        key: Span<UInt8>, iv: Span<UInt8>, random: inout RandomGenerator
    ) throws(DERError) {
        try encryptContent(from: end, cipher: cipher, key: key, iv: iv)
        try wrap(.context(0), from: end)
        try write(cipher, iv: iv)
        try write(.data)
        try wrap(.sequence, from: end)

        let isRSA = recipient.subjectPublicKeyInfo.kind == .rsa
        try write(.set) { (writer) throws(DERError) in
            if isRSA {
                try writer.write(keyTransRecipientInfo: recipient, key: key, random: &random)
            } else {
                guard Curve.isSupported else { throw DERError(.unsupportedAlgorithm, at: writer.front) }
                guard !password.isEmpty else { throw DERError(.passwordMissing, at: writer.front) }
                try writer.write(passwordRecipientInfo: password, key: key, cipher: cipher, random: &random)
            }
        }
        // RFC 5652, 6.1
        try write(integer: isRSA ? 0 : 3)
        try wrap(.sequence, from: end)
        try wrapContentInfo(.envelopedData, from: end)
    }

    /// Closes a ContentInfo (RFC 5652, 3) whose content was written since `front` was `end`.
    mutating func wrapContentInfo(_ type: ObjectIdentifier, from end: Int) throws(DERError) {
        try wrap(.contextConstructed(0), from: end)
        try write(type)
        try wrap(.sequence, from: end)
    }

    /// Pads and encrypts what was written since ``beginEnvelope()`` where it stands.
    mutating func encryptContent(
        from end: Int, cipher: CipherAlgorithm, key: Span<UInt8>, iv: Span<UInt8>
    ) throws(DERError) {
        let count = end &- greatestBlockSize &- front
        let padding = cipher.blockSize &- count % cipher.blockSize
        closeGap(capacity: count &+ greatestBlockSize &- padding, used: count)
        var content = mutable(front..<end)
        for index in count..<content.count { content[index] = UInt8(truncatingIfNeeded: padding) }
        do throws(CryptoError) {
            try CBC.encrypt(cipher, key: key, iv: iv, &content)
        } catch {
            throw DERError(.crypto(error), at: front)
        }
    }

    private mutating func write(
        keyTransRecipientInfo recipient: borrowing Certificate, key: Span<UInt8>, random: inout RandomGenerator
    ) throws(DERError) {
        let publicKey = recipient.subjectPublicKeyInfo
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.octetString) { (writer) throws(DERError) in
                var encrypted = try writer.reserve(publicKey.key.count)
                do throws(CryptoError) {
                    _ = try RSAPublicKey.encrypt(
                        modulus: publicKey.key, exponent: publicKey.exponent, key, into: &encrypted, random: &random)
                } catch {
                    throw DERError(.crypto(error), at: writer.front)
                }
            }
            try writer.write(algorithm: .rsaEncryption, null: true)
            try writer.write(.sequence) { (writer) throws(DERError) in
                try writer.write(.integer, recipient.serialNumber)
                try writer.write(bytes: recipient.issuer)
            }
            try writer.write(integer: 0)
        }
    }
}

/// The greatest block of any cipher, bytes.
private var greatestBlockSize: Int { 16 }
