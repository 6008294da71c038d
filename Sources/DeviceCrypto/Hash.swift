import CMbedTLS

/// A digest in the making (FIPS 180-4). Finish it, or its state stays in memory.
public struct Hash: ~Copyable {
    private var context = cmbedtls_hash()
    private let algorithm: DigestAlgorithm

    @inline(never)
    public init(_ algorithm: DigestAlgorithm) {
        self.algorithm = algorithm
        unsafe cmbedtls_hash_start(&context, algorithm.rawValue)
    }

    @inline(never)
    public mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe cmbedtls_hash_update(&context, bytes.baseAddress, bytes.count)
        }
    }

    /// The digest of all bytes so far. Wipes the state and begins anew.
    @inline(never)
    public mutating func finish() -> Digest {
        var digest = Digest(algorithm)
        finish(into: &digest)
        return digest
    }

    /// The same for a digest that is a secret, and wiped where it stands: one that is returned is copied.
    ///
    /// - Parameter digest: of this algorithm, whatever is in it.
    public mutating func finish(into digest: inout Digest) {
        var buffer = digest.storage.mutableSpan
        unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe cmbedtls_hash_finish(&context, buffer.baseAddress)
        }
        wipe()
        unsafe cmbedtls_hash_start(&context, algorithm.rawValue)
    }

    /// Makes another digest of this algorithm begin with the same bytes. Moved where it stands: a state may be a secret.
    mutating func copy(to other: inout Hash) {
        unsafe cmbedtls_hash_copy(&other.context, &context)
    }

    /// Sets the state to 0. It is good for nothing afterwards.
    mutating func wipe() {
        unsafe mbedtls_platform_zeroize(&context, MemoryLayout<cmbedtls_hash>.size)
    }

    /// The digest of `bytes`.
    @inline(never)
    public static func digest(_ algorithm: DigestAlgorithm, of bytes: Span<UInt8>) -> Digest {
        var hash = Hash(algorithm)
        hash.update(bytes)
        return hash.finish()
    }
}
