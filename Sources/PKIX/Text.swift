import DER

/// Whether `text` is `word`, letter case aside.
func isWord(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
    let word = span(of: word)
    guard text.count == word.count else { return false }
    for index in text.indices where lowercased(text[index]) != lowercased(word[index]) { return false }
    return true
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}

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

/// The value of a hexadecimal digit.
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
    default: nil
    }
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
