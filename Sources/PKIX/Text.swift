/// Whether every byte is in the repertoire of PrintableString (X.680, 41.4).
func isPrintableString(_ text: Span<UInt8>) -> Bool {
    for index in text.indices {
        switch text[index] {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: " "), UInt8(ascii: "'")...UInt8(ascii: ")"),
            UInt8(ascii: "+")...UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "?"):
            continue
        default:
            return false
        }
    }
    return true
}

/// Whether every byte is ASCII.
func isASCII(_ text: Span<UInt8>) -> Bool {
    for index in text.indices where text[index] >= 0x80 { return false }
    return true
}

/// Whether `text` is UTF-8 (RFC 3629, 4).
func isUTF8(_ text: Span<UInt8>) -> Bool {
    var index = 0
    while index < text.count {
        let first = text[index]
        let count: Int
        switch first {
        case 0..<0x80: count = 1
        case 0xC2..<0xE0: count = 2
        case 0xE0..<0xF0: count = 3
        case 0xF0..<0xF5: count = 4
        default: return false
        }
        guard count <= text.count &- index else { return false }
        for next in (index &+ 1)..<(index &+ count) where text[next] & 0xC0 != 0x80 { return false }
        // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
        if count > 2 {
            let second = text[index &+ 1]
            switch first {
            case 0xE0 where second < 0xA0, 0xED where second > 0x9F, 0xF0 where second < 0x90,
                0xF4 where second > 0x8F:
                return false
            default: break
            }
        }
        index &+= count
    }
    return true
}

/// The comma-separated items of a text, last one first, as a backward writer wants them: without the blanks around them.
/// A comma or a blank behind a backslash is part of the item.
struct ReversedList: ~Escapable {
    private let text: Span<UInt8>
    private var end: Int

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) {
        self.text = text
        end = text.count == 0 ? -1 : text.count
    }

    /// The range in the text of the next item from the end; nil after the first one.
    @inline(never)
    mutating func next() -> Range<Int>? {
        guard end >= 0 else { return nil }
        var start = end
        while start > 0, text[start &- 1] != UInt8(ascii: ",") || isEscaped(start &- 1) { start &-= 1 }
        var last = end
        end = start &- 1
        skipBlanks(text, &start)
        while last > start, text[last &- 1] == UInt8(ascii: " "), !isEscaped(last &- 1) { last &-= 1 }
        return start..<last
    }

    /// Whether an odd number of backslashes stands before a character.
    @inline(never)
    private func isEscaped(_ index: Int) -> Bool {
        var start = index
        while start > 0, text[start &- 1] == UInt8(ascii: "\\") { start &-= 1 }
        return (index &- start) & 1 == 1
    }
}
