import DER
import PKIX
import TestSupport

/// Whatever is accepted as DER is what a writer makes of the same values.
func readDER(_ input: [UInt8]) {
    var values = 0
    walk(DERReader(input.span), depth: 0, &values)
}

private func walk(_ start: DERReader, depth: Int, _ values: inout Int) {
    var reader = start
    while !reader.isAtEnd, values < 1000, let element = try? reader.read() {
        values += 1
        let contents = element.contents.array
        let encoding = element.encoding.array
        require(contents.tagged(element.tag) == encoding, "an element is written as it was read")
        if element.tag == .integer, let magnitude = try? element.unsignedInteger() {
            let again = writing(capacity: encoding.count) { writer throws(DERError) in
                try writer.write(unsignedInteger: magnitude)
            }
            require(again == encoding, "an INTEGER is written as it was read")
            if let value = try? element.smallInteger(atMost: 0xFF_FFFF) {
                let small = writing(capacity: 8) { writer throws(DERError) in try writer.write(integer: UInt32(value)) }
                require(small == encoding, "a small INTEGER is written as it was read")
            }
        }
        if element.tag == .boolean, let value = try? element.boolean() {
            let again = writing(capacity: 3) { writer throws(DERError) in try writer.write(boolean: value) }
            // Whatever is not 0 is read as TRUE, which is written FF.
            require(again == (value ? [1, 1, 0xFF] : encoding), "a BOOLEAN is written as it was read, in DER")
        }
        if element.tag == .bitString {
            _ = try? element.bitStringBytes()
            _ = try? element.namedBits()
        }
        if element.tag == .objectIdentifier { checkIdentifier(contents, encoding) }
        if depth < 32 { walk(element.reader, depth: depth + 1, &values) }
    }
}

private func checkIdentifier(_ contents: [UInt8], _ encoding: [UInt8]) {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count: Int
    do {
        var span = buffer.mutableSpan
        count = identifierText(contents.span, into: &span)
    }
    guard count > 0, contents.count <= ObjectIdentifier.maximumSize else { return }
    let text = Array(buffer[..<count])
    let again = writing(capacity: 64) { writer throws(DERError) in try writer.write(identifierText: text.span) }
    // An arc with octets to spare (X.690, 8.19.2) is the one other way to say the same; a first arc of 2 has no limit.
    let isMinimal = !contents.indices.contains { contents[$0] == 0x80 && ($0 == 0 || contents[$0 - 1] < 0x80) }
    if isMinimal, !again.isEmpty { require(again == encoding, "an OBJECT IDENTIFIER is written as it was read") }
}

/// What comes of BER is DER, no longer than before, and stays as it is when it is normalized again.
func normalizeBER(_ input: [UInt8]) {
    guard let once = normalized(input) else { return }
    require(once.count <= input.count, "DER is not longer than BER")
    require(isDER(once.span, in: 0..<once.count, depth: 0), "the result is DER")
    require(normalized(once) == once, "DER stays as it is")
    if isDER(input.span, in: 0..<input.count, depth: 0) { require(once == input, "DER was left as it was") }
    var pieces = input
    var span = pieces.mutableSpan
    _ = try? BER.joinPieces(&span, in: 0..<input.count)
}

/// The same in the middle of a buffer, whose rest stays as it is.
private func normalized(_ input: [UInt8]) -> [UInt8]? {
    var buffer = [0xA5, 0xA5] + input + [0xA5]
    let range: Range<Int>?
    do {
        var bytes = buffer.mutableSpan
        range = try? BER.normalize(&bytes, in: 2..<(2 + input.count))
    }
    require(buffer[0] == 0xA5 && buffer[1] == 0xA5 && buffer.last == 0xA5, "the rest of the buffer stays as it is")
    return range.map { Array(buffer[$0]) }
}

private func isDER(_ bytes: Span<UInt8>, in range: Range<Int>, depth: Int) -> Bool {
    var reader = DERReader(bytes, in: range)
    while !reader.isAtEnd {
        guard let element = try? reader.read(), depth <= BER.maximumDepth else { return false }
        guard element.tag.isConstructed else { continue }
        // Nothing universal but these is constructed in DER.
        guard element.tag.rawValue & 0xC0 != 0 || element.tag == .sequence || element.tag == .set,
            isDER(bytes, in: element.content, depth: depth + 1)
        else { return false }
    }
    return true
}

/// What is written of a text can be read, and says the same as text again: to the byte, but that a value given as DER may be
/// shown as text, which has the type that its attribute has by default, if it can have it.
func writeNames(_ input: [UInt8]) {
    let text = input
    let name = writing(capacity: 2 * text.count + 4096) { writer throws(DERError) in try writer.write(name: text.span) }
    guard !name.isEmpty else { return }
    let again = shown(name, capacity: 4 * text.count + 4096)
    require(!again.isEmpty || name == [0x30, 0], "a Name that was written has a text")
    let once = writing(capacity: 2 * text.count + 4096) { writer throws(DERError) in try writer.write(name: again.span)
    }
    guard text.contains(UInt8(ascii: "#")) else {
        return require(once == name, "the text of a Name makes the same Name")
    }
    require(once.isEmpty || shown(once, capacity: 4 * text.count + 4096) == again, "the text of a Name stays the same")
}

private func shown(_ name: [UInt8], capacity: Int) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: capacity)
    let count: Int
    do {
        var span = buffer.mutableSpan
        count = nameText(name.span, into: &span)
    }
    return Array(buffer[..<count])
}
