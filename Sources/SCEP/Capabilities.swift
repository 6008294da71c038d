import Bytes

/// What a CA says it can do (RFC 8894, 3.5.2).
public struct Capabilities: BitSet {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static var aes: Capabilities { Capabilities(rawValue: 1) }
    public static var des3: Capabilities { Capabilities(rawValue: 1 << 1) }
    public static var getNextCACert: Capabilities { Capabilities(rawValue: 1 << 2) }
    public static var postPKIOperation: Capabilities { Capabilities(rawValue: 1 << 3) }
    public static var renewal: Capabilities { Capabilities(rawValue: 1 << 4) }
    public static var sha1: Capabilities { Capabilities(rawValue: 1 << 5) }
    public static var sha256: Capabilities { Capabilities(rawValue: 1 << 6) }
    public static var sha512: Capabilities { Capabilities(rawValue: 1 << 7) }
    public static var scepStandard: Capabilities { Capabilities(rawValue: 1 << 8) }

    private static func keyword(_ bit: UInt16) -> StaticString {
        switch bit {
        case 0: "AES"
        case 1: "DES3"
        case 2: "GetNextCACert"
        case 3: "POSTPKIOperation"
        case 4: "Renewal"
        case 5: "SHA-1"
        case 6: "SHA-256"
        case 7: "SHA-512"
        default: "SCEPStandard"
        }
    }

    /// Reads the body of a GetCACaps reply: a keyword a line, in any letter case, lines ended by LF or CR LF. Servers also
    /// put them in one line with blanks or commas in between, and a byte order mark in front.
    ///
    /// Whatever is no keyword is passed over; all of a page (HTML, XML, JSON) is, as its words are for people.
    /// SCEPStandard brings what it implies.
    public init(_ body: Span<UInt8>) {
        var found = Capabilities()
        var range = 0..<body.count
        _ = skipMark(body, &range)
        var (start, isFirst) = (range.lowerBound, true)
        while start < body.count {
            var end = start
            while end < body.count, !Self.separates(body[end]) { end &+= 1 }
            if isFirst, end > start {
                isFirst = false
                if body[start] == UInt8(ascii: "<") || body[start] == UInt8(ascii: "{") { break }
            }
            let word = body.extracting(start..<end)
            for bit in 0..<9 as Range<UInt16> where isWord(word, Self.keyword(bit)) {
                found.insert(Capabilities(rawValue: 1 &<< bit))
            }
            start = end &+ 1
        }
        if found.contains(.scepStandard) { found.insert(Capabilities.aes.union(.postPKIOperation).union(.sha256)) }
        self = found
    }

    private static func separates(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || isWhiteSpace(byte) }
}
