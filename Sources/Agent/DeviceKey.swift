import DeviceCrypto

/// A private key that a device makes for itself, and that its identity store keeps: the secret, or what a secure element
/// finds it by.
public protocol DeviceKey: PrivateKey, ~Copyable {
    /// What keys of this kind need beside their own bytes, as the session with a secure element that holds them; nothing
    /// for a key in memory.
    associatedtype Context = Void

    /// A place for a key, which is good for nothing until one is made or read into it.
    init(context: Context)

    /// Makes a key in this place, or a part of one: whoever wants a key calls it until there is all of it. What was there is
    /// wiped at the first.
    ///
    /// - Returns: whether the key is complete.
    /// - Throws: `.unsupported` for an algorithm that this kind of key does not have.
    mutating func generatePart(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError) -> Bool

    /// Bytes that ``serialize(into:)`` writes.
    var serializedSize: Int { get }

    /// Writes at the front of `bytes` what ``load(_:)`` needs: the secret or a reference to it. It is kept like a
    /// secret either way.
    ///
    /// - Returns: how many bytes were written: ``serializedSize``.
    mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int

    /// Reads what ``serialize(into:)`` wrote into this place.
    mutating func load(_ bytes: Span<UInt8>) throws(CryptoError)

    /// Sets what is in memory to 0. The key is good for nothing afterwards, until it is loaded again.
    mutating func wipe()
}

extension DeviceKey where Self: ~Copyable {
    /// Makes all of a key in this place.
    ///
    /// - Throws: as ``generatePart(_:random:)``.
    public mutating func generate(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError) {
        while try !generatePart(algorithm, random: &random) {}
    }
}

extension RSAPrivateKey: DeviceKey {
    public init(context: Void) { self.init() }

    public mutating func generatePart(
        _ algorithm: KeyAlgorithm, random: inout RandomGenerator
    ) throws(CryptoError) -> Bool {
        guard case .rsa(let bits) = algorithm else { throw .unsupported }
        return try generatePart(bits: bits, random: &random)
    }

    public var serializedSize: Int { exportSize }

    public mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try export(into: &bytes)
    }
}
