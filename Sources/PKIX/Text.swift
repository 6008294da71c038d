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

/// The comma-separated items of a text, last one first, as a backward writer wants them.
struct ReversedList: ~Escapable {
    private let text: Span<UInt8>
    private var end: Int

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) {
        self.text = text
        end = text.count == 0 ? -1 : text.count
    }

    /// The range in the text of the next item from the end; nil after the first one.
    mutating func next() -> Range<Int>? {
        guard end >= 0 else { return nil }
        var start = end
        while start > 0, text[start &- 1] != UInt8(ascii: ",") { start &-= 1 }
        let item = start..<end
        end = start &- 1
        return item
    }
}
