import Bytes
import DER

// What the texts of names and of alternative names have in common.

@inline(never)
func skipBlanks(_ text: Span<UInt8>, _ position: inout Int) {
    while position < text.count, text[position] == UInt8(ascii: " ") { position &+= 1 }
}

/// Whether bytes are what a string of this type can hold: not NUL, which cuts a text short for readers in C. Of other
/// types than strings, everything.
@inline(never)
func holds(_ tag: Tag, _ contents: Span<UInt8>) -> Bool {
    switch tag {
    case .printableString: return isPrintableString(contents)
    case .ia5String: guard isASCII(contents) else { return false }
    case .utf8String: guard isUTF8(contents) else { return false }
    case .bmpString: return contents.count & 1 == 0
    default: return true
    }
    for index in contents.indices where contents[index] == 0 { return false }
    return true
}

extension DERWriter {
    /// Writes an OBJECT IDENTIFIER given as dotted text that stands at `offset` of a text.
    @inline(never)
    mutating func write(identifier word: Span<UInt8>, at offset: Int) throws(DERError) {
        do throws(DERError) {
            try write(identifierText: word)
        } catch {
            throw error.kind == .bufferFull ? error : .text(.badIdentifier, at: offset)
        }
    }

    /// Writes the bytes of a text, in which a backslash stands before a special character or two hexadecimal digits
    /// (RFC 4514, 3), or which has nothing but such digits.
    @inline(never)
    mutating func write(
        unescaping text: Span<UInt8>, _ range: Range<Int>, isHexadecimal: Bool = false
    ) throws(DERError) {
        var buffer = try reserve(range.count)
        var (position, count) = (range.lowerBound, 0)
        while position < range.upperBound {
            let start = position
            var byte = text[position]
            position &+= 1
            if isHexadecimal || byte == UInt8(ascii: "\\") {
                let digits = isHexadecimal ? start : position
                if digits &+ 1 < range.upperBound, let high = text[digits].hexadecimalValue,
                    let low = text[digits &+ 1].hexadecimalValue
                {
                    byte = high &<< 4 | low
                    position = digits &+ 2
                } else {
                    guard !isHexadecimal, position < range.upperBound, isSpecial(text[position]) else {
                        throw .text(isHexadecimal ? .badHexadecimal : .badEscape, at: start)
                    }
                    byte = text[position]
                    position &+= 1
                }
            }
            buffer[count] = byte
            count &+= 1
        }
        closeGap(capacity: range.count, used: count)
    }

    /// Writes a value that is given by the hexadecimal digits of its DER.
    mutating func write(hexadecimal text: Span<UInt8>, _ range: Range<Int>) throws(DERError) {
        let end = front
        try write(unescaping: text, range, isHexadecimal: true)
        var reader = DERReader(written(front..<end))
        guard let value = try? reader.read(), reader.isAtEnd, value.tag.rawValue != 0, holds(value.tag, value.contents)
        else { throw .text(.badHexadecimal, at: range.lowerBound) }
    }
}

/// Whether a character may follow a backslash (RFC 4514, 3: `special`, and the backslash itself).
private func isSpecial(_ byte: UInt8) -> Bool {
    let characters = span(of: " \"#+,;<=>\\")
    for index in characters.indices where characters[index] == byte { return true }
    return false
}
