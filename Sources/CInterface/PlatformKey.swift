import Agent
import CSCEP
import DeviceCrypto

/// A key in memory, or in the caller's secure element.
///
/// What is kept of one in an element: the byte 20, the type, and the reference. No key in memory begins so.
struct PlatformKey: DeviceKey, ~Copyable {
    typealias Context = UnsafePointer<scep_keys>?

    private static var kind: UInt8 { 0x20 }

    private var software = SoftwareKey()
    private var element: ElementKey

    init(context: Context) { element = ElementKey(context) }

    static func isUsable(_ keys: UnsafePointer<scep_keys>) -> Bool {
        let value = keys.pointee
        return value.generate != nil && value.public_key != nil && value.sign != nil
    }

    private var isInElement: Bool { element.referenceSize > 0 }

    mutating func generatePart(
        _ algorithm: KeyAlgorithm, random: inout RandomGenerator
    ) throws(CryptoError) -> Bool {
        element.wipe()
        guard element.isAvailable else { return try software.generatePart(algorithm, random: &random) }
        software.wipe()
        try element.generate(algorithm)
        return true
    }

    var serializedSize: Int { isInElement ? 2 &+ element.referenceSize : software.serializedSize }

    mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard isInElement else { return try software.serialize(into: &bytes) }
        guard bytes.count >= serializedSize else { throw .bufferTooSmall }
        bytes[0] = Self.kind
        bytes[1] = UInt8(truncatingIfNeeded: element.algorithm.keyType.rawValue)
        var rest = bytes._mutatingExtracting(2..<serializedSize)
        element.copyReference(to: &rest)
        return serializedSize
    }

    mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        wipe()
        guard bytes.count > 0, bytes[0] == Self.kind else { return try software.load(bytes) }
        // The firmware has lost its element's functions.
        guard element.isAvailable else { throw .unsupported }
        guard 3...66 ~= bytes.count, let algorithm = KeyAlgorithm(keyType: bytes[1]) else { throw .invalidKey }
        element.set(algorithm, reference: bytes.extracting(2..<bytes.count))
    }

    mutating func wipe() {
        software.wipe()
        element.wipe()
    }

    // MARK: PrivateKey

    var algorithm: KeyAlgorithm { isInElement ? element.algorithm : software.algorithm }

    var signatureSize: Int { isInElement ? element.signatureSize : software.signatureSize }

    var publicExponent: UInt32 { isInElement ? element.publicExponent : software.publicExponent }

    mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        isInElement ? try element.publicKey(into: &bytes) : try software.publicKey(into: &bytes)
    }

    mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        isInElement
            ? try element.sign(digest, into: &signature, random: &random)
            : try software.sign(digest, into: &signature, random: &random)
    }

    mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        isInElement
            ? try element.decrypt(padding, ciphertext, into: &plaintext, random: &random)
            : try software.decrypt(padding, ciphertext, into: &plaintext, random: &random)
    }

    mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        isInElement
            ? try element.unwrapKey(encryptedKey, into: &key, random: &random)
            : try software.unwrapKey(encryptedKey, into: &key, random: &random)
    }
}
