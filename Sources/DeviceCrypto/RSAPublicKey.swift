import CMbedTLS

/// RSA public keys whose integers lie elsewhere, such as in a certificate: unsigned, big-endian, with or without
/// leading zeros. Moduli of up to 4096 bits, exponents that are odd, at least 3 and of up to 64 bits.
public enum RSAPublicKey {
    /// Bits of a modulus at most.
    public static let maximumBits = 4096
    /// Bits of a public exponent at most: what is beyond costs a small device minutes.
    public static let maximumExponentBits = 64

    /// Verifies RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2).
    ///
    /// - Parameters:
    ///   - signature: as many bytes as the modulus has.
    ///   - minimumBits: moduli below it are refused.
    /// - Throws: `.invalidSignature`; `.invalidKey` for a key out of range; `.outOfMemory`.
    public static func verify(
        modulus: Span<UInt8>, exponent: Span<UInt8>, digest: Digest, signature: Span<UInt8>, minimumBits: Int = 2048
    ) throws(CryptoError) {
        let size = try check(modulus: modulus, exponent: exponent, minimumBits: minimumBits)
        guard signature.count == size else { throw .invalidSignature }
        var context = unsafe mbedtls_rsa_context()
        var status = unsafe load(modulus, exponent, into: &context)
        if status == 0 {
            status = unsafe digest.bytes.withUnsafeBufferPointer { bytes in
                unsafe signature.withUnsafeBufferPointer { signature in
                    unsafe cmbedtls_rsa_verify(
                        &context, digest.algorithm.rawValue, bytes.count, bytes.baseAddress, signature.baseAddress)
                }
            }
        }
        unsafe mbedtls_rsa_free(&context)
        guard status == 0 else { throw CryptoError(status: status, expected: .invalidSignature) }
    }

    /// Encrypts with RSAES-PKCS1-v1_5 (RFC 8017, 7.2.1).
    ///
    /// - Parameters:
    ///   - plaintext: at most 11 bytes less than the modulus.
    ///   - ciphertext: room for as many bytes as the modulus has.
    ///   - minimumBits: moduli below it are refused.
    /// - Returns: how many bytes were written at the front of `ciphertext`.
    /// - Throws: `.invalidKey` for a key out of range; `.invalidLength`, `.bufferTooSmall`, `.notSeeded`,
    ///   `.outOfMemory`.
    public static func encrypt(
        modulus: Span<UInt8>, exponent: Span<UInt8>, _ plaintext: Span<UInt8>,
        into ciphertext: inout MutableSpan<UInt8>, random: inout RandomGenerator, minimumBits: Int = 2048
    ) throws(CryptoError) -> Int {
        let size = try check(modulus: modulus, exponent: exponent, minimumBits: minimumBits)
        guard random.isSeeded else { throw .notSeeded }
        guard plaintext.count <= size - 11 else { throw .invalidLength }
        guard ciphertext.count >= size else { throw .bufferTooSmall }
        var context = unsafe mbedtls_rsa_context()
        var status = unsafe load(modulus, exponent, into: &context)
        if status == 0 {
            status = unsafe plaintext.withUnsafeBufferPointer { plaintext in
                unsafe ciphertext.withUnsafeMutableBufferPointer { ciphertext in
                    unsafe cmbedtls_rsa_encrypt(
                        &context, &random.context, plaintext.count, plaintext.baseAddress, ciphertext.baseAddress)
                }
            }
        }
        unsafe mbedtls_rsa_free(&context)
        guard status == 0 else { throw CryptoError(status: status, expected: .failed) }
        return size
    }

    /// Bytes of the modulus, if the key is in range.
    private static func check(
        modulus: Span<UInt8>, exponent: Span<UInt8>, minimumBits: Int
    ) throws(CryptoError) -> Int {
        let bits = bitCount(modulus)
        let exponentBits = bitCount(exponent)
        // Two bits or more and odd: 3 at least. A modulus that is even is no product of odd primes.
        guard bits >= max(minimumBits, 512), bits <= maximumBits, 2...maximumExponentBits ~= exponentBits,
            modulus[modulus.count - 1] & 1 == 1, exponent[exponent.count - 1] & 1 == 1
        else { throw .invalidKey }
        return (bits + 7) / 8
    }

    private static func load(
        _ modulus: Span<UInt8>, _ exponent: Span<UInt8>, into context: inout mbedtls_rsa_context
    ) -> Int32 {
        unsafe cmbedtls_rsa_init(&context)
        return unsafe modulus.withUnsafeBufferPointer { modulus in
            unsafe exponent.withUnsafeBufferPointer { exponent in
                unsafe mbedtls_rsa_import_raw(
                    &context, modulus.baseAddress, modulus.count, nil, 0, nil, 0, nil, 0, exponent.baseAddress,
                    exponent.count)
            }
        }
    }
}
