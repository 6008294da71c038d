import DER

/// Binary that stands in a text: PEM (RFC 7468), whatever its labels, or base64 alone (RFC 4648, 4).
///
/// More is taken than a strict reader would: what is being inspected may have come by mail.
enum Armor {
    struct Block {
        let label: Text
        let bytes: [UInt8]
    }

    /// The blocks of a text; one whose end is missing goes to the end of the text.
    static func blocks(_ text: [UInt8]) -> [Block] {
        var blocks: [Block] = []
        var position = 0
        while blocks.count < 1000, let begin = find("-----BEGIN ", in: text, from: position) {
            var end = begin
            while end < text.count, text[end] != UInt8(ascii: "-"), text[end] >= 0x20 { end += 1 }
            let label = Text(text[begin..<end])
            while end < text.count, text[end] != UInt8(ascii: "\n") { end += 1 }
            let stop = find("-----END ", in: text, from: end).map { $0 - 9 } ?? text.count
            // Header lines of old keys (RFC 1421) end with an empty line.
            if let colon = text[end..<stop].firstIndex(of: UInt8(ascii: ":")) {
                end = find("\n\n", in: text, from: colon) ?? find("\r\n\r\n", in: text, from: colon) ?? end
            }
            blocks.append(Block(label: label, bytes: base64(text, min(end, stop)..<stop) ?? []))
            position = stop
        }
        return blocks
    }

    /// Decodes base64 with blanks and line endings anywhere, and padding or none.
    ///
    /// - Returns: nil for any other character.
    static func base64(_ text: [UInt8], _ range: Range<Int>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count / 4 * 3 + 3)
        var (group, bits, isOver): (UInt32, Int, Bool) = (0, 0, false)
        for index in range {
            let character = text[index]
            let sextet: UInt8
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): sextet = character - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): sextet = character - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): sextet = character - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"), UInt8(ascii: "-"): sextet = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): sextet = 63
            case UInt8(ascii: "="):
                isOver = true
                continue
            case 0x09, 0x0A, 0x0D, 0x20: continue
            default: return nil
            }
            if isOver { return nil }
            group = group &<< 6 | UInt32(sextet)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group &>> UInt32(bits)))
            }
        }
        return bytes
    }

    /// - Returns: the offset after `word`.
    static func find(_ word: StaticString, in text: [UInt8], from start: Int) -> Int? {
        let word = span(of: word)
        var position = start
        while position + word.count <= text.count {
            var length = 0
            while length < word.count, text[position + length] == word[length] { length += 1 }
            if length == word.count { return position + length }
            position += 1
        }
        return nil
    }
}
