import CMbedTLS

/// CTR_DRBG with AES-256 (SP 800-90A, 10.2), seeded from the board's entropy source. Fails closed until it is seeded.
///
/// It is passed `inout` to whatever needs randomness; the board keeps the only one.
@safe public struct RandomGenerator: ~Copyable {
    /// Bytes of a seed: 256 bits of entropy and 128 bits of nonce at least (SP 800-90A, 10.2.1), 256 bytes at most.
    public static let seedSize = 48...256
    /// Bytes of personalization at most.
    public static let personalizationLimit = 128

    var context = unsafe cmbedtls_generator()
    public private(set) var isSeeded = false

    public init() {}

    /// Seeds the generator, or mixes more into one that is seeded already.
    ///
    /// - Parameters:
    ///   - seed: unpredictable bytes that were never used before; ``seedSize``.
    ///   - personalization: what sets this device apart, such as its serial number; may be empty. At most
    ///     ``personalizationLimit`` bytes.
    /// - Throws: `.invalidSeed` when a length is out of range.
    @inline(never)
    public mutating func seed(_ seed: Span<UInt8>, personalization: Span<UInt8>) throws(CryptoError) {
        guard Self.seedSize.contains(seed.count), personalization.count <= Self.personalizationLimit else {
            throw .invalidSeed
        }
        let status = unsafe seed.withUnsafeBufferPointer { seed in
            unsafe personalization.withUnsafeBufferPointer { personalization in
                if isSeeded {
                    unsafe cmbedtls_random_reseed(
                        &context, seed.baseAddress, seed.count, personalization.baseAddress, personalization.count)
                } else {
                    unsafe cmbedtls_random_seed(
                        &context, seed.baseAddress, seed.count, personalization.baseAddress, personalization.count)
                }
            }
        }
        guard status == 0 else {
            wipe()
            throw .invalidSeed
        }
        isSeeded = true
    }

    /// Fills all of `bytes`.
    ///
    /// - Throws: `.notSeeded`, with `bytes` set to 0.
    @inline(never)
    public mutating func fill(_ bytes: inout MutableSpan<UInt8>) throws(CryptoError) {
        guard isSeeded else {
            DeviceCrypto.wipe(&bytes)
            throw .notSeeded
        }
        let succeeded = unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            guard var next = bytes.baseAddress else { return true }
            var left = bytes.count
            while left > 0 {
                let count = min(left, Int(MBEDTLS_CTR_DRBG_MAX_REQUEST))
                guard unsafe cmbedtls_random(&context, next, count) == 0 else { return false }
                unsafe next += count
                left -= count
            }
            return true
        }
        guard succeeded else {
            DeviceCrypto.wipe(&bytes)
            throw .notSeeded
        }
    }

    /// Has a function called whenever something is drawn, for a watchdog that a device feeds.
    ///
    /// Every test of a prime and every operation with a private key draws, so that no longer passes without a call than one such
    /// operation takes: that with an RSA key of 2048 bits takes some 300 million cycles of a Cortex-M3.
    ///
    /// - Parameters:
    ///   - alive: returns soon, and calls nothing of the core.
    ///   - context: is handed to it.
    @unsafe public mutating func setAlive(
        _ alive: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, _ context: UnsafeMutableRawPointer?
    ) {
        unsafe self.context.alive = alive
        unsafe self.context.alive_context = context
    }

    /// Lends the generator to other parts of mbedTLS, whose random source `cmbedtls_random` is.
    @unsafe public mutating func withContext<Result>(
        _ body: (UnsafeMutablePointer<cmbedtls_generator>) -> Result
    ) -> Result {
        unsafe body(&context)
    }

    /// Forgets the state; the generator has to be seeded again.
    public mutating func wipe() {
        unsafe cmbedtls_random_wipe(&context)
        isSeeded = false
    }
}
