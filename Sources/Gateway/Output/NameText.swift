import PKIX

/// A Name as RFC 4514 has it, with the letters of all languages as they are.
func name(_ der: Span<UInt8>) -> Text {
    var text = [UInt8](repeating: 0, count: 4 * der.count + 16)
    var room = text.mutableSpan
    let count = nameText(der, into: &room)
    return readable(Text(text[..<count]))
}

/// A Name's text, in which bytes above 7F stand as `\C3`, with characters in their place where they are UTF-8.
func readable(_ text: Text) -> Text {
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
            let length = utf8Length(bytes.span, at: taken)
            // U+0080 to U+009F command terminals.
            if length == 0 || (length == 2 && bytes[taken] == 0xC2 && bytes[taken + 1] < 0xA0) {
                result.append(contentsOf: text[(index + 3 * taken)..<(index + 3 * taken + 3)])
                taken += 1
            } else {
                result.append(contentsOf: bytes[taken..<(taken + length)])
                taken += length
            }
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
    guard index + 2 < text.count, text[index] == UInt8(ascii: "\\"), let high = digit(text[index + 1]),
        let low = digit(text[index + 2])
    else { return nil }
    return high << 4 | low
}

private func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
