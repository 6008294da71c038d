import DER

/// Types of name attributes that a subject can be given by name; others by their dotted identifier.
enum AttributeType: UInt8 {
    case commonName = 1, serialNumber, organization, organizationalUnit, country, state, locality, domainComponent
    case userID, emailAddress

    /// Names as RFC 4514, section 3 and OpenSSL write them.
    var name: StaticString {
        @inline(never) get {
            switch self {
            case .commonName: "CN"
            case .serialNumber: "serialNumber"
            case .organization: "O"
            case .organizationalUnit: "OU"
            case .country: "C"
            case .state: "ST"
            case .locality: "L"
            case .domainComponent: "DC"
            case .userID: "UID"
            case .emailAddress: "emailAddress"
            }
        }
    }

    /// RFC 5280, appendix A.1; RFC 4519, 2.4 and 2.39; RFC 2985, 5.2.1.
    var identifier: ObjectIdentifier {
        switch self {
        case .commonName: ObjectIdentifier("2.5.4.3")
        case .serialNumber: ObjectIdentifier("2.5.4.5")
        case .organization: ObjectIdentifier("2.5.4.10")
        case .organizationalUnit: ObjectIdentifier("2.5.4.11")
        case .country: ObjectIdentifier("2.5.4.6")
        case .state: ObjectIdentifier("2.5.4.8")
        case .locality: ObjectIdentifier("2.5.4.7")
        case .domainComponent: ObjectIdentifier("0.9.2342.19200300.100.1.25")
        case .userID: ObjectIdentifier("0.9.2342.19200300.100.1.1")
        case .emailAddress: ObjectIdentifier("1.2.840.113549.1.9.1")
        }
    }

    /// The string type that RFC 5280, appendix A.1 prescribes, UTF8String where it leaves the choice.
    var stringTag: Tag {
        switch self {
        case .country, .serialNumber: .printableString
        case .domainComponent, .emailAddress: .ia5String
        default: .utf8String
        }
    }

    /// The greatest number of characters (RFC 5280, appendix A.1, upper bounds).
    var greatestCount: Int {
        switch self {
        case .country: 2
        case .commonName, .serialNumber, .organization, .organizationalUnit: 64
        case .state, .locality: 128
        default: 255
        }
    }

    init?(_ word: Span<UInt8>) {
        var number: UInt8 = 1
        while let type = AttributeType(rawValue: number) {
            if isWord(word, type.name) {
                self = type
                return
            }
            number &+= 1
        }
        return nil
    }

    init?(_ identifier: borrowing DERElement) {
        var number: UInt8 = 1
        while let type = AttributeType(rawValue: number) {
            if identifier.isIdentifier(type.identifier) {
                self = type
                return
            }
            number &+= 1
        }
        return nil
    }
}

extension DERWriter {
    /// Writes a Name given as RFC 4514 has it, such as `CN=sensor 7,O=Example,C=DE`: the most specific part first,
    /// which a backward writer puts last, as X.501 wants it.
    ///
    /// Types are CN, serialNumber, O, OU, C, ST, L, DC, UID, emailAddress (letter case aside) or a dotted
    /// identifier. Special characters are escaped as `\,` or `\2C`. An empty text is an empty name.
    ///
    /// - Throws: `invalidName` with the offset in `text`, also for values that are too long or not in the attribute's
    ///   repertoire, for values in hexadecimal and for RDNs of several values; `bufferFull`.
    public mutating func write(name text: Span<UInt8>) throws(DERError) {
        let end = front
        var position = 0
        while position < text.count {
            position = try write(relativeDistinguishedNameAt: position, of: text)
            guard position < text.count else { break }
            position &+= 1
            guard position < text.count else { throw DERError(.invalidName, at: position) }
        }
        try wrap(.sequence, from: end)
    }

    /// Writes a copy of a Name that stands at these offsets of the buffer, or, if they are none, what `text` says.
    @inline(never)
    public mutating func write(name text: Span<UInt8>, orCopyOf range: Range<Int>) throws(DERError) {
        guard range.isEmpty else { return try write(copyOf: range.lowerBound, count: range.count) }
        try write(name: text)
    }

    /// - Returns: the offset of the comma behind it, or of the end.
    private mutating func write(relativeDistinguishedNameAt start: Int, of text: Span<UInt8>) throws(DERError)
        -> Int
    {
        var equals = start
        while equals < text.count, text[equals] != UInt8(ascii: "=") { equals &+= 1 }
        guard equals < text.count else { throw DERError(.invalidName, at: start) }
        let word = text.extracting(start..<equals)
        let type = AttributeType(word)

        var (valueEnd, count, characters) = (equals &+ 1, 0, 0)
        while valueEnd < text.count, text[valueEnd] != UInt8(ascii: ",") {
            let characterStart = valueEnd
            let byte = try Self.character(of: text, at: &valueEnd)
            // A value that begins with # would be one in hexadecimal (RFC 4514, 2.4), which is not read.
            guard text[characterStart] != UInt8(ascii: "+"), byte != 0,
                count > 0 || text[characterStart] != UInt8(ascii: "#")
            else {
                throw DERError(.invalidName, at: characterStart)
            }
            count &+= 1
            // The bytes that go on with a character of UTF-8 are no characters.
            if byte & 0xC0 != 0x80 { characters &+= 1 }
        }
        guard count > 0, characters <= type?.greatestCount ?? 255 else { throw DERError(.invalidName, at: equals &+ 1) }

        let end = front
        do {
            var value = try reserve(count)
            var position = equals &+ 1
            for index in 0..<count { value[index] = try Self.character(of: text, at: &position) }
        }
        let tag = type?.stringTag ?? .utf8String
        do {
            let value = written(front..<end)
            guard tag != .printableString || isPrintableString(value), tag != .ia5String || isASCII(value),
                isUTF8(value)
            else {
                throw DERError(.invalidName, at: equals &+ 1)
            }
        }
        try wrap(tag, from: end)
        if let type {
            try write(type.identifier)
        } else {
            do throws(DERError) {
                try write(identifierText: word)
            } catch {
                throw error.kind == .bufferFull ? error : DERError(.invalidName, at: start)
            }
        }
        try wrap(.sequence, from: end)
        try wrap(.set, from: end)
        return valueEnd
    }

    /// One byte of a value, unescaped (RFC 4514, 3).
    private static func character(of text: Span<UInt8>, at position: inout Int) throws(DERError) -> UInt8 {
        let start = position
        position &+= 1
        guard text[start] == UInt8(ascii: "\\") else { return text[start] }
        guard position < text.count else { throw DERError(.invalidName, at: start) }
        if let high = hexadecimalValue(text[position]) {
            guard position &+ 1 < text.count, let low = hexadecimalValue(text[position &+ 1]) else {
                throw DERError(.invalidName, at: start)
            }
            position &+= 2
            return high &<< 4 | low
        }
        position &+= 1
        return text[position &- 1]
    }
}
