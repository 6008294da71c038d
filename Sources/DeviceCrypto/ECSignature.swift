/// Ecdsa-Sig-Value (RFC 3279, 2.2.3) in DER: a sequence of two positive integers, shorter than 128 bytes on our curves.
enum ECSignature {
    /// Writes the signature of two integers of the same size, big-endian. `bytes` has space for the longest.
    ///
    /// - Returns: how many bytes were written.
    static func write(_ r: Span<UInt8>, _ s: Span<UInt8>, into bytes: inout MutableSpan<UInt8>) -> Int {
        var end = write(r, at: 2, into: &bytes)
        end = write(s, at: end, into: &bytes)
        bytes[0] = 0x30
        bytes[1] = UInt8(truncatingIfNeeded: end - 2)
        return end
    }

    private static func write(_ integer: Span<UInt8>, at start: Int, into bytes: inout MutableSpan<UInt8>) -> Int {
        var first = 0
        while first < integer.count - 1, integer[first] == 0 { first += 1 }
        let pad = integer[first] & 0x80 != 0 ? 1 : 0
        bytes[start] = 0x02
        bytes[start + 1] = UInt8(truncatingIfNeeded: integer.count - first + pad)
        if pad == 1 { bytes[start + 2] = 0 }
        let content = start + 2 + pad
        for index in first..<integer.count { bytes[content + index - first] = integer[index] }
        return content + integer.count - first
    }

    /// Where the integers lie in a signature, without the zero that keeps a number positive. Nil unless it is DER with
    /// nothing behind it, and both integers are positive and of `fieldSize` bytes at most.
    static func read(_ bytes: Span<UInt8>, fieldSize: Int) -> (r: Range<Int>, s: Range<Int>)? {
        // Sizes of several bytes begin with 0x80 and more: more than the integers can have.
        guard bytes.count >= 2, bytes[0] == 0x30, Int(bytes[1]) == bytes.count - 2,
            let r = readInteger(bytes, at: 2, fieldSize: fieldSize),
            let s = readInteger(bytes, at: r.upperBound, fieldSize: fieldSize), s.upperBound == bytes.count
        else { return nil }
        return (r, s)
    }

    private static func readInteger(_ bytes: Span<UInt8>, at start: Int, fieldSize: Int) -> Range<Int>? {
        guard bytes.count - start >= 3, bytes[start] == 0x02 else { return nil }
        let count = Int(bytes[start + 1])
        let first = start + 2
        guard count >= 1, count <= bytes.count - first, bytes[first] & 0x80 == 0 else { return nil }
        let end = first + count
        guard bytes[first] == 0 else { return count <= fieldSize ? first..<end : nil }
        // A leading zero is there to keep the next byte from making the number negative, or it is not DER.
        guard count >= 2, count - 1 <= fieldSize, bytes[first + 1] & 0x80 != 0 else { return nil }
        return first + 1..<end
    }
}
