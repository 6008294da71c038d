import CMbedTLS

/// The block ciphers of SCEP and CMS, all in CBC mode. Single DES is here for servers that answer in nothing else.
public enum CipherAlgorithm: UInt8, Sendable, Equatable {
    case aes128CBC = 1
    case aes192CBC
    case aes256CBC
    case tripleDESCBC
    case desCBC

    /// Bytes of a key.
    public var keySize: Int {
        switch self {
        case .aes128CBC: 16
        case .aes192CBC, .tripleDESCBC: 24
        case .aes256CBC: 32
        case .desCBC: 8
        }
    }

    /// Bytes of a block and of the initialization vector.
    public var blockSize: Int {
        switch self {
        case .aes128CBC, .aes192CBC, .aes256CBC: 16
        case .tripleDESCBC, .desCBC: 8
        }
    }
}

/// CBC mode (SP 800-38A, 6.2) over whole blocks, in place. Padding is the caller's.
public enum CBC {
    /// Encrypts `bytes` where they stand.
    ///
    /// - Parameters:
    ///   - key: ``CipherAlgorithm/keySize`` bytes.
    ///   - iv: ``CipherAlgorithm/blockSize`` bytes.
    ///   - bytes: a multiple of the block size.
    /// - Throws: `.invalidLength`.
    public static func encrypt(
        _ algorithm: CipherAlgorithm, key: Span<UInt8>, iv: Span<UInt8>, _ bytes: inout MutableSpan<UInt8>
    ) throws(CryptoError) {
        try crypt(algorithm, MBEDTLS_AES_ENCRYPT, key: key, iv: iv, &bytes)
    }

    /// Decrypts `bytes` where they stand. A wrong key is not noticed here.
    ///
    /// - Parameters:
    ///   - key: ``CipherAlgorithm/keySize`` bytes.
    ///   - iv: ``CipherAlgorithm/blockSize`` bytes.
    ///   - bytes: a multiple of the block size.
    /// - Throws: `.invalidLength`.
    public static func decrypt(
        _ algorithm: CipherAlgorithm, key: Span<UInt8>, iv: Span<UInt8>, _ bytes: inout MutableSpan<UInt8>
    ) throws(CryptoError) {
        try crypt(algorithm, MBEDTLS_AES_DECRYPT, key: key, iv: iv, &bytes)
    }

    @inline(never)
    private static func crypt(
        _ algorithm: CipherAlgorithm, _ direction: Int32, key: Span<UInt8>, iv: Span<UInt8>,
        _ bytes: inout MutableSpan<UInt8>
    ) throws(CryptoError) {
        guard key.count == algorithm.keySize, iv.count == algorithm.blockSize,
            bytes.count % algorithm.blockSize == 0
        else { throw .invalidLength }
        // mbedTLS writes the next vector into the one it is given.
        var vector = InlineArray<16, UInt8>(repeating: 0)
        for index in iv.indices { vector[index] = iv[index] }
        var vectorSpan = vector.mutableSpan
        let status = unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            unsafe vectorSpan.withUnsafeMutableBufferPointer { vector in
                unsafe key.withUnsafeBufferPointer { key in
                    unsafe cmbedtls_cbc(
                        algorithm.rawValue, direction, key.baseAddress, vector.baseAddress, bytes.baseAddress,
                        bytes.count)
                }
            }
        }
        guard status == 0 else { throw .failed }
    }
}
