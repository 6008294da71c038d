import Bytes
import DER

/// Writes a Name as RFC 4514 has it, such as `CN=sensor 7,O=Example,C=DE`, at the front of `text`: what
/// ``DER/DERWriter/write(name:)`` reads, in ASCII. Bytes beyond it, and control characters, are written as `\C3`.
///
/// Read again, it makes the same Name, but that strings have the type which the attribute has by default: RFC 5280, 7.1
/// has them compare equal. Two things are shown that a request cannot be made with: an empty value, and NUL.
///
/// - Parameters:
///   - name: in DER, with its SEQUENCE header.
///   - text: is overwritten, also behind what is returned.
/// - Returns: the bytes written; 0 for a name that is empty, malformed, or does not fit.
public func nameText(_ name: Span<UInt8>, into text: inout MutableSpan<UInt8>) -> Int {
    let end = text.count
    let front: Int
    do {
        var writer = DERWriter(&text, end: end)
        do throws(DERError) {
            try writer.write(textOf: name)
            front = writer.front
        } catch {
            return 0
        }
    }
    return moveToFront(front..<end, of: &text)
}

/// Writes the dotted form of an OBJECT IDENTIFIER, such as `2.5.4.3`, at the front of `text`.
///
/// - Parameters:
///   - contents: the element's, without its header.
///   - text: is overwritten, also behind what is returned.
/// - Returns: the bytes written; 0 for an identifier that is malformed, has an arc of 2^28 or more, or does not fit.
public func identifierText(_ contents: Span<UInt8>, into text: inout MutableSpan<UInt8>) -> Int {
    let end = text.count
    let front: Int
    do {
        var writer = DERWriter(&text, end: end)
        do throws(DERError) {
            guard contents.count > 0, contents[contents.count &- 1] < 0x80 else { return 0 }
            try writer.write(dotted: contents)
            front = writer.front
        } catch {
            return 0
        }
    }
    return moveToFront(front..<end, of: &text)
}

@inline(never)
private func moveToFront(_ range: Range<Int>, of text: inout MutableSpan<UInt8>) -> Int {
    for index in range { text[index &- range.lowerBound] = text[index] }
    return range.count
}

extension DERWriter {
    /// The least specific part comes first in a Name, and last in its text (RFC 4514, 2.1), so that a backward writer
    /// has them in the right order.
    fileprivate mutating func write(textOf name: Span<UInt8>) throws(DERError) {
        let end = front
        var outer = DERReader(name)
        var parts = try outer.enter()
        try outer.finish()
        while !parts.isAtEnd {
            var separator = UInt8(ascii: ",")
            var values = try parts.enter(.set)
            while !values.isAtEnd {
                if front < end { try write(byte: separator) }
                separator = UInt8(ascii: "+")
                var attribute = try values.enter()
                let identifier = try attribute.read(.objectIdentifier)
                let type = AttributeType(identifier: identifier.contents)
                let value = try attribute.read()
                if type != nil, value.tag == .utf8String || value.tag == .printableString || value.tag == .ia5String {
                    try write(escaping: value.contents)
                } else {
                    try write(hexadecimal: value.encoding)
                    try write(byte: UInt8(ascii: "#"))
                }
                try write(byte: UInt8(ascii: "="))
                if let type {
                    try write(bytes: type.name)
                } else {
                    try write(dotted: identifier.contents)
                }
            }
        }
    }

    /// Writes a value (RFC 4514, 2.4).
    private mutating func write(escaping value: Span<UInt8>) throws(DERError) {
        var index = value.count
        while index > 0 {
            index &-= 1
            let byte = value[index]
            switch byte {
            case 0x00..<0x20, 0x7F...0xFF:
                try write(hexadecimal: value.extracting(index...index))
            case UInt8(ascii: " "), UInt8(ascii: "#"):
                try write(byte: byte)
                guard index == 0 || byte == UInt8(ascii: " ") && index &+ 1 == value.count else { continue }
            case UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "<"),
                UInt8(ascii: ">"), UInt8(ascii: "\\"):
                try write(byte: byte)
            default:
                try write(byte: byte)
                continue
            }
            try write(byte: UInt8(ascii: "\\"))
        }
    }

    @inline(never)
    private mutating func write(hexadecimal bytes: Span<UInt8>) throws(DERError) {
        let digits = span(of: "0123456789ABCDEF")
        var index = bytes.count
        while index > 0 {
            index &-= 1
            try write(byte: digits[Int(bytes[index] & 0x0F)])
            try write(byte: digits[Int(bytes[index] &>> 4)])
        }
    }

    /// Writes the dotted form of an OBJECT IDENTIFIER's contents (X.690, 8.19); arcs are below 2^28, as they are read.
    fileprivate mutating func write(dotted contents: Span<UInt8>) throws(DERError) {
        var index = contents.count
        while index > 0 {
            var value: UInt32 = 0
            var shift: UInt32 = 0
            repeat {
                index &-= 1
                guard shift < 28 else { throw DERError(.invalidObjectIdentifier, at: index) }
                value |= UInt32(contents[index] & 0x7F) &<< shift
                shift &+= 7
            } while index > 0 && contents[index &- 1] >= 0x80
            let first = min(value / 40, 2)
            try write(decimal: index == 0 ? value &- first &* 40 : value)
            try write(byte: UInt8(ascii: "."))
            if index == 0 { try write(decimal: first) }
        }
    }

    private mutating func write(decimal value: UInt32) throws(DERError) {
        var rest = value
        repeat {
            try write(byte: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
    }
}
