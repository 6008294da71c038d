import CMS
import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// A message of our making: what `body` writes into the last `capacity` bytes of a buffer, and nothing beside them.
func writing(capacity: Int = 8192, _ body: (inout DERWriter, inout RandomGenerator) throws -> Void) throws -> [UInt8] {
    var random = try seededRandom()
    var buffer = [UInt8](repeating: 0xA5, count: capacity + 4)
    let front: Int
    do {
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: capacity)
        defer { #expect(writer.end == capacity) }
        try body(&writer, &random)
        front = writer.front
    }
    #expect(buffer.suffix(4) == [0xA5, 0xA5, 0xA5, 0xA5])
    #expect(buffer[..<front].allSatisfy { $0 == 0xA5 })
    return Array(buffer[front..<capacity])
}

/// An EnvelopedData of our making.
func enveloped(
    _ content: [UInt8], for recipient: [UInt8], password: String = "", cipher: CipherAlgorithm = .aes128CBC,
    capacity: Int = 8192
) throws -> [UInt8] {
    try writing(capacity: capacity) { writer, random in
        let end = try writer.beginEnvelope()
        try writer.write(bytes: content.span)
        let password = Array(password.utf8)
        try writer.wrapEnvelopedData(
            from: end, for: try Certificate(recipient.span), password: password.span, cipher: cipher, random: &random)
    }
}

/// A SignedData of our making, with two attributes of text besides those that every one has.
func signed<Key: PrivateKey & ~Copyable>(
    _ content: [UInt8], by certificate: [UInt8], _ key: inout Key, digest: DigestAlgorithm = .sha256,
    capacity: Int = 8192
) throws -> [UInt8] {
    try writing(capacity: capacity) { writer, random in
        try writer.write(bytes: content.span)
        let contentStart = writer.front
        try writer.write(bytes: certificate.span)
        let range = writer.front..<contentStart
        let text = Array("a text".utf8)
        try writer.write(attribute: ObjectIdentifier("2.16.840.1.113733.1.9.7"), .printableString, text.span)
        try writer.write(attribute: ObjectIdentifier("2.16.840.1.113733.1.9.2"), .printableString, text.span)
        try writer.wrapSignedData(from: capacity, certificate: range, digest: digest, key: &key, random: &random)
    }
}

/// Turns a message into DER, reads it as SignedData from the middle of a buffer, and gives `body` that and the buffer.
func readingSignedData<Value>(
    _ message: [UInt8], _ body: (borrowing SignedData, [UInt8]) throws -> Value
) throws -> Value {
    var buffer = [0x30, 0x80] + message + [0x05, 0x00]
    do {
        let range: Range<Int>
        do {
            var bytes = buffer.mutableSpan
            range = try BER.normalize(&bytes, in: 2..<(2 + message.count))
        }
        return try body(try SignedData(buffer.span, in: range), buffer)
    } catch let error as DERError {
        throw DERError(error.kind, at: error.offset - 2)
    }
}

/// Turns a message into DER and opens it as EnvelopedData, in the middle of a buffer.
func opened<Key: PrivateKey & ~Copyable>(
    _ message: [UInt8], _ key: inout Key, password: String = ""
) throws -> [UInt8] {
    let password = Array(password.utf8)
    var random = try seededRandom()
    let guarding = [UInt8](repeating: 0xA5, count: 8)
    var buffer = guarding + message + guarding
    let outcome: Result<Range<Int>, DERError>
    do {
        var bytes = buffer.mutableSpan
        do throws(DERError) {
            let range = try BER.normalize(&bytes, in: 8..<(8 + message.count))
            let envelopedData = try EnvelopedData(bytes.span, in: range)
            outcome = .success(try envelopedData.open(&bytes, key: &key, password: password.span, random: &random))
        } catch {
            outcome = .failure(DERError(error.kind, at: error.offset - 8))
        }
    }
    #expect(Array(buffer.prefix(8)) == guarding && Array(buffer.suffix(8)) == guarding)
    return try Array(buffer[outcome.get()])
}
