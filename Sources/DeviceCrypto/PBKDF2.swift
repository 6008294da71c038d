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
        // Written where they stand: of one that is returned, a copy stays.
        var last = Digest(digest)
        var sum = Digest(digest)
        var number: UInt8 = 0
        var start = 0
        while start < key.count {
            number &+= 1
            let counter: InlineArray<4, UInt8> = [0, 0, 0, number]
            code.makeTag(of: salt, counter.span, into: &last)
            for index in 0..<digest.size { sum.storage[index] = last.storage[index] }
            for _ in 1..<iterations {
                code.replaceByItsTag(&last)
                for index in 0..<digest.size { sum.storage[index] ^= last.storage[index] }
            }
            for index in 0..<min(digest.size, key.count &- start) { key[start &+ index] = sum.storage[index] }
            start &+= digest.size
        }
        last.wipe()
        sum.wipe()
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
            var short = Digest(digest)
            inner.update(key)
            inner.finish(into: &short)
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

    /// Writes the tag of a message in two parts.
    @inline(never)
    mutating func makeTag(of first: Span<UInt8>, _ second: Span<UInt8>, into tag: inout Digest) {
        var hash = Hash(digest)
        inner.copy(to: &hash)
        hash.update(first)
        hash.update(second)
        finish(&hash, into: &tag)
    }

    /// Writes the tag of a tag in its place.
    @inline(never)
    mutating func replaceByItsTag(_ tag: inout Digest) {
        var hash = Hash(digest)
        inner.copy(to: &hash)
        hash.update(tag.bytes)
        finish(&hash, into: &tag)
    }

    private mutating func finish(_ hash: inout Hash, into tag: inout Digest) {
        hash.finish(into: &tag)
        outer.copy(to: &hash)
        hash.update(tag.bytes)
        hash.finish(into: &tag)
    }

    mutating func wipe() {
        inner.wipe()
        outer.wipe()
    }
}
