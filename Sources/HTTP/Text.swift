import Bytes

// Words are compared with letters in either case; those that they are compared with are written in lower case.
extension Span<UInt8> {
    /// Whether `word` stands at `position`.
    func holds(_ word: StaticString, at position: Int) -> Bool {
        let word = span(of: word)
        guard word.count <= count &- position else { return false }
        for index in 0..<word.count where self[position &+ index].lowercased != word[index] { return false }
        return true
    }

    /// Which word of `list`, where one blank is between two, stands in `range`: counted from 1, 0 for none of them.
    func number(of range: Range<Int>, in list: StaticString) -> UInt8 {
        let list = span(of: list)
        var number: UInt8 = 1
        var position = range.lowerBound
        var isSame = true
        for index in 0...list.count {
            if index == list.count || list[index] == UInt8(ascii: " ") {
                if isSame, position == range.upperBound { return number }
                number &+= 1
                position = range.lowerBound
                isSame = true
            } else if position < range.upperBound, self[position].lowercased == list[index] {
                position &+= 1
            } else {
                isSame = false
            }
        }
        return 0
    }

    /// `range` without the blanks and tabs at both of its ends.
    func trimming(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, self[start].isBlank { start &+= 1 }
        while start < end, self[end &- 1].isBlank { end &-= 1 }
        return start..<end
    }

    /// The number in `range`, all of it digits; nil when it is not. What passes `ceiling` is given as `ceiling`, which
    /// is at most 2^27, so that no step on the way overflows 32 bits.
    func decimal(in range: Range<Int>, ceiling: Int) -> Int? {
        var value = 0
        for index in range {
            guard self[index].isDigit else { return nil }
            value = min(value &* 10 &+ Int(self[index] & 0x0F), ceiling)
        }
        return range.isEmpty ? nil : value
    }
}

extension UInt8 {
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }

    /// A space or a horizontal tab: OWS of RFC 9110, section 5.6.3.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// CTL without the horizontal tab.
    var isControl: Bool { self < 0x20 && self != 0x09 || self == 0x7F }

    /// A character of ASCII that is not blank.
    var isVisible: Bool { self > 0x20 && self < 0x7F }

    var isLetterOrDigit: Bool {
        let lowercased = self.lowercased
        return isDigit || lowercased >= UInt8(ascii: "a") && lowercased <= UInt8(ascii: "z")
    }
}
