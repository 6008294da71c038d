import Bytes
import DER

/// Whether two Names, each with its SEQUENCE header, are the same (RFC 5280, 7.1): RDN by RDN, attribute by attribute,
/// with values that are equal but for the letter case of ASCII, for blanks around them and runs of blanks in them, and
/// for which of UTF8String, PrintableString and IA5String they are. Others are compared byte for byte.
///
/// That is what OpenSSL calls equal too; beyond ASCII both compare bytes. A Name that is malformed is equal to its own
/// bytes alone. Both are public: not in constant time.
@inline(never)
public func areNamesEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    var (reader, other) = (DERReader(left), DERReader(right))
    // A Name is a SEQUENCE of SETs of SEQUENCEs.
    return areEqual(left, right) || areElementsEqual(&reader, &other, depth: 3)
}

@inline(never)
private func areElementsEqual(_ left: inout DERReader, _ right: inout DERReader, depth: Int) -> Bool {
    while !left.isAtEnd, !right.isAtEnd {
        guard let element = try? left.read(), let other = try? right.read() else { return false }
        if depth > 0 {
            var (reader, otherReader) = (element.reader, other.reader)
            guard element.tag.isConstructed, element.tag == other.tag,
                areElementsEqual(&reader, &otherReader, depth: depth &- 1)
            else { return false }
        } else if !areValuesEqual(element, other) {
            return false
        }
    }
    return left.isAtEnd && right.isAtEnd
}

@inline(never)
private func areValuesEqual(_ left: borrowing DERElement, _ right: borrowing DERElement) -> Bool {
    if areEqual(left.encoding, right.encoding) { return true }
    guard isFolded(left.tag), isFolded(right.tag) else { return false }
    var (position, otherPosition) = (left.content.lowerBound, right.content.lowerBound)
    skipBlanks(left, &position)
    skipBlanks(right, &otherPosition)
    while true {
        let (byte, other) = (next(left, &position), next(right, &otherPosition))
        // What is beyond ASCII is text in UTF8String alone.
        guard byte == other, byte ?? 0 < 0x80 || left.tag == right.tag else { return false }
        if byte == nil { return true }
    }
}

private func isFolded(_ tag: Tag) -> Bool {
    tag == .utf8String || tag == .printableString || tag == .ia5String
}

/// The next byte: a letter in lower case, or one blank for a run of them; nil at the end, and for blanks there.
@inline(never)
private func next(_ value: borrowing DERElement, _ position: inout Int) -> UInt8? {
    let start = position
    skipBlanks(value, &position)
    guard position < value.content.upperBound else { return nil }
    if position > start { return UInt8(ascii: " ") }
    let byte = value.bytes[position]
    position &+= 1
    return byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
}

@inline(never)
private func skipBlanks(_ value: borrowing DERElement, _ position: inout Int) {
    while position < value.content.upperBound, isWhiteSpace(value.bytes[position]) { position &+= 1 }
}
