import CMbedTLS

/// An RSA private key of 2048 to 4096 bits, kept as its two prime factors.
///
/// Every operation makes mbedTLS's form of the key anew and gives it back, so that between operations the arena is
/// empty and the secret lies in one place. Nothing wipes it but ``wipe()``.
public struct RSAPrivateKey: ~Copyable, PrivateKey {
    /// Bits of a modulus; multiples of 64.
    public static let permittedBits = 2048...4096

    static let kind: UInt8 = 1
    /// Kind, bits and exponent, in front of the prime factors.
    static let headerSize = 7

    /// P and Q, `half` bytes each, big-endian, at the front.
    private var primes = InlineArray<512, UInt8>(repeating: 0)
    /// Bytes of a prime factor; 0 after a wipe.
    private var half = 0
    public private(set) var publicExponent: UInt32 = 65537

    private init(bits: Int) {
        half = bits / 16
    }

    // MARK: Making

    /// Makes a key with the public exponent 65537 (FIPS 186-4, B.3.3).
    ///
    /// - Parameter bits: 2048 to 4096, a multiple of 64.
    /// - Throws: `.invalidKey` for any other size; `.notSeeded`, `.outOfMemory`, `.failed`.
    public static func generate(bits: Int, random: inout RandomGenerator) throws(CryptoError) -> RSAPrivateKey {
        guard permittedBits.contains(bits), bits.isMultiple(of: 64) else { throw .invalidKey }
        guard random.isSeeded else { throw .notSeeded }
        var key = RSAPrivateKey(bits: bits)
        var context = unsafe mbedtls_rsa_context()
        unsafe cmbedtls_rsa_init(&context)
        var status = unsafe cmbedtls_rsa_generate(&context, &random.context, UInt32(bits), 65537)
        if status == 0 { status = unsafe key.takePrimes(of: &context) }
        unsafe mbedtls_rsa_free(&context)
        guard status == 0 else {
            key.wipe()
            throw CryptoError(status: status, expected: .failed)
        }
        return key
    }

    /// A key that was made elsewhere, by the integers of its RSAPrivateKey (RFC 8017, A.1.2), unsigned and big-endian,
    /// with or without leading zeros.
    ///
    /// - Throws: `.invalidKey` unless the modulus has a permitted size, each prime factor half of it, the exponent is
    ///   odd and of 2 to 31 bits, and all of them belong together; `.outOfMemory`.
    public init(
        modulus: Span<UInt8>, publicExponent: Span<UInt8>, privateExponent: Span<UInt8>, prime1: Span<UInt8>,
        prime2: Span<UInt8>
    ) throws(CryptoError) {
        let modulusBits = bitCount(modulus)
        let exponentBits = bitCount(publicExponent)
        guard Self.permittedBits.contains(modulusBits), modulusBits.isMultiple(of: 64), 2...31 ~= exponentBits,
            bitCount(prime1) == modulusBits / 2, bitCount(prime2) == modulusBits / 2
        else { throw .invalidKey }
        var exponent: UInt32 = 0
        for index in publicExponent.indices { exponent = exponent &<< 8 | UInt32(publicExponent[index]) }
        half = modulusBits / 16
        self.publicExponent = exponent
        var context = unsafe mbedtls_rsa_context()
        unsafe cmbedtls_rsa_init(&context)
        var status = unsafe Self.importAll(
            modulus, publicExponent, privateExponent, prime1, prime2, into: &context)
        if status == 0 { status = unsafe mbedtls_rsa_complete(&context) }
        if status == 0 { status = unsafe mbedtls_rsa_check_privkey(&context) }
        if status == 0 { status = unsafe takePrimes(of: &context) }
        unsafe mbedtls_rsa_free(&context)
        guard status == 0 else {
            wipe()
            throw CryptoError(status: status, expected: .invalidKey)
        }
    }

    private static func importAll(
        _ modulus: Span<UInt8>, _ exponent: Span<UInt8>, _ privateExponent: Span<UInt8>, _ prime1: Span<UInt8>,
        _ prime2: Span<UInt8>, into context: inout mbedtls_rsa_context
    ) -> Int32 {
        unsafe modulus.withUnsafeBufferPointer { n in
            unsafe exponent.withUnsafeBufferPointer { e in
                unsafe privateExponent.withUnsafeBufferPointer { d in
                    unsafe prime1.withUnsafeBufferPointer { p in
                        unsafe prime2.withUnsafeBufferPointer { q in
                            unsafe mbedtls_rsa_import_raw(
                                &context, n.baseAddress, n.count, p.baseAddress, p.count, q.baseAddress, q.count,
                                d.baseAddress, d.count, e.baseAddress, e.count)
                        }
                    }
                }
            }
        }
    }

    private mutating func takePrimes(of context: inout mbedtls_rsa_context) -> Int32 {
        let half = half
        var room = primes.mutableSpan
        return unsafe room.withUnsafeMutableBufferPointer { room in
            guard let base = room.baseAddress else { return MBEDTLS_ERR_RSA_BAD_INPUT_DATA }
            return unsafe mbedtls_rsa_export_raw(
                &context, nil, 0, base, half, base + half, half, nil, 0, nil, 0)
        }
    }

    // MARK: Keeping

    /// Bytes of ``export(into:)``: 271 for 2048 bits, 527 for 4096.
    public var exportSize: Int { Self.headerSize + 2 * half + ExportCheck.size }

    /// Writes the compact form that an identity store keeps, a secret:
    ///
    /// | bytes | what |
    /// |---|---|
    /// | 1 | 01, for RSA |
    /// | 2 | bits of the modulus, big-endian |
    /// | 4 | public exponent, big-endian |
    /// | bits / 16 | prime factor P, big-endian |
    /// | bits / 16 | prime factor Q, big-endian |
    /// | 8 | the first bytes of the SHA-256 of all of the above |
    ///
    /// - Returns: how many bytes were written at the front of `bytes`: ``exportSize``.
    /// - Throws: `.bufferTooSmall`; `.invalidKey` after a wipe.
    public func export(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard half > 0 else { throw .invalidKey }
        guard bytes.count >= exportSize else { throw .bufferTooSmall }
        let bits = half * 16
        bytes[0] = Self.kind
        bytes[1] = UInt8(truncatingIfNeeded: bits &>> 8)
        bytes[2] = UInt8(truncatingIfNeeded: bits)
        for index in 0..<4 {
            bytes[3 + index] = UInt8(truncatingIfNeeded: publicExponent &>> UInt32(24 - 8 * index))
        }
        for index in 0..<2 * half { bytes[Self.headerSize + index] = primes[index] }
        ExportCheck.write(after: Self.headerSize + 2 * half, in: &bytes)
        return exportSize
    }

    /// Reads the form of ``export(into:)``.
    ///
    /// - Throws: `.invalidKey` unless `bytes` is exactly what was exported.
    public init(importing bytes: Span<UInt8>) throws(CryptoError) {
        guard bytes.count > Self.headerSize, bytes[0] == Self.kind else { throw .invalidKey }
        let bits = Int(bytes[1]) &<< 8 | Int(bytes[2])
        guard Self.permittedBits.contains(bits), bits.isMultiple(of: 64) else { throw .invalidKey }
        var exponent: UInt32 = 0
        for index in 3..<7 { exponent = exponent &<< 8 | UInt32(bytes[index]) }
        let primesEnd = Self.headerSize + bits / 8
        // The digest stands for the primality of P and Q, which would take seconds to prove again.
        guard bytes.count == primesEnd + ExportCheck.size, exponent >= 3, exponent & 1 == 1,
            bytes[Self.headerSize] & 0x80 != 0, bytes[Self.headerSize + bits / 16] & 0x80 != 0,
            bytes[Self.headerSize + bits / 16 - 1] & 1 == 1, bytes[primesEnd - 1] & 1 == 1,
            ExportCheck.holds(after: primesEnd, in: bytes)
        else { throw .invalidKey }
        half = bits / 16
        publicExponent = exponent
        for index in 0..<bits / 8 { primes[index] = bytes[Self.headerSize + index] }
    }

    /// Sets the secret to 0. The key is good for nothing afterwards.
    public mutating func wipe() {
        var room = primes.mutableSpan
        DeviceCrypto.wipe(&room)
        half = 0
    }

    // MARK: Using

    public var algorithm: KeyAlgorithm { .rsa(bits: half * 16) }

    /// Bytes of the modulus, and so of every signature and ciphertext: 256 to 512.
    public var signatureSize: Int { 2 * half }

    public func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard half > 0 else { throw .invalidKey }
        guard bytes.count >= 2 * half else { throw .bufferTooSmall }
        let status = unsafe primes.span.withUnsafeBufferPointer { primes in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                unsafe cmbedtls_rsa_modulus(primes.baseAddress, half, bytes.baseAddress)
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .invalidKey) }
        return 2 * half
    }

    public mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard random.isSeeded else { throw .notSeeded }
        guard signature.count >= signatureSize else { throw .bufferTooSmall }
        var context = unsafe mbedtls_rsa_context()
        var status = unsafe load(into: &context)
        if status == 0 {
            status = unsafe digest.bytes.withUnsafeBufferPointer { bytes in
                unsafe signature.withUnsafeMutableBufferPointer { signature in
                    unsafe cmbedtls_rsa_sign(
                        &context, &random.context, digest.algorithm.rawValue, bytes.count, bytes.baseAddress,
                        signature.baseAddress)
                }
            }
        }
        unsafe mbedtls_rsa_free(&context)
        guard status == 0 else { throw CryptoError(status: status, expected: half > 0 ? .failed : .invalidKey) }
        return signatureSize
    }

    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard half > 0 else { throw .invalidKey }
        guard random.isSeeded else { throw .notSeeded }
        guard ciphertext.count == 2 * half else { throw .decryptionFailed }
        var context = unsafe mbedtls_rsa_context()
        var count = 0
        var status = unsafe load(into: &context)
        if status == 0 {
            status = unsafe ciphertext.withUnsafeBufferPointer { ciphertext in
                unsafe plaintext.withUnsafeMutableBufferPointer { plaintext in
                    switch padding {
                    case .pkcs1v15:
                        unsafe cmbedtls_rsa_decrypt(
                            &context, &random.context, ciphertext.baseAddress, plaintext.baseAddress, plaintext.count,
                            &count)
                    case .oaep(let digest):
                        unsafe cmbedtls_rsa_decrypt_oaep(
                            &context, &random.context, digest.rawValue, ciphertext.baseAddress, plaintext.baseAddress,
                            plaintext.count, &count)
                    }
                }
            }
        }
        unsafe mbedtls_rsa_free(&context)
        guard status == 0 else { throw CryptoError(status: status, expected: .decryptionFailed) }
        return count
    }

    public mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        guard half > 0 else { throw .invalidKey }
        guard random.isSeeded else { throw .notSeeded }
        guard 1...32 ~= key.count else { throw .invalidLength }
        guard encryptedKey.count == 2 * half else { throw .decryptionFailed }
        // Bound to the secret, so that nobody else can tell the substitute from a key; the same every time, so that
        // asking twice tells nothing either.
        var hash = Hash(.sha256)
        hash.update(primes.span)
        hash.update(encryptedKey)
        var substitute = hash.finish()
        var context = unsafe mbedtls_rsa_context()
        var status = unsafe load(into: &context)
        if status == 0 {
            status = unsafe encryptedKey.withUnsafeBufferPointer { encryptedKey in
                unsafe substitute.bytes.withUnsafeBufferPointer { substitute in
                    unsafe key.withUnsafeMutableBufferPointer { key in
                        unsafe cmbedtls_rsa_unwrap(
                            &context, &random.context, encryptedKey.baseAddress, substitute.baseAddress,
                            key.baseAddress, key.count)
                    }
                }
            }
        }
        unsafe mbedtls_rsa_free(&context)
        substitute.wipe()
        guard status == 0 else { throw CryptoError(status: status, expected: .decryptionFailed) }
    }

    private func load(into context: inout mbedtls_rsa_context) -> Int32 {
        unsafe cmbedtls_rsa_init(&context)
        guard half > 0 else { return MBEDTLS_ERR_RSA_BAD_INPUT_DATA }
        return unsafe primes.span.withUnsafeBufferPointer { primes in
            unsafe cmbedtls_rsa_load_private(&context, primes.baseAddress, half, publicExponent)
        }
    }
}
