import Bytes
import DER
import DeviceCrypto

extension DERWriter {
    /// Writes a Name given as RFC 4514 has it, such as `CN=sensor 7,O=Example,C=DE`: the most specific part first,
    /// which a backward writer puts last, as X.501 wants it. An empty text is an empty name.
    ///
    /// ```
    /// Name ::= SEQUENCE OF SET OF AttributeTypeAndValue
    ///
    /// AttributeTypeAndValue ::= SEQUENCE {
    ///     type   OBJECT IDENTIFIER,
    ///     value  ANY DEFINED BY type }
    /// ```
    ///
    /// - A type is one of ``PKIX/AttributeType`` (letter case aside) or a dotted identifier, which may follow `OID.`.
    /// - Special characters of a value are escaped as `\,` or `\2C`; where there is space for that, it may stand in quotation
    ///   marks instead (RFC 2253, 3).
    /// - `#` and hexadecimal digits are a value's DER.
    /// - `+` joins the values of one part (RFC 4514, 2.2).
    /// - Blanks around `,`, `+`, `=` and the whole do not count.
    ///
    /// - Throws: a ``PKIX/TextFault`` with the offset in `text`; `bufferFull`.
    public mutating func write(name text: Span<UInt8>) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            var position = 0
            skipBlanks(text, &position)
            guard position < text.count else { return }
            var separator = UInt8(ascii: ",")
            while separator != 0 {
                try writer.writeSetOf { (writer) throws(DERError) in
                    repeat {
                        separator = try writer.write(attributeOf: text, at: &position)
                    } while separator == UInt8(ascii: "+")
                }
            }
        }
    }

    /// Writes a copy of a Name that stands at these offsets of the buffer, or, if they are none, what `text` says.
    @inline(never)
    public mutating func write(name text: Span<UInt8>, orCopyOf range: Range<Int>) throws(DERError) {
        guard range.isEmpty else { return try write(copyOf: range.lowerBound, count: range.count) }
        try write(name: text)
    }

    /// Writes an AttributeTypeAndValue.
    ///
    /// - Returns: what stands behind it, which is passed over: a comma, a plus sign, or 0 at the end.
    private mutating func write(attributeOf text: Span<UInt8>, at position: inout Int) throws(DERError) -> UInt8 {
        skipBlanks(text, &position)
        let start = position
        var wordEnd = start
        while position < text.count, text[position] != UInt8(ascii: "="), !isSeparator(text[position]) {
            position &+= 1
            if text[position &- 1] != UInt8(ascii: " ") { wordEnd = position }
        }
        guard position < text.count, text[position] == UInt8(ascii: "=") else {
            throw .text(wordEnd == start ? .empty : .equalsMissing, at: start)
        }
        var word = text.extracting(start..<wordEnd)
        if word.count > 4, isWord(word.extracting(first: 4), "OID.") { word = word.extracting(4..<word.count) }
        let type = AttributeType(word)
        if let type {
            word = type.identifier
        } else {
            guard word.count > 0, word[0].isDigit else {
                throw .text(wordEnd == start ? .empty : .unknownType, at: start)
            }
        }
        position &+= 1
        skipBlanks(text, &position)

        let end = front
        let valueStart = position
        let mark = position < text.count ? text[position] : 0
        let isQuoted = Footprint.isUnconstrained && mark == UInt8(ascii: "\"")
        if isQuoted || mark == UInt8(ascii: "#") { position &+= 1 }
        let content = position..<(try Self.valueEnd(of: text, at: &position, isQuoted: isQuoted))
        guard position == text.count || isSeparator(text[position]) else { throw .text(.badQuotes, at: position) }
        if mark == UInt8(ascii: "#") {
            try write(hexadecimal: text, content)
        } else {
            guard !content.isEmpty else { throw .text(.empty, at: valueStart) }
            try write(unescaping: text, content)
            let tag = type?.tag ?? .utf8String
            let count = characters(written(front..<end))
            guard holds(tag, written(front..<end)) else { throw .text(.badCharacter, at: valueStart) }
            if let type {
                guard !type.isCountry || isAlphabetic(written(front..<end)) && count == 2 else {
                    throw .text(.notTwoLetters, at: valueStart)
                }
                guard count <= type.greatestCount else { throw .text(.tooLong, at: valueStart) }
            }
            try wrap(tag, from: end)
        }
        try write(identifier: word, at: start)
        try wrap(.sequence, from: end)
        guard position < text.count else { return 0 }
        position &+= 1
        return text[position &- 1]
    }

    /// The end of a value, at which `position` is left, but for blanks and a quotation mark that are passed over.
    private static func valueEnd(
        of text: Span<UInt8>, at position: inout Int, isQuoted: Bool
    ) throws(DERError) -> Int {
        let start = position
        var end = position
        while position < text.count {
            let byte = text[position]
            if isQuoted, byte == UInt8(ascii: "\"") {
                end = position
                position &+= 1
                skipBlanks(text, &position)
                return end
            }
            if !isQuoted {
                if isSeparator(byte) { return end }
                switch byte {
                case UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""):
                    throw .text(.unescaped, at: position)
                default: break
                }
            }
            position &+= byte == UInt8(ascii: "\\") && position &+ 1 < text.count ? 2 : 1
            if byte != UInt8(ascii: " ") { end = position }
        }
        guard !isQuoted else { throw .text(.badQuotes, at: start &- 1) }
        return end
    }
}

/// Whether a byte ends an attribute of a Name.
private func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || byte == UInt8(ascii: "+") }

private func isAlphabetic(_ text: Span<UInt8>) -> Bool {
    for index in text.indices where (text[index] | 0x20) &- UInt8(ascii: "a") >= 26 { return false }
    return true
}

/// How many characters UTF-8 has: the bytes that go on with one are none.
private func characters(_ text: Span<UInt8>) -> Int {
    var count = 0
    for index in text.indices where text[index] & 0xC0 != 0x80 { count &+= 1 }
    return count
}
