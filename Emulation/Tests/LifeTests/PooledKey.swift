import Agent
import DeviceCrypto
import Synchronization

/// The key that boards have, but for one thing: RSA keys are made once for all tests, and each device takes one after
/// the other.
struct PooledKey: DeviceKey, ~Copyable {
    private var key = SoftwareKey()

    init(context: Void) {}

    /// How many RSA keys the device of this task has taken, and how many keys it has in memory.
    @TaskLocal static var taken = Counter()

    final class Counter: Sendable {
        private let count = Atomic(0)
        private let held = Atomic(0)
        func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
        func hold(_ difference: Int) { held.add(difference, ordering: .relaxed) }
        var isHolding: Bool { held.load(ordering: .relaxed) != 0 }

        private let seen = Mutex<[[UInt8]]>([])
        /// What the device's keys keep, of all that it had so far.
        var keys: [[UInt8]] { seen.withLock { $0 } }
        func note(_ kept: [UInt8]) { seen.withLock { if !$0.contains(kept) { $0.append(kept) } } }
    }

    private var isHeld = false {
        didSet { if isHeld != oldValue { Self.taken.hold(isHeld ? 1 : -1) } }
    }

    private static let pool = Mutex<[Int: [UInt8]]>([:])
    private static let poolSize = 8

    /// What ``serialize(into:)`` of an RSA-2048 key wrote.
    private static func pooled(_ number: Int) throws(CryptoError) -> [UInt8] {
        let number = number % poolSize
        if let known = pool.withLock({ $0[number] }) { return known }
        var random = RandomGenerator()
        let seed = [UInt8](repeating: UInt8(number), count: 48)
        try random.seed(seed.span, personalization: Span())
        var key = SoftwareKey()
        try key.generate(.rsa(bits: 2048), random: &random)
        var bytes = [UInt8](repeating: 0, count: key.serializedSize)
        do {
            var buffer = bytes.mutableSpan
            _ = try key.serialize(into: &buffer)
        }
        let kept = bytes
        pool.withLock { $0[number] = kept }
        return kept
    }

    mutating func generate(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError) {
        isHeld = true
        guard algorithm == .rsa(bits: 2048) else {
            try key.generate(algorithm, random: &random)
            var bytes = [UInt8](repeating: 0, count: key.serializedSize)
            do {
                var buffer = bytes.mutableSpan
                _ = try key.serialize(into: &buffer)
            }
            return Self.taken.note(bytes)
        }
        let bytes = try Self.pooled(Self.taken.next())
        Self.taken.note(bytes)
        try key.load(bytes.span)
    }

    var serializedSize: Int { key.serializedSize }
    var algorithm: KeyAlgorithm { key.algorithm }
    var signatureSize: Int { key.signatureSize }
    var publicExponent: UInt32 { key.publicExponent }

    mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try key.serialize(into: &bytes)
    }

    mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        isHeld = true
        Self.taken.note(bytes.indices.map { bytes[$0] })
        try key.load(bytes)
    }

    mutating func wipe() {
        isHeld = false
        key.wipe()
    }

    mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try key.publicKey(into: &bytes)
    }

    mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try key.sign(digest, into: &signature, random: &random)
    }

    mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        try key.decrypt(padding, ciphertext, into: &plaintext, random: &random)
    }
}
