import Bytes
import DeviceCrypto

/// A content key and its key-encryption key, on the way through PWRI-KEK (RFC 3211, 2.3): a byte that counts the content
/// key's bytes, the complement of the first three of them, the key, and random bytes up to whole blocks, two at least;
/// all of it encrypted twice in one go.
struct WrappedKey: ~Copyable {
    /// More than a key of 32 bytes takes.
    static var greatestSize: Int { 64 }

    var bytes = InlineArray<64, UInt8>(repeating: 0)
    var size = 0
    private let cipher: CipherAlgorithm
    private var keyEncryptionKey = InlineArray<32, UInt8>(repeating: 0)

    init(_ cipher: CipherAlgorithm) {
        self.cipher = cipher
    }

    mutating func makeKey(
        _ digest: DigestAlgorithm, password: Span<UInt8>, salt: Span<UInt8>, iterations: Int
    ) throws(CryptoError) {
        var all = keyEncryptionKey.mutableSpan
        var buffer = all._mutatingExtracting(first: cipher.keySize)
        try PBKDF2.derive(digest, password: password, salt: salt, iterations: iterations, into: &buffer)
    }

    mutating func wrap(_ key: Span<UInt8>, iv: Span<UInt8>, random: inout RandomGenerator) throws(CryptoError) {
        do {
            var buffer = bytes.mutableSpan
            try random.fill(&buffer)
        }
        bytes[0] = UInt8(truncatingIfNeeded: key.count)
        for index in 0..<3 { bytes[1 &+ index] = ~key[index] }
        for index in key.indices { bytes[4 &+ index] = key[index] }
        // That makes two blocks at least, since no cipher's key is shorter than its block.
        while size < 4 &+ key.count { size &+= cipher.blockSize }
        try crypt(0..<size, iv: iv, encrypting: true)
        // The second time goes on where the first ended.
        let vector = block(before: size)
        try crypt(0..<size, iv: vector.span, encrypting: true)
    }

    /// Undoes ``wrap(_:iv:random:)``.
    ///
    /// - Throws: `.decryptionFailed` unless what comes out has the form of a key of `key.count` bytes.
    mutating func unwrap(iv: Span<UInt8>, into key: inout MutableSpan<UInt8>) throws(CryptoError) {
        let last = block(before: size)
        // Decrypted alone first, it gives the vector that the second time went on with.
        let previous = block(before: size &- cipher.blockSize)
        try crypt((size &- cipher.blockSize)..<size, iv: previous.span, encrypting: false)
        let vector = block(before: size)
        for index in 0..<cipher.blockSize { bytes[size &- cipher.blockSize &+ index] = last[index] }
        try crypt(0..<size, iv: vector.span, encrypting: false)
        try crypt(0..<size, iv: iv, encrypting: false)
        var difference = bytes[0] ^ UInt8(truncatingIfNeeded: key.count)
        for index in 0..<3 { difference |= ~(bytes[1 &+ index] ^ bytes[4 &+ index]) }
        guard difference == 0, 4 &+ key.count <= size else { throw .decryptionFailed }
        for index in key.indices { key[index] = bytes[4 &+ index] }
    }

    /// The block that ends at `end`.
    ///
    /// Mutating, since optimized code copies what it lends to read, the keys with it.
    private mutating func block(before end: Int) -> InlineArray<16, UInt8> {
        var block = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<cipher.blockSize { block[index] = bytes[end &- cipher.blockSize &+ index] }
        return block
    }

    @inline(never)
    private mutating func crypt(_ range: Range<Int>, iv: Span<UInt8>, encrypting: Bool) throws(CryptoError) {
        var all = bytes.mutableSpan
        var buffer = all._mutatingExtracting(range)
        let key = keyEncryptionKey.span.extracting(first: cipher.keySize)
        let iv = iv.extracting(first: cipher.blockSize)
        if encrypting {
            try CBC.encrypt(cipher, key: key, iv: iv, &buffer)
        } else {
            try CBC.decrypt(cipher, key: key, iv: iv, &buffer)
        }
    }

    mutating func wipe() {
        do {
            var secret = bytes.mutableSpan
            DeviceCrypto.wipe(&secret)
        }
        var secret = keyEncryptionKey.mutableSpan
        DeviceCrypto.wipe(&secret)
    }
}
