import DER

/// Writes a Name as RFC 4514 has it, such as `CN=sensor 7,O=Example,C=DE`, at the front of `text`: what
/// ``DER/DERWriter/write(name:)`` reads, in ASCII. Bytes beyond it, and control characters, are written as `\C3`.
///
/// - Parameter name: in DER, with its SEQUENCE header.
/// - Returns: the bytes written. What does not fit, or is malformed, is left out from there on; a name of more than 32
///   parts is left out as a whole.
public func nameText(_ name: Span<UInt8>, into text: inout MutableSpan<UInt8>) -> Int {
    var count = 0
    try? write(name, &text, &count)
    return count
}

private func write(_ name: Span<UInt8>, _ text: inout MutableSpan<UInt8>, _ count: inout Int) throws(DERError) {
    var outer = DERReader(name)
    let content = try outer.read(.sequence)
    var left = 0
    var list = content.reader
    while !list.isAtEnd {
        guard left < 32 else { throw DERError(.invalidName, at: list.position) }
        _ = try list.read(.set)
        left &+= 1
    }
    // The least specific part comes first in a Name, and last in its text (RFC 4514, 2.1).
    while left > 0 {
        left &-= 1
        list = content.reader
        for _ in 0..<left { _ = try list.read() }
        var values = try list.enter(.set)
        var separator = UInt8(ascii: ",")
        while !values.isAtEnd {
            if count > 0 { try put(separator, &text, &count) }
            separator = UInt8(ascii: "+")
            try write(attribute: try values.read(.sequence), &text, &count)
        }
    }
}

/// Writes an AttributeTypeAndValue (RFC 4514, 2.3 and 2.4).
private func write(attribute: borrowing DERElement, _ text: inout MutableSpan<UInt8>, _ count: inout Int)
    throws(DERError)
{
    var content = attribute.reader
    let identifier = try content.read(.objectIdentifier)
    let value = try content.read()
    var isText = value.tag == .utf8String || value.tag == .printableString || value.tag == .ia5String
    if let type = AttributeType(identifier) {
        let name = span(of: type.name)
        for index in name.indices { try put(name[index], &text, &count) }
    } else {
        isText = false
        try write(identifier: identifier.contents, &text, &count)
    }
    try put(UInt8(ascii: "="), &text, &count)
    guard isText else {
        try put(UInt8(ascii: "#"), &text, &count)
        for index in value.range { try put(hexadecimal: value.bytes[index], &text, &count) }
        return
    }
    for index in value.content {
        let byte = value.bytes[index]
        switch byte {
        case 0x00..<0x20, 0x7F...0xFF:
            guard text.count &- count >= 3 else { throw DERError(.bufferFull, at: count) }
            try put(UInt8(ascii: "\\"), &text, &count)
            try put(hexadecimal: byte, &text, &count)
            continue
        case UInt8(ascii: " ") where index == value.content.lowerBound || index &+ 1 == value.content.upperBound,
            UInt8(ascii: "#") where index == value.content.lowerBound,
            UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "<"),
            UInt8(ascii: ">"), UInt8(ascii: "\\"):
            guard text.count &- count >= 2 else { throw DERError(.bufferFull, at: count) }
            try put(UInt8(ascii: "\\"), &text, &count)
        default: break
        }
        try put(byte, &text, &count)
    }
}

/// Writes the dotted form of an OBJECT IDENTIFIER's contents (X.690, 8.19); arcs are below 2^28, as they are read.
private func write(identifier contents: Span<UInt8>, _ text: inout MutableSpan<UInt8>, _ count: inout Int)
    throws(DERError)
{
    var value: UInt32 = 0
    var isFirst = true
    for index in contents.indices {
        guard value < 1 << 21 else { throw DERError(.invalidObjectIdentifier, at: index) }
        value = value &<< 7 | UInt32(contents[index] & 0x7F)
        guard contents[index] < 0x80 else { continue }
        if isFirst {
            let first = min(value / 40, 2)
            try write(decimal: first, &text, &count)
            value &-= first &* 40
            isFirst = false
        }
        try put(UInt8(ascii: "."), &text, &count)
        try write(decimal: value, &text, &count)
        value = 0
    }
}

private func write(decimal value: UInt32, _ text: inout MutableSpan<UInt8>, _ count: inout Int) throws(DERError) {
    var unit: UInt32 = 1
    while value / unit >= 10 { unit &*= 10 }
    while unit > 0 {
        try put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / unit % 10), &text, &count)
        unit /= 10
    }
}

@inline(never)
private func put(hexadecimal byte: UInt8, _ text: inout MutableSpan<UInt8>, _ count: inout Int) throws(DERError) {
    let digits = span(of: "0123456789ABCDEF")
    try put(digits[Int(byte &>> 4)], &text, &count)
    try put(digits[Int(byte & 0x0F)], &text, &count)
}

@inline(never)
private func put(_ byte: UInt8, _ text: inout MutableSpan<UInt8>, _ count: inout Int) throws(DERError) {
    guard count < text.count else { throw DERError(.bufferFull, at: count) }
    text[count] = byte
    count &+= 1
}
