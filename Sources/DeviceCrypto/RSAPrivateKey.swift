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

    /// Bytes of a prime factor; 0 after a wipe.
    private var half = 0
    public private(set) var publicExponent: UInt32 = 0
    /// What is made here and is not complete.
    private var search = PrimeSearch()
    /// P and Q, `half` bytes each, big-endian, at the front.
    private var primes = InlineArray<512, UInt8>(repeating: 0)

    /// A place for a key, which is good for nothing until one is made or read into it.
    public init() {}

    // MARK: Making

    /// Makes a key with the public exponent 65537 (FIPS 186-5, A.1.3).
    ///
    /// - Parameter bits: 2048 to 4096, a multiple of 64.
    /// - Throws: `.invalidKey` for any other size; `.notSeeded`, `.outOfMemory`, `.failed`.
    public static func generate(bits: Int, random: inout RandomGenerator) throws(CryptoError) -> RSAPrivateKey {
        var key = RSAPrivateKey()
        while try !key.generatePart(bits: bits, random: &random) {}
        return key
    }

    /// The same where the key is to stay, a part at a time: call it until there is all of it. A part takes as long as one test
    /// by Miller and Rabin, which is half of an operation with the key; some seventy parts make a key of 2048 bits. Another size than
    /// before begins anew. After an error the place is empty.
    ///
    /// - Returns: whether the key is complete.
    @inline(never)
    public mutating func generatePart(bits: Int, random: inout RandomGenerator) throws(CryptoError) -> Bool {
        guard Self.permittedBits.contains(bits), bits.isMultiple(of: 64) else {
            wipe()
            throw .invalidKey
        }
        guard random.isSeeded else {
            wipe()
            throw .notSeeded
        }
        if half > 0 || search.bits != bits {
            wipe()
            search.bits = bits
        }
        let status = goOn(&random)
        guard status == 0, !search.isHopeless else {
            wipe()
            throw CryptoError(status: status, expected: .failed)
        }
        guard search.isComplete else { return false }
        search = PrimeSearch()
        half = bits / 16
        publicExponent = 65537
        return true
    }

    private mutating func goOn(_ random: inout RandomGenerator) -> Int32 {
        let half = search.bits / 16
        var buffer = primes.mutableSpan
        let status = unsafe buffer.withUnsafeMutableBufferPointer { primes -> Int32 in
            guard let first = primes.baseAddress else { return 0 }
            let other = search.isSecond ? unsafe UnsafePointer(first) : nil
            let prime = search.isSecond ? unsafe first + half : unsafe first
            return unsafe cmbedtls_rsa_search(&random.context, 65537, other, half, prime, &search.passed)
        }
        guard status == 0 else { return status }
        search.note()
        guard search.isComplete else { return 0 }
        return unsafe buffer.withUnsafeMutableBufferPointer { primes in
            unsafe cmbedtls_rsa_complete(65537, half, primes.baseAddress)
        }
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
        try load(
            modulus: modulus, publicExponent: publicExponent, privateExponent: privateExponent, prime1: prime1,
            prime2: prime2)
    }

    /// The same where the key is to stay. After an error the place is empty.
    @inline(never)
    public mutating func load(
        modulus: Span<UInt8>, publicExponent: Span<UInt8>, privateExponent: Span<UInt8>, prime1: Span<UInt8>,
        prime2: Span<UInt8>
    ) throws(CryptoError) {
        wipe()
        let bits = bitCount(modulus)
        let exponentBits = bitCount(publicExponent)
        guard Self.permittedBits.contains(bits), bits.isMultiple(of: 64), 2...31 ~= exponentBits,
            bitCount(prime1) == bits / 2, bitCount(prime2) == bits / 2
        else { throw .invalidKey }
        var exponent: UInt32 = 0
        for index in publicExponent.indices { exponent = exponent &<< 8 | UInt32(publicExponent[index]) }
        var buffer = primes.mutableSpan
        let status = unsafe RSAPublicKey.withKey(modulus, publicExponent) { key in
            unsafe privateExponent.withUnsafeBufferPointer { d in
                unsafe prime1.withUnsafeBufferPointer { p in
                    unsafe prime2.withUnsafeBufferPointer { q in
                        unsafe buffer.withUnsafeMutableBufferPointer { buffer in
                            unsafe cmbedtls_rsa_import(
                                key, d.baseAddress, d.count, p.baseAddress, p.count, q.baseAddress, q.count,
                                buffer.baseAddress, bits / 16)
                        }
                    }
                }
            }
        }
        guard status == 0 else {
            wipe()
            throw CryptoError(status: status, expected: .invalidKey)
        }
        half = bits / 16
        self.publicExponent = exponent
    }

    // MARK: Keeping

    /// Bytes of ``export(into:)``: 271 for 2048 bits, 527 for 4096.
    public var exportSize: Int { Self.exportSize(bits: half &* 16) }

    /// The same of any key. Whoever asks a key itself may have it copied to the stack.
    public static func exportSize(bits: Int) -> Int { headerSize &+ bits / 8 &+ ExportCheck.size }

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
    @inline(never)
    public mutating func export(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard half > 0 else { throw .invalidKey }
        let bits = half &* 16
        let size = Self.exportSize(bits: bits)
        guard bytes.count >= size else { throw .bufferTooSmall }
        bytes[0] = Self.kind
        bytes[1] = UInt8(truncatingIfNeeded: bits &>> 8)
        bytes[2] = UInt8(truncatingIfNeeded: bits)
        for index in 0..<4 {
            bytes[3 &+ index] = UInt8(truncatingIfNeeded: publicExponent &>> UInt32(24 &- 8 &* index))
        }
        for index in 0..<2 &* half { bytes[Self.headerSize &+ index] = primes[index] }
        ExportCheck.write(after: Self.headerSize &+ 2 &* half, in: &bytes)
        return size
    }

    /// Reads the form of ``export(into:)``.
    ///
    /// - Throws: `.invalidKey` unless `bytes` is exactly what was exported.
    public init(importing bytes: Span<UInt8>) throws(CryptoError) {
        try load(bytes)
    }

    /// The same where the key is to stay, which takes less stack. After an error the place is empty.
    @inline(never)
    public mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        wipe()
        guard bytes.count > Self.headerSize, bytes[0] == Self.kind else { throw .invalidKey }
        let bits = Int(bytes[1]) &<< 8 | Int(bytes[2])
        guard Self.permittedBits.contains(bits), bits.isMultiple(of: 64) else { throw .invalidKey }
        var exponent: UInt32 = 0
        for index in 3..<7 { exponent = exponent &<< 8 | UInt32(bytes[index]) }
        let end = Self.headerSize &+ bits / 8
        // The check stands for the primality of P and Q as well, which would take seconds to prove again.
        guard bytes.count == end &+ ExportCheck.size, exponent >= 3, exponent & 1 == 1,
            bytes[Self.headerSize] & 0x80 != 0, bytes[Self.headerSize &+ bits / 16] & 0x80 != 0,
            bytes[Self.headerSize &+ bits / 16 &- 1] & 1 == 1, bytes[end &- 1] & 1 == 1,
            ExportCheck.holds(after: end, in: bytes)
        else { throw .invalidKey }
        for index in 0..<bits / 8 { primes[index] = bytes[Self.headerSize &+ index] }
        half = bits / 16
        publicExponent = exponent
    }

    /// The integers of an RSAPrivateKey that are not public (RFC 8017, A.1.2), by their places there.
    public enum SecretInteger: UInt8, Sendable {
        case privateExponent = 3
        case prime1
        case prime2
        /// privateExponent mod (prime1 - 1)
        case exponent1
        /// privateExponent mod (prime2 - 1)
        case exponent2
        /// The inverse of prime2 mod prime1
        case coefficient
    }

    /// Bytes of an integer, leading zeros included: half as many as the modulus has, for the private exponent as many.
    ///
    /// Mutating, since optimized code copies the whole key to its stack to lend it to a function of another module.
    public mutating func size(of integer: SecretInteger) -> Int { integer == .privateExponent ? 2 * half : half }

    /// Writes an integer at the front of `bytes`, a secret: unsigned, big-endian, ``size(of:)`` bytes.
    ///
    /// - Throws: `.bufferTooSmall`, `.outOfMemory`; `.invalidKey` after a wipe.
    @inline(never)
    public mutating func write(
        _ integer: SecretInteger, into bytes: inout MutableSpan<UInt8>
    ) throws(CryptoError) {
        guard half > 0 else { throw .invalidKey }
        let count = size(of: integer)
        guard bytes.count >= count else { throw .bufferTooSmall }
        let status = unsafe withKey { key in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                unsafe cmbedtls_rsa_integer(key, integer.rawValue, bytes.baseAddress, count)
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .invalidKey) }
    }

    /// Sets the secret to 0. The key is good for nothing afterwards.
    public mutating func wipe() {
        var buffer = primes.mutableSpan
        DeviceCrypto.wipe(&buffer)
        half = 0
        publicExponent = 0
        search = PrimeSearch()
    }

    // MARK: Using

    public var algorithm: KeyAlgorithm { .rsa(bits: half &* 16) }

    /// ``algorithm`` and ``publicExponent``. Mutating: see ``size(of:)``.
    public mutating func parameters() -> (algorithm: KeyAlgorithm, publicExponent: UInt32) {
        (.rsa(bits: half &* 16), publicExponent)
    }

    /// Bytes of the modulus, and so of every signature and ciphertext: 256 to 512.
    public var signatureSize: Int { 2 &* half }

    @inline(never)
    public mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard half > 0 else { throw .invalidKey }
        guard bytes.count >= 2 &* half else { throw .bufferTooSmall }
        let status = unsafe withKey { key in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                unsafe cmbedtls_rsa_modulus(key, bytes.baseAddress)
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .invalidKey) }
        return 2 &* half
    }

    @inline(never)
    public mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard half > 0 else { throw .invalidKey }
        guard random.isSeeded else { throw .notSeeded }
        guard signature.count >= 2 &* half else { throw .bufferTooSmall }
        let status = unsafe withKey { key in
            unsafe digest.bytes.withUnsafeBufferPointer { bytes in
                unsafe signature.withUnsafeMutableBufferPointer { signature in
                    unsafe cmbedtls_rsa_sign(
                        key, &random.context, digest.algorithm.rawValue, bytes.count, bytes.baseAddress,
                        signature.baseAddress)
                }
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .failed) }
        return 2 &* half
    }

    @inline(never)
    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard half > 0 else { throw .invalidKey }
        guard random.isSeeded else { throw .notSeeded }
        guard ciphertext.count == 2 &* half else { throw .decryptionFailed }
        var count = 0
        let status = unsafe withKey { key in
            unsafe ciphertext.withUnsafeBufferPointer { ciphertext in
                unsafe plaintext.withUnsafeMutableBufferPointer { plaintext in
                    switch padding {
                    case .pkcs1v15:
                        unsafe cmbedtls_rsa_decrypt(
                            key, &random.context, ciphertext.baseAddress, plaintext.baseAddress, plaintext.count,
                            &count)
                    case .oaep(let digest):
                        unsafe cmbedtls_rsa_decrypt_oaep(
                            key, &random.context, digest.rawValue, ciphertext.baseAddress, plaintext.baseAddress,
                            plaintext.count, &count)
                    }
                }
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .decryptionFailed) }
        return count
    }

    @inline(never)
    public mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        guard half > 0 else { throw .invalidKey }
        guard random.isSeeded else { throw .notSeeded }
        guard 1...32 ~= key.count else { throw .invalidLength }
        guard encryptedKey.count == 2 &* half else { throw .decryptionFailed }
        var substitute = Digest(.sha256)
        fill(&substitute, for: encryptedKey)
        let status = unsafe withKey { privateKey in
            unsafe encryptedKey.withUnsafeBufferPointer { encryptedKey in
                unsafe substitute.bytes.withUnsafeBufferPointer { substitute in
                    unsafe key.withUnsafeMutableBufferPointer { key in
                        unsafe cmbedtls_rsa_unwrap(
                            privateKey, &random.context, encryptedKey.baseAddress, substitute.baseAddress,
                            key.baseAddress, key.count)
                    }
                }
            }
        }
        substitute.wipe()
        guard status == 0 else { throw CryptoError(status: status, expected: .decryptionFailed) }
    }

    /// Makes what stands for a content key that could not be decrypted. It depends on the secret, so that nobody else can
    /// tell it from a key, and on the ciphertext, so that asking twice tells nothing either.
    @inline(never)
    private mutating func fill(_ substitute: inout Digest, for encryptedKey: Span<UInt8>) {
        var hash = Hash(.sha256)
        hash.update(primes.span.extracting(first: 2 &* half))
        hash.update(encryptedKey)
        hash.finish(into: &substitute)
    }

    private mutating func withKey(_ body: (UnsafePointer<cmbedtls_rsa_private>) -> Int32) -> Int32 {
        unsafe primes.span.withUnsafeBufferPointer { primes in
            var key = unsafe cmbedtls_rsa_private(
                primes: primes.baseAddress, half: half, exponent: publicExponent)
            return unsafe body(&key)
        }
    }
}
