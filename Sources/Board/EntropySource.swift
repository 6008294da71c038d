/// Where a board's random seed comes from: a random generator in hardware, the operating system, or a seed region
/// that is advanced on every boot.
public protocol EntropySource: ~Copyable {
    /// Fills `seed` with bytes that nobody can predict and that were never given before, also not by an earlier boot.
    ///
    /// - Parameter seed: as many bytes as a ``DeviceCrypto/RandomGenerator/seedSize`` allows, 48 to 256; a board's `seed` asks
    ///   for 64.
    /// - Throws: `notProvisioned`, `failed`; whatever is in `seed` then is not used.
    mutating func seed(_ seed: inout MutableSpan<UInt8>) throws(EntropyError)
}

/// Why there is no randomness; without it a device must not make a key.
public enum EntropyError: UInt8, Error, Equatable, Sendable {
    /// The seed region is blank: the device was not given a seed at manufacture.
    case notProvisioned = 1
    /// The source failed or its health test did.
    case failed
}
