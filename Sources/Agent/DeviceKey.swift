import DeviceCrypto

/// A private key that a device makes for itself and keeps in its identity store.
public protocol DeviceKey: PrivateKey, ~Copyable {
    /// A place for a key, which is good for nothing until one is made or read into it.
    init()

    /// Makes a key in this place.
    ///
    /// - Throws: `.unsupported` for an algorithm that this kind of key does not have.
    mutating func generate(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError)

    /// Reads what ``export(into:)`` wrote into this place.
    mutating func load(_ bytes: Span<UInt8>) throws(CryptoError)

    /// Bytes that ``export(into:)`` writes.
    var exportSize: Int { get }

    /// Writes a compact form at the front of `bytes`: a secret.
    mutating func export(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int

    /// Sets the key to 0; it is good for nothing afterwards.
    mutating func wipe()
}

extension RSAPrivateKey: DeviceKey {
    public mutating func generate(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError) {
        guard case .rsa(let bits) = algorithm else { throw .unsupported }
        try generate(bits: bits, random: &random)
    }
}
