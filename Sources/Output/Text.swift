import Bytes
import DeviceCrypto
import PKIX

/// Text is bytes: `String` would bring a hundred kilobytes of Unicode tables into the program.
package typealias Text = [UInt8]

extension [UInt8] {
    @inline(never)
    package init(_ text: StaticString) {
        self.init()
        append(text)
    }

    @inline(never)
    package init(_ bytes: Span<UInt8>) {
        self.init()
        append(bytes)
    }

    @inline(never)
    package mutating func append(_ text: StaticString) {
        reserveCapacity(count + text.utf8CodeUnitCount)
        for index in 0..<text.utf8CodeUnitCount { unsafe append(text.utf8Start[index]) }
    }

    @inline(never)
    package mutating func append(_ bytes: Span<UInt8>) {
        reserveCapacity(count + bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }

    @inline(never)
    package mutating func append(_ text: [UInt8]) {
        append(contentsOf: text)
    }

    @inline(never)
    package mutating func append(decimal value: Int) {
        append(decimal: Int64(value))
    }

    @inline(never)
    package mutating func append(decimal value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        let start = count
        var rest = value.magnitude
        repeat {
            insert(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), at: start)
            rest /= 10
        } while rest > 0
    }

    /// Appends two lower-case digits a byte.
    @inline(never)
    package mutating func append(hex bytes: Span<UInt8>) {
        for index in bytes.indices { append(hex: bytes[index]) }
    }

    @inline(never)
    package mutating func append(hex byte: UInt8) {
        for digit in [byte >> 4, byte & 15] { append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
    }

    /// Appends a time as `2027-11-23T16:30:00Z`.
    ///
    /// - Parameter seconds: since 1970-01-01T00:00:00Z.
    @inline(never)
    package mutating func append(time seconds: Int64) {
        var text = InlineArray<20, UInt8>(repeating: 0)
        var buffer = text.mutableSpan
        let count = timeText(seconds, into: &buffer)
        append(buffer.span.extracting(first: count))
    }

    /// A copy of some of the bytes.
    @inline(never)
    package func part(_ range: Range<Int>) -> [UInt8] { [UInt8](self[range]) }

    @inline(never)
    package func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in indices where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    @inline(never)
    package func starts(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// The bytes and a zero byte, as C has a text.
    package var terminated: [UInt8] { self + [0] }

    /// Without blanks and tabs at either end.
    @inline(never)
    package var trimmed: [UInt8] {
        var (start, end) = (0, count)
        while start < end, isBlank(self[start]) { start += 1 }
        while end > start, isBlank(self[end - 1]) { end -= 1 }
        return [UInt8](self[start..<end])
    }

    /// Sets all bytes to 0, for what was a secret; the array is empty afterwards. It must be the only owner of its bytes.
    package mutating func wipe() {
        do {
            var buffer = mutableSpan
            DeviceCrypto.wipe(&buffer)
        }
        self = []
    }
}

/// Where a text begins in another; nil if it is not there.
package func find(_ part: StaticString, in text: Text) -> Int? {
    let part = Text(part)
    guard text.count >= part.count else { return nil }
    for start in 0...(text.count - part.count) where text[start..<(start + part.count)].elementsEqual(part) {
        return start
    }
    return nil
}

package func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
}
