/// The last bytes of an exported key: the front of the SHA-256 of all before them. They tell damage, not forgery.
enum ExportCheck {
    static let size = 8

    static func write(after end: Int, in bytes: inout MutableSpan<UInt8>) {
        let digest = Hash.digest(.sha256, of: bytes.span.extracting(first: end))
        for index in 0..<size { bytes[end + index] = digest.bytes[index] }
    }

    static func holds(after end: Int, in bytes: Span<UInt8>) -> Bool {
        let digest = Hash.digest(.sha256, of: bytes.extracting(first: end))
        return constantTimeEqual(digest.bytes.extracting(first: size), bytes.extracting(end..<end + size))
    }
}
