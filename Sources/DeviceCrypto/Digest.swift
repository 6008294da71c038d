import CMbedTLS

/// The digests of SCEP and CMS; SHA-1 is here for old servers.
public enum DigestAlgorithm: UInt8, Sendable, Equatable {
    case sha1 = 1
    case sha256
    case sha384
    case sha512

    /// Bytes of a digest: 20, 32, 48 or 64.
    public var size: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }
}

/// A digest by value.
public struct Digest: Sendable, Equatable {
    public let algorithm: DigestAlgorithm
    var storage = InlineArray<64, UInt8>(repeating: 0)

    /// A place for a digest, of zeros.
    public init(_ algorithm: DigestAlgorithm) {
        self.algorithm = algorithm
    }

    /// A digest that was made elsewhere, such as a fingerprint or a messageDigest attribute.
    ///
    /// Nil unless `bytes` has the size of the algorithm's digests.
    public init?(_ algorithm: DigestAlgorithm, bytes: Span<UInt8>) {
        guard bytes.count == algorithm.size else { return nil }
        self.algorithm = algorithm
        for index in bytes.indices { storage[index] = bytes[index] }
    }

    /// Exactly as many bytes as the algorithm's digests have.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { storage.span.extracting(first: algorithm.size) }
    }

    /// Sets the bytes to 0, for digests that stand for a secret.
    public mutating func wipe() {
        var buffer = storage.mutableSpan
        DeviceCrypto.wipe(&buffer)
    }

    /// Compares in constant time.
    @inline(never)
    public static func == (left: Digest, right: Digest) -> Bool {
        left.algorithm == right.algorithm && constantTimeEqual(left.bytes, right.bytes)
    }
}
