import Bytes
import DER
import DeviceCrypto
import PKIX

/// An EnvelopedData (RFC 5652, 6) with a key transport or a password recipient, as offsets in the buffer that it stands
/// in, so that the buffer can be changed while it is opened.
///
/// ```
/// EnvelopedData ::= SEQUENCE {
///     version               INTEGER { v0(0), v2(2), v3(3), v4(4) },
///     originatorInfo    [0] IMPLICIT OriginatorInfo OPTIONAL,
///     recipientInfos        SET SIZE (1..MAX) OF RecipientInfo,
///     encryptedContentInfo  SEQUENCE {
///         contentType                 OBJECT IDENTIFIER,
///         contentEncryptionAlgorithm  AlgorithmIdentifier,
///         encryptedContent        [0] IMPLICIT OCTET STRING OPTIONAL },
///     unprotectedAttrs  [1] IMPLICIT SET OF Attribute OPTIONAL }
///
/// KeyTransRecipientInfo ::= SEQUENCE {
///     version                 INTEGER { v0(0), v2(2) },
///     rid                     CHOICE { issuerAndSerialNumber IssuerAndSerialNumber,
///                                      subjectKeyIdentifier [0] IMPLICIT OCTET STRING },
///     keyEncryptionAlgorithm  AlgorithmIdentifier,
///     encryptedKey            OCTET STRING }
/// ```
///
/// Passed over: the versions, which follow from the rest; originatorInfo, unprotectedAttrs and rid.
public struct EnvelopedData: Sendable {
    enum Recipient: Sendable {
        case keyTransport(RSAPadding)
        case password(PasswordRecipient)
    }

    public let cipher: CipherAlgorithm
    let recipient: Recipient
    let recipientStart: Int
    let encryptedKey: Range<Int>
    let iv: Range<Int>
    let encryptedContent: Range<Int>
    /// Whether the encrypted content is in pieces: octet strings within a constructed `[0]`.
    let isInPieces: Bool

    /// Reads a ContentInfo of EnvelopedData in DER that stands at `range` and has one recipient.
    ///
    /// Whom the recipient entry names is not looked at: only the right key opens it.
    ///
    /// - Throws: ``DER/DERError``: `notOneRecipient`, `unsupportedAlgorithm`, `unexpectedContentType`; DER's own.
    public init(_ bytes: Span<UInt8>, in range: Range<Int>) throws(DERError) {
        var reader = DERReader(bytes, in: range)
        var content = try readContentInfo(.envelopedData, &reader)
        _ = try content.read(.integer).smallInteger(atMost: 4)
        _ = try content.readIfPresent(.contextConstructed(0))
        let recipients = try content.read(.set)
        var contentInfo = try content.enter()
        _ = try content.readIfPresent(.contextConstructed(1))
        try content.finish()

        let type = try contentInfo.read(.objectIdentifier)
        guard type.isIdentifier(.data) else { throw DERError(.unexpectedContentType, at: type.start) }
        (cipher, iv) = try CipherAlgorithm.read(&contentInfo)
        let encrypted = try contentInfo.read()
        guard encrypted.tag == .context(0) || encrypted.tag == .contextConstructed(0) else {
            throw DERError(.unexpectedTag, at: encrypted.start)
        }
        try contentInfo.finish()
        encryptedContent = encrypted.content
        isInPieces = encrypted.tag.isConstructed

        var list = recipients.reader
        guard !list.isAtEnd else { throw DERError(.notOneRecipient, at: recipients.start) }
        let element = try list.read()
        let hasPassword = element.tag == .contextConstructed(3) && Curve.isSupported
        guard hasPassword || element.tag == .sequence else {
            throw DERError(.unsupportedAlgorithm, at: element.start)
        }
        guard list.isAtEnd else { throw DERError(.notOneRecipient, at: recipients.start) }
        recipientStart = element.start
        var entry = element.reader
        if hasPassword {
            recipient = .password(try PasswordRecipient(&entry))
        } else {
            _ = try entry.read(.integer).smallInteger(atMost: 2)
            if try entry.readIfPresent(.sequence) == nil { _ = try entry.read(.context(0)) }
            recipient = .keyTransport(try RSAPadding(&entry))
        }
        encryptedKey = try entry.read(.octetString).content
        try entry.finish()
    }

    /// The cipher that the content key is encrypted with; nil when that is done with RSA.
    public var keyEncryptionCipher: CipherAlgorithm? {
        if case .password(let recipient) = recipient { recipient.cipher } else { nil }
    }

    /// Decrypts the content where it stands.
    ///
    /// Every failure that depends on the private key or the password is the same error (RFC 3218, 2.3):
    /// `crypto(.decryptionFailed)`.
    ///
    /// - Parameters:
    ///   - key: RSA, or an EC key, for which the password does what the key cannot (RFC 8894, 3.1).
    ///   - password: the challengePassword of the request that this answers; not looked at with an RSA key.
    /// - Returns: the range of the plain content.
    /// - Throws: ``DER/DERError``: also `unsupportedAlgorithm` for a password recipient with an RSA key, and
    ///   `passwordMissing`.
    public func open<Key: PrivateKey & ~Copyable>(
        _ bytes: inout MutableSpan<UInt8>, key: inout Key, password: Span<UInt8>, random: inout RandomGenerator
    ) throws(DERError) -> Range<Int> {
        if case .password = recipient {
            if case .rsa = key.algorithm { throw DERError(.unsupportedAlgorithm, at: recipientStart) }
            guard !password.isEmpty else { throw DERError(.passwordMissing, at: recipientStart) }
        }
        var content = encryptedContent
        if isInPieces { content = try BER.joinPieces(&bytes, in: content) }
        var contentKey = InlineArray<32, UInt8>(repeating: 0)
        defer {
            var secret = contentKey.mutableSpan
            wipe(&secret)
        }
        do throws(CryptoError) {
            do {
                var all = contentKey.mutableSpan
                var buffer = all._mutatingExtracting(first: cipher.keySize)
                try unwrap(bytes.span, into: &buffer, &key, password, &random)
            }
            return try cipher.decryptContent(
                &bytes, in: content, key: contentKey.span.extracting(first: cipher.keySize), iv: iv)
        } catch {
            throw DERError(.crypto(error), at: encryptedContent.lowerBound)
        }
    }
}

extension EnvelopedData {
    /// Decrypts the content key; all of `contentKey` is written.
    private func unwrap<Key: PrivateKey & ~Copyable>(
        _ bytes: Span<UInt8>, into contentKey: inout MutableSpan<UInt8>, _ key: inout Key, _ password: Span<UInt8>,
        _ random: inout RandomGenerator
    ) throws(CryptoError) {
        switch recipient {
        case .keyTransport(.pkcs1v15):
            try key.unwrapKey(bytes.extracting(encryptedKey), into: &contentKey, random: &random)
        case .keyTransport(let padding):
            let count = try key.decrypt(
                padding, bytes.extracting(encryptedKey), into: &contentKey, random: &random)
            guard count == contentKey.count else { throw .decryptionFailed }
        case .password(let recipient):
            try recipient.unwrap(bytes, encryptedKey, password: password, into: &contentKey)
        }
    }
}
