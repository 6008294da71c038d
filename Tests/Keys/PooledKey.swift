import Agent
import DeviceCrypto
import Synchronization

/// The key that boards have, but for one thing: RSA keys are made once for all tests, and each device takes one after
/// the other.
public struct PooledKey: DeviceKey, ~Copyable {
    private var key = SoftwareKey()

    /// How many RSA keys the device of this task has taken, and how many keys it has in memory.
    @TaskLocal public static var taken = Counter()

    public final class Counter: Sendable {
        public init() {}

        private let count = Atomic(0)
        private let held = Atomic(0)
        public func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
        fileprivate func hold(_ difference: Int) { held.add(difference, ordering: .relaxed) }
        public var isHolding: Bool { held.load(ordering: .relaxed) != 0 }

        private let seen = Mutex<[[UInt8]]>([])
        /// What the device's keys keep, of all that it had so far.
        public var keys: [[UInt8]] { seen.withLock { $0 } }
        fileprivate func note(_ kept: [UInt8]) { seen.withLock { if !$0.contains(kept) { $0.append(kept) } } }
    }

    public init(context: Void) {}

    private var isHeld = false {
        didSet { if isHeld != oldValue { Self.taken.hold(isHeld ? 1 : -1) } }
    }

    private static let pool = Mutex<[Int: [UInt8]]>([:])
    private static let poolSize = 8

    /// What ``serialize(into:)`` of an RSA-2048 key wrote.
    private static func pooled(_ number: Int) throws(CryptoError) -> [UInt8] {
        let number = number % poolSize
        if let known = pool.withLock({ $0[number] }) { return known }
        var random = try seededRandom(UInt8(number))
        var key = SoftwareKey()
        try key.generate(.rsa(bits: 2048), random: &random)
        let kept = try serialized(&key)
        pool.withLock { $0[number] = kept }
        return kept
    }

    private static func serialized(_ key: inout SoftwareKey) throws(CryptoError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: key.serializedSize)
        var buffer = bytes.mutableSpan
        _ = try key.serialize(into: &buffer)
        return bytes
    }

    /// A pooled key takes two parts.
    public mutating func generatePart(
        _ algorithm: KeyAlgorithm, random: inout RandomGenerator
    ) throws(CryptoError) -> Bool {
        isHeld = true
        guard algorithm == .rsa(bits: 2048) else {
            guard try key.generatePart(algorithm, random: &random) else { return false }
            Self.taken.note(try Self.serialized(&key))
            return true
        }
        isBegun.toggle()
        if isBegun { return false }
        let bytes = try Self.pooled(Self.taken.next())
        Self.taken.note(bytes)
        try key.load(bytes.span)
        return true
    }

    private var isBegun = false

    public var serializedSize: Int { key.serializedSize }
    public var algorithm: KeyAlgorithm { key.algorithm }
    public var signatureSize: Int { key.signatureSize }
    public var publicExponent: UInt32 { key.publicExponent }

    public mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try key.serialize(into: &bytes)
    }

    public mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        isHeld = true
        Self.taken.note(bytes.indices.map { bytes[$0] })
        try key.load(bytes)
    }

    public mutating func wipe() {
        isHeld = false
        key.wipe()
    }

    public mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try key.publicKey(into: &bytes)
    }

    public mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try key.sign(digest, into: &signature, random: &random)
    }

    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try key.decrypt(padding, ciphertext, into: &plaintext, random: &random)
    }

    public mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into content: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        try key.unwrapKey(encryptedKey, into: &content, random: &random)
    }
}
