import Bytes
import PKIX

extension Text {
    /// A Name, with its SEQUENCE header, as `subject` takes it (RFC 4514), with the letters of all languages as they are;
    /// empty for an empty one.
    @inline(never)
    package init(name der: Span<UInt8>) {
        var text = [UInt8](repeating: 0, count: 6 * der.count + 64)
        var buffer = text.mutableSpan
        let count = nameText(der, into: &buffer)
        self = readable(Text(text[..<count]))
        if count == 0, der.count > 2 {
            append("malformed: ")
            append(hex: der)
        }
    }
}

/// A Name's text, in which bytes above 7F stand as `\C3`, with characters in their place where they are UTF-8.
package func readable(_ text: Text) -> Text {
    var result = Text()
    var index = 0
    while index < text.count {
        var bytes = Text()
        var next = index
        while let byte = escapedByte(text, at: next), byte >= 0x80 {
            bytes.append(byte)
            next += 3
        }
        var taken = 0
        while taken < bytes.count {
            let length = shownLength(bytes.span, at: taken)
            if length == 0 { result.append(contentsOf: text[(index + 3 * taken)..<(index + 3 * taken + 3)]) }
            result.append(contentsOf: bytes[taken..<(taken + length)])
            taken += max(length, 1)
        }
        index = next
        guard bytes.isEmpty else { continue }
        result.append(text[index])
        index += 1
        // A backslash that is escaped begins nothing.
        if text[index - 1] == UInt8(ascii: "\\"), index < text.count {
            result.append(text[index])
            index += 1
        }
    }
    return result
}

/// The byte that `\XY` stands for; nil if that is not at `index`.
private func escapedByte(_ text: Text, at index: Int) -> UInt8? {
    guard index + 2 < text.count, text[index] == UInt8(ascii: "\\"), let high = text[index + 1].hexadecimalValue,
        let low = text[index + 2].hexadecimalValue
    else { return nil }
    return high << 4 | low
}
