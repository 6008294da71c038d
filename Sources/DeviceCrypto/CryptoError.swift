import CMbedTLS

/// Why a cryptographic operation failed. None says more than a far side may know.
public enum CryptoError: UInt8, Error, Equatable, Sendable {
    /// The arena of mbedTLS, or the host's heap, is too small for the operation.
    case outOfMemory = 1
    /// A key is malformed, out of the permitted range of sizes, or its parts do not belong together.
    case invalidKey
    /// The signature is not one of this digest under this key.
    case invalidSignature
    /// The ciphertext is not one for this key, or its padding is wrong: one error for every cause.
    case decryptionFailed
    /// The caller's buffer is smaller than the result.
    case bufferTooSmall
    /// An input has a length that the algorithm does not take.
    case invalidLength
    /// The key or the algorithm cannot do this operation.
    case unsupported
    /// The random generator was not seeded, or has given all that one seed is good for.
    case notSeeded
    /// The seed is shorter or longer than the generator takes.
    case invalidSeed
    /// A fault in the middle of an operation: it was noticed, and nothing was handed out.
    case failed

    /// The error for a status of mbedTLS; `expected` is what anything but lack of memory or randomness means.
    init(status: Int32, expected: CryptoError) {
        // A status is the negated sum of a module's code and, in its low seven bits, of a deeper one.
        switch -status & 0x7F {
        case -MBEDTLS_ERR_MPI_ALLOC_FAILED: self = .outOfMemory
        case -MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED: self = .notSeeded
        default:
            switch status {
            case MBEDTLS_ERR_ECP_ALLOC_FAILED, MBEDTLS_ERR_MD_ALLOC_FAILED: self = .outOfMemory
            default: self = expected
            }
        }
    }
}
