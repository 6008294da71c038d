import DER
import DeviceCrypto
import PKIX

/// An EnvelopedData (RFC 5652, 6) with a key transport recipient, as offsets in the buffer that it stands in, so that
/// the buffer can be changed while it is opened.
public struct EnvelopedData: Sendable {
    public let cipher: CipherAlgorithm
    let padding: RSAPadding
    let encryptedKey: Range<Int>
    let iv: Range<Int>
    let encryptedContent: Range<Int>
    /// Whether the encrypted content is in pieces: octet strings within a constructed `[0]`.
    let isInPieces: Bool

    /// Reads a ContentInfo of EnvelopedData in DER that stands at `range` and has one recipient.
    ///
    /// Whom the recipient entry names is not looked at: only the right key opens it.
    ///
    /// - Throws: ``DERError``: `notOneRecipient`, `unsupportedAlgorithm`, `unexpectedContentType`; DER's own.
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
        let algorithm = try contentInfo.read(.sequence)
        var parameters = algorithm.reader
        guard let cipher = CipherAlgorithm(try parameters.read(.objectIdentifier)) else {
            throw DERError(.unsupportedAlgorithm, at: algorithm.start)
        }
        self.cipher = cipher
        let iv = try parameters.read(.octetString)
        try parameters.finish()
        guard iv.content.count == cipher.blockSize else { throw DERError(.unsupportedAlgorithm, at: iv.start) }
        self.iv = iv.content
        let encrypted = try contentInfo.read()
        guard encrypted.tag == .context(0) || encrypted.tag == .contextConstructed(0) else {
            throw DERError(.unexpectedTag, at: encrypted.start)
        }
        try contentInfo.finish()
        encryptedContent = encrypted.content
        isInPieces = encrypted.tag.isConstructed

        var list = recipients.reader
        guard !list.isAtEnd else { throw DERError(.notOneRecipient, at: recipients.start) }
        guard list.nextTag == .sequence else { throw DERError(.unsupportedAlgorithm, at: list.position) }
        var recipient = try list.enter()
        guard list.isAtEnd else { throw DERError(.notOneRecipient, at: recipients.start) }
        _ = try recipient.read(.integer).smallInteger(atMost: 2)
        if try recipient.readIfPresent(.sequence) == nil { _ = try recipient.read(.context(0)) }
        padding = try RSAPadding(&recipient)
        encryptedKey = try recipient.read(.octetString).content
        try recipient.finish()
    }

    /// Decrypts the content where it stands.
    ///
    /// Every failure that depends on the private key is the same error (RFC 3218, 2.3): `crypto(.decryptionFailed)`.
    ///
    /// - Returns: the range of the plain content.
    public func open<Key: PrivateKey & ~Copyable>(
        _ bytes: inout MutableSpan<UInt8>, key: inout Key, random: inout RandomGenerator
    ) throws(DERError) -> Range<Int> {
        let failed = DERError(.crypto(.decryptionFailed), at: encryptedContent.lowerBound)
        var content = encryptedContent
        if isInPieces { content = try BER.joinPieces(&bytes, in: content) }
        guard content.count > 0, content.count % cipher.blockSize == 0 else { throw failed }

        var contentKey = InlineArray<32, UInt8>(repeating: 0)
        var vector = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<iv.count { vector[index] = bytes[iv.lowerBound &+ index] }
        defer {
            var secret = contentKey.mutableSpan
            wipe(&secret)
        }
        do throws(CryptoError) {
            do {
                var all = contentKey.mutableSpan
                var room = all._mutatingExtracting(first: cipher.keySize)
                try unwrap(bytes.span.extracting(encryptedKey), into: &room, &key, &random)
            }
            var block = bytes._mutatingExtracting(content)
            try CBC.decrypt(
                cipher, key: contentKey.span.extracting(first: cipher.keySize),
                iv: vector.span.extracting(first: cipher.blockSize), &block)
        } catch {
            throw DERError(.crypto(error), at: encryptedContent.lowerBound)
        }
        let padding = Int(bytes[content.upperBound &- 1])
        guard padding >= 1, padding <= cipher.blockSize else { throw failed }
        var difference: UInt8 = 0
        for index in (content.upperBound &- padding)..<content.upperBound {
            difference |= bytes[index] ^ UInt8(truncatingIfNeeded: padding)
        }
        guard difference == 0 else { throw failed }
        return content.lowerBound..<(content.upperBound &- padding)
    }
}

extension EnvelopedData {
    /// Decrypts the content key; all of `contentKey` is written.
    private func unwrap<Key: PrivateKey & ~Copyable>(
        _ encrypted: Span<UInt8>, into contentKey: inout MutableSpan<UInt8>, _ key: inout Key,
        _ random: inout RandomGenerator
    ) throws(CryptoError) {
        switch padding {
        case .pkcs1v15:
            try key.unwrapKey(encrypted, into: &contentKey, random: &random)
        case .oaep:
            let count = try key.decrypt(padding, encrypted, into: &contentKey, random: &random)
            guard count == contentKey.count else { throw .decryptionFailed }
        }
    }
}
