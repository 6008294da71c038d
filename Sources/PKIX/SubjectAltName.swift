import Bytes
import DER
import DeviceCrypto

extension DERWriter {
    /// Writes GeneralNames (RFC 5280, 4.2.1.6) given as a comma-separated text in OpenSSL's words: `DNS:…`, `IP:…` (IPv4
    /// or IPv6), `URI:…`, `email:…`, `RID:<dotted identifier>`, `otherName:<dotted identifier>;UTF8:<value>` or, for a value
    /// that is no UTF8String, `otherName:<dotted identifier>;#<its DER in hexadecimal>`. The last and `RID` are left out where
    /// there is no space for them.
    ///
    /// ```
    /// GeneralNames ::= SEQUENCE OF GeneralName
    ///
    /// GeneralName ::= CHOICE {
    ///     otherName                  [0] IMPLICIT SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY },
    ///     rfc822Name                 [1] IMPLICIT IA5String,
    ///     dNSName                    [2] IMPLICIT IA5String,
    ///     uniformResourceIdentifier  [6] IMPLICIT IA5String,
    ///     iPAddress                  [7] IMPLICIT OCTET STRING,
    ///     registeredID               [8] IMPLICIT OBJECT IDENTIFIER }
    /// ```
    ///
    /// Not written: x400Address, directoryName and ediPartyName.
    ///
    /// A comma in a value is written `\,` and a backslash `\\`; the other escapes of a subject are taken, too. Blanks around
    /// a name do not count.
    ///
    /// - Throws: a ``PKIX/TextFault`` with the offset in `text`; `bufferFull`.
    public mutating func write(altNames text: Span<UInt8>) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            var items = ReversedList(text)
            while let item = items.next() { try writer.write(altName: item, of: text) }
        }
    }

    private mutating func write(altName item: Range<Int>, of text: Span<UInt8>) throws(DERError) {
        guard !item.isEmpty else { throw .text(.empty, at: item.lowerBound) }
        var colon = item.lowerBound
        while colon < item.upperBound, text[colon] != UInt8(ascii: ":") { colon &+= 1 }
        var start = min(colon &+ 1, item.upperBound)
        while start < item.upperBound, text[start] == UInt8(ascii: " ") { start &+= 1 }
        let value = start..<item.upperBound
        let end = front
        let kind = position(of: text.extracting(item.lowerBound..<colon), among: "DNS email URI IP RID otherName")
        guard !value.isEmpty || kind == nil else { throw .text(.empty, at: start) }
        let tag: Tag
        switch kind {
        case 0:
            tag = .context(2)
            try checkHost(text, value)
            try write(bytes: text.extracting(value))
        case 1, 2:
            tag = .context(kind == 1 ? 1 : 6)
            try write(unescaping: text, value)
            // What is beyond ASCII is encoded otherwise in both (RFC 5280, 7.4 and 7.5), and neither has blanks.
            let bytes = written(front..<end)
            for index in bytes.indices where bytes[index] <= UInt8(ascii: " ") || bytes[index] >= 0x7F {
                throw .text(.badCharacter, at: start)
            }
        case 3:
            tag = .context(7)
            guard let address = IPAddress(text.extracting(value)) else { throw .text(.badAddress, at: start) }
            try write(bytes: address.bytes)
        case 4 where Footprint.isUnconstrained:
            try write(identifier: text.extracting(value), at: start)
            // The tag is implicit.
            var header = mutable(front..<(front &+ 1))
            header[0] = Tag.context(8).rawValue
            return
        case 5:
            tag = .contextConstructed(0)
            try write(otherName: text, value)
        default: throw .text(.unknownWord, at: item.lowerBound)
        }
        try wrap(tag, from: end)
    }

    private mutating func write(otherName text: Span<UInt8>, _ range: Range<Int>) throws(DERError) {
        var semicolon = range.lowerBound
        while semicolon < range.upperBound, text[semicolon] != UInt8(ascii: ";") { semicolon &+= 1 }
        let end = front
        let rest = text.extracting(semicolon..<range.upperBound)
        if Footprint.isUnconstrained, rest.count > 2, rest[1] == UInt8(ascii: "#") {
            try write(hexadecimal: text, (semicolon &+ 2)..<range.upperBound)
        } else {
            guard rest.count > 6, isWord(rest.extracting(first: 6), ";UTF8:") else {
                throw .text(.badOtherName, at: semicolon)
            }
            try write(unescaping: text, (semicolon &+ 6)..<range.upperBound)
            guard holds(.utf8String, written(front..<end)) else { throw .text(.badCharacter, at: semicolon &+ 6) }
            try wrap(.utf8String, from: end)
        }
        try wrap(.contextConstructed(0), from: end)
        try write(identifier: text.extracting(range.lowerBound..<semicolon), at: range.lowerBound)
    }
}

/// Sees whether a DNS name has the characters of one and no empty label (RFC 5280, 4.2.1.6; RFC 1034, 3.5), an underscore
/// and the `*` of a wildcard aside: many CAs issue whatever they are asked for.
private func checkHost(_ text: Span<UInt8>, _ range: Range<Int>) throws(DERError) {
    var labelStart = range.lowerBound
    for index in range {
        switch text[index] {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "_"):
            guard index &- labelStart < 63 else { throw .text(.tooLong, at: labelStart) }
        case UInt8(ascii: "."):
            guard index > labelStart, index &+ 1 < range.upperBound else { throw .text(.badCharacter, at: index) }
            labelStart = index &+ 1
        default: throw .text(.badCharacter, at: index)
        }
    }
}
