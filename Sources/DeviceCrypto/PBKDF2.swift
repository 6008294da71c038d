/// PBKDF2 (RFC 8018, 5.2): makes a key of a password.
public enum PBKDF2 {
    /// Fills `key` from a password.
    ///
    /// - Parameters:
    ///   - digest: the pseudorandom function is HMAC with it.
    ///   - iterations: 1 or more. Each takes two rounds of the digest for a digest's worth of `key`.
    ///   - key: at most 255 digests' worth of bytes.
    /// - Throws: `.invalidLength` for iterations or the size of `key`.
    @inline(never)
    public static func derive(
        _ digest: DigestAlgorithm, password: Span<UInt8>, salt: Span<UInt8>, iterations: Int,
        into key: inout MutableSpan<UInt8>
    ) throws(CryptoError) {
        guard iterations >= 1, key.count <= 255 &* digest.size else { throw .invalidLength }
        var code = HMAC(digest)
        code.begin(key: password)
        var number: UInt8 = 0
        var start = 0
        while start < key.count {
            number &+= 1
            let counter: InlineArray<4, UInt8> = [0, 0, 0, number]
            var last = code.tag(of: salt, counter.span)
            var sum = last
            for _ in 1..<iterations {
                last = code.tag(of: last.bytes, Span())
                for index in 0..<digest.size { sum.storage[index] ^= last.storage[index] }
            }
            for index in 0..<min(digest.size, key.count &- start) { key[start &+ index] = sum.storage[index] }
            start &+= digest.size
            last.wipe()
            sum.wipe()
        }
        code.wipe()
    }
}

/// HMAC (RFC 2104) with one key over many messages: the two digests that begin with the key are kept begun. They are as
/// good as the key, so that they stay where they are until they are wiped.
struct HMAC: ~Copyable {
    private let digest: DigestAlgorithm
    private var inner: Hash
    private var outer: Hash

    init(_ digest: DigestAlgorithm) {
        self.digest = digest
        inner = Hash(digest)
        outer = Hash(digest)
    }

    /// Takes the key: first of all, and once.
    mutating func begin(key: Span<UInt8>) {
        let blockSize = digest.size <= 32 ? 64 : 128
        var block = InlineArray<128, UInt8>(repeating: 0)
        if key.count > blockSize {
            var short = Hash.digest(digest, of: key)
            for index in 0..<digest.size { block[index] = short.storage[index] }
            short.wipe()
        } else {
            for index in key.indices { block[index] = key[index] }
        }
        for index in block.indices { block[index] ^= 0x36 }
        inner.update(block.span.extracting(first: blockSize))
        for index in block.indices { block[index] ^= 0x36 ^ 0x5C }
        outer.update(block.span.extracting(first: blockSize))
        var buffer = block.mutableSpan
        DeviceCrypto.wipe(&buffer)
    }

    /// The tag of a message in two parts.
    @inline(never)
    mutating func tag(of first: Span<UInt8>, _ second: Span<UInt8>) -> Digest {
        var hash = Hash(digest)
        inner.copy(to: &hash)
        hash.update(first)
        hash.update(second)
        var digest = hash.finish()
        outer.copy(to: &hash)
        hash.update(digest.bytes)
        digest.wipe()
        return hash.finish()
    }

    mutating func wipe() {
        inner.wipe()
        outer.wipe()
    }
}
