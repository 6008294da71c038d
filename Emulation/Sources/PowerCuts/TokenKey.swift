import Agent
import DeviceCrypto
import LibCrypto

/// A device's key in a ``Token``: the core has the slot's number, and asks for nothing but a public key, signatures and
/// decryption.
public struct TokenKey: DeviceKey, ~Copyable {
    private let inserted: Inserted
    private var slot: Token.Slot?

    public init(context inserted: Inserted) { self.inserted = inserted }

    private var token: Token { inserted.token }

    public mutating func generatePart(
        _ algorithm: KeyAlgorithm, random: inout RandomGenerator
    ) throws(CryptoError) -> Bool {
        let kind: KeyKind
        switch algorithm {
        case .rsa(bits: 2048): kind = .rsa2048
        case .p256: kind = .p256
        case .p384: kind = .p384
        default: throw .unsupported
        }
        guard let slot = inserted.take(kind) else { throw .outOfMemory }
        self.slot = slot
        return true
    }

    /// A letter for the kind of key, and the slot's number.
    public var serializedSize: Int { 2 }

    public mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard let slot else { throw .invalidKey }
        guard bytes.count >= serializedSize else { throw .bufferTooSmall }
        bytes[0] = Self.letter(slot.kind)
        bytes[1] = slot.number
        return serializedSize
    }

    public mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        guard bytes.count == serializedSize, let slot = Self.slot([bytes[0], bytes[1]]) else { throw .invalidKey }
        self.slot = slot
    }

    /// What ``serialize(into:)`` wrote.
    static func slot(_ bytes: [UInt8]) -> Token.Slot? {
        guard bytes.count == 2, let kind = KeyKind.allCases.first(where: { letter($0) == bytes[0] }) else { return nil }
        return Token.Slot(kind: kind, number: bytes[1])
    }

    private static func letter(_ kind: KeyKind) -> UInt8 {
        switch kind {
        case .rsa2048: UInt8(ascii: "r")
        case .rsa3072: UInt8(ascii: "s")
        case .rsa4096: UInt8(ascii: "t")
        case .p256: UInt8(ascii: "e")
        case .p384: UInt8(ascii: "f")
        }
    }

    public mutating func wipe() {
        slot = nil
    }

    public var algorithm: KeyAlgorithm {
        switch slot?.kind {
        case .p256: .p256
        case .p384: .p384
        default: .rsa(bits: 2048)
        }
    }

    public var signatureSize: Int { algorithm.signatureSize }

    public var publicExponent: UInt32 { algorithm == .rsa(bits: 2048) ? 65_537 : 0 }

    public mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard let slot, let key = try? token.bareBytes(of: slot) else { throw .invalidKey }
        return try Self.copy(key, into: &bytes)
    }

    public mutating func sign(
        _ digest: DeviceCrypto.Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard let slot else { throw .invalidKey }
        var bytes: [UInt8] = []
        for index in digest.bytes.indices { bytes.append(digest.bytes[index]) }
        guard let made = try? token.sign(bytes, of: Self.digest(digest.algorithm), with: slot) else { throw .failed }
        return try Self.copy(made, into: &signature)
    }

    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard let slot else { throw .invalidKey }
        guard slot.kind.canDecrypt else { throw .unsupported }
        var bytes: [UInt8] = []
        for index in ciphertext.indices { bytes.append(ciphertext[index]) }
        let label: LibCrypto.Digest?
        switch padding {
        case .pkcs1v15: label = nil
        case .oaep(let algorithm): label = Self.digest(algorithm)
        }
        guard let made = try? token.decrypt(bytes, oaep: label, with: slot), made.count <= plaintext.count else {
            throw .decryptionFailed
        }
        return try Self.copy(made, into: &plaintext)
    }

    private static func digest(_ algorithm: DigestAlgorithm) -> LibCrypto.Digest {
        switch algorithm {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }

    private static func copy(_ source: [UInt8], into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard source.count <= bytes.count else { throw .bufferTooSmall }
        for index in source.indices { bytes[index] = source[index] }
        return source.count
    }
}
