extension StaticString {
    var bytes: Span<UInt8> {
        @_lifetime(immortal)
        get {
            let text = unsafe Span(_unsafeStart: utf8Start, count: utf8CodeUnitCount)
            return unsafe _overrideLifetime(text, copying: ())
        }
    }
}

extension Span<UInt8> {
    /// Whether `word` stands at `position`. Letters match in either case; `word` is written in lower case.
    func holds(_ word: StaticString, at position: Int) -> Bool {
        let word = word.bytes
        guard position <= count, word.count <= count - position else { return false }
        for index in 0..<word.count where self[position + index].lowercased != word[index] { return false }
        return true
    }

    /// Whether the bytes of `range` are `word`. Letters match in either case; `word` is written in lower case.
    func holds(_ word: StaticString, in range: Range<Int>) -> Bool {
        range.count == word.utf8CodeUnitCount && holds(word, at: range.lowerBound)
    }

    /// `range` without the blanks and tabs at both of its ends.
    func trimming(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, self[start].isBlank { start += 1 }
        while start < end, self[end - 1].isBlank { end -= 1 }
        return start..<end
    }
}

extension UInt8 {
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }

    /// A space or a horizontal tab: OWS of RFC 9110, 5.6.3.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// CTL without the horizontal tab.
    var isControl: Bool { self < 0x20 && self != 0x09 || self == 0x7F }

    var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }

    var isLetterOrDigit: Bool { isDigit || UInt8(ascii: "a")...UInt8(ascii: "z") ~= lowercased }

    /// tchar of RFC 9110, section 5.6.2.
    var isToken: Bool {
        switch self {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: isLetterOrDigit
        }
    }

    var lowercased: UInt8 { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= self ? self | 0x20 : self }

    /// The value of a hexadecimal digit in either case, 0 to 15.
    var hexadecimalValue: Int? {
        if isDigit { return Int(self - UInt8(ascii: "0")) }
        let letter = lowercased
        guard UInt8(ascii: "a")...UInt8(ascii: "f") ~= letter else { return nil }
        return Int(letter - UInt8(ascii: "a") + 10)
    }
}
