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

    /// Reads a ContentInfo of EnvelopedData in DER.
    ///
    /// - Parameters:
    ///   - range: where it stands in `bytes`.
    ///   - issuer: with `serialNumber` (the content of its INTEGER), names the certificate whose recipient entry is
    ///     wanted. A sole recipient is taken whatever it names: only the right key opens it.
    public init(_ bytes: Span<UInt8>, in range: Range<Int>, issuer: Span<UInt8>, serialNumber: Span<UInt8>)
        throws(DERError)
    {
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
        var found: Recipient?
        var others = 0
        while !list.isAtEnd {
            let recipient = try Recipient(&list, issuer: issuer, serialNumber: serialNumber)
            if recipient.isNamed {
                found = recipient
                others = 0
                break
            }
            found = recipient
            others &+= 1
        }
        guard let found, others <= 1 else { throw DERError(.noRecipient, at: recipients.start) }
        padding = found.padding
        encryptedKey = found.encryptedKey
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

/// One RecipientInfo.
private struct Recipient {
    var isNamed = false
    var padding = RSAPadding.pkcs1v15
    var encryptedKey = 0..<0

    init(_ list: inout DERReader, issuer: Span<UInt8>, serialNumber: Span<UInt8>) throws(DERError) {
        guard list.nextTag == .sequence else { throw DERError(.unsupportedAlgorithm, at: list.position) }
        var content = try list.enter()
        _ = try content.read(.integer).smallInteger(atMost: 2)
        if let identifier = try content.readIfPresent(.sequence) {
            var names = identifier.reader
            let name = try names.read(.sequence)
            let serial = try names.read(.integer)
            try names.finish()
            isNamed = areEqual(name.encoding, issuer) && areEqual(serial.contents, serialNumber)
        } else {
            _ = try content.read(.context(0))
        }
        padding = try RSAPadding(&content)
        encryptedKey = try content.read(.octetString).content
        try content.finish()
    }
}
