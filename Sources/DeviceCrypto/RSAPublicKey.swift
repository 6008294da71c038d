import CMbedTLS

/// RSA public keys whose integers lie elsewhere, such as in a certificate: unsigned, big-endian, with or without
/// leading zeros. Moduli of up to 4096 bits, exponents that are odd, at least 3 and of up to 64 bits.
public enum RSAPublicKey {
    /// Bits of a modulus at most.
    public static let maximumBits = 4096
    /// Bits of a public exponent at most: what is beyond costs a small device minutes.
    public static let maximumExponentBits = 64

    /// Verifies RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2), or RSASSA-PSS with MGF1 of the same digest (RFC 8017, 8.1.2).
    ///
    /// - Parameters:
    ///   - saltSize: of RSASSA-PSS, bytes; nil for RSASSA-PKCS1-v1_5.
    ///   - signature: as many bytes as the modulus has.
    ///   - minimumBits: moduli below it are refused.
    /// - Throws: `.invalidSignature`; `.invalidKey` for a key out of range; `.outOfMemory`.
    @inline(never)
    public static func verify(
        modulus: Span<UInt8>, exponent: Span<UInt8>, digest: Digest, saltSize: Int? = nil,
        signature: Span<UInt8>, minimumBits: Int = 2048
    ) throws(CryptoError) {
        let size = try check(modulus: modulus, exponent: exponent, minimumBits: minimumBits)
        guard signature.count == size else { throw .invalidSignature }
        let salt = Int32(truncatingIfNeeded: saltSize ?? -1)
        let status = unsafe withKey(modulus, exponent) { key in
            unsafe digest.bytes.withUnsafeBufferPointer { bytes in
                unsafe signature.withUnsafeBufferPointer { signature in
                    unsafe cmbedtls_rsa_verify(
                        key, digest.algorithm.rawValue, bytes.count, bytes.baseAddress, salt, signature.baseAddress)
                }
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .invalidSignature) }
    }

    /// Encrypts with RSAES-PKCS1-v1_5 (RFC 8017, 7.2.1).
    ///
    /// - Parameters:
    ///   - plaintext: at most 11 bytes less than the modulus.
    ///   - ciphertext: space for as many bytes as the modulus has.
    ///   - minimumBits: moduli below it are refused.
    /// - Returns: how many bytes were written at the front of `ciphertext`.
    /// - Throws: `.invalidKey` for a key out of range; `.invalidLength`, `.bufferTooSmall`, `.notSeeded`,
    ///   `.outOfMemory`.
    @inline(never)
    public static func encrypt(
        modulus: Span<UInt8>, exponent: Span<UInt8>, _ plaintext: Span<UInt8>,
        into ciphertext: inout MutableSpan<UInt8>, random: inout RandomGenerator, minimumBits: Int = 2048
    ) throws(CryptoError) -> Int {
        let size = try check(modulus: modulus, exponent: exponent, minimumBits: minimumBits)
        guard random.isSeeded else { throw .notSeeded }
        guard plaintext.count <= size &- 11 else { throw .invalidLength }
        guard ciphertext.count >= size else { throw .bufferTooSmall }
        let status = unsafe withKey(modulus, exponent) { key in
            unsafe plaintext.withUnsafeBufferPointer { plaintext in
                unsafe ciphertext.withUnsafeMutableBufferPointer { ciphertext in
                    unsafe cmbedtls_rsa_encrypt(
                        key, &random.context, plaintext.count, plaintext.baseAddress, ciphertext.baseAddress)
                }
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .failed) }
        return size
    }

    /// Whether a key is in range: 2048 to 4096 bits, and an odd exponent of 2 to 64 bits.
    public static func isUsable(modulus: Span<UInt8>, exponent: Span<UInt8>) -> Bool {
        (try? check(modulus: modulus, exponent: exponent, minimumBits: 2048)) != nil
    }

    /// Bytes of the modulus, if the key is in range.
    private static func check(
        modulus: Span<UInt8>, exponent: Span<UInt8>, minimumBits: Int
    ) throws(CryptoError) -> Int {
        let bits = bitCount(modulus)
        let exponentBits = bitCount(exponent)
        // Two bits or more and odd: 3 at least. A modulus that is even is no product of odd primes.
        guard bits >= max(minimumBits, 512), bits <= maximumBits, 2...maximumExponentBits ~= exponentBits,
            modulus[modulus.count &- 1] & 1 == 1, exponent[exponent.count &- 1] & 1 == 1
        else { throw .invalidKey }
        return (bits &+ 7) / 8
    }

    static func withKey(
        _ modulus: Span<UInt8>, _ exponent: Span<UInt8>, _ body: (UnsafePointer<cmbedtls_rsa_public>) -> Int32
    ) -> Int32 {
        unsafe modulus.withUnsafeBufferPointer { modulus in
            unsafe exponent.withUnsafeBufferPointer { exponent in
                var key = unsafe cmbedtls_rsa_public(
                    modulus: modulus.baseAddress, modulus_count: modulus.count, exponent: exponent.baseAddress,
                    exponent_count: exponent.count)
                return unsafe body(&key)
            }
        }
    }
}
