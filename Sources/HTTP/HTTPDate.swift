/// Reads the three forms of HTTP-date (RFC 9110, section 5.6.7).
struct HTTPDate: ~Escapable {
    private let text: Span<UInt8>
    private var position = 0

    @_lifetime(copy text)
    private init(_ text: Span<UInt8>) { self.text = text }

    /// Seconds since 1970-01-01T00:00:00Z, or nil when `text` is not a date from 1970 on. The name of the weekday is
    /// not compared.
    static func seconds(_ text: Span<UInt8>) -> Int64? {
        var reader = HTTPDate(text)
        return reader.read()
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
    private mutating func read() -> Int64? {
        while position < text.count, text[position].isLetterOrDigit { position += 1 }
        let isASCTime = !skip(",")
        guard skip(" ") else { return nil }
        var day: Int?
        let month: Int?
        var year: Int?
        if isASCTime {
            month = self.month()
            guard skip(" ") else { return nil }
            _ = skip(" ")
            day = number(digits: 1...2)
        } else {
            day = number(digits: 1...2)
            guard skip(" ") || skip("-") else { return nil }
            month = self.month()
            guard skip(" ") || skip("-") else { return nil }
            year = self.year()
        }
        guard skip(" "), let hour = number(digits: 2...2), skip(":"), let minute = number(digits: 2...2), skip(":"),
            let second = number(digits: 2...2), skip(" ")
        else { return nil }
        if isASCTime {
            year = self.year()
        } else {
            guard skip("gmt") else { return nil }
        }
        guard position == text.count, let year, let month, let day, year >= 1970, hour < 24, minute < 60, second <= 60,
            let days = Self.days(year: year, month: month, day: day)
        else { return nil }
        return Self.widened(days) * 86_400 + Self.widened((hour * 60 + minute) * 60 + second)
    }

    /// `number`, which is not negative and below 2^31, in 64 bits. Bit by bit, since the compiler's proof that nothing
    /// allocates fails on every conversion from 32 to 64 bits (Swift 6.3).
    private static func widened(_ number: Int) -> Int64 {
        var wide: Int64 = 0
        for bit in 0..<31 {
            wide += wide
            if number & (1 << (30 - bit)) != 0 { wide += 1 }
        }
        return wide
    }

    private mutating func skip(_ word: StaticString) -> Bool {
        guard text.holds(word, at: position) else { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    private mutating func number(digits: ClosedRange<Int>) -> Int? {
        let start = position
        var value = 0
        while position < text.count, position - start < digits.upperBound, text[position].isDigit {
            value = value * 10 + Int(text[position] - UInt8(ascii: "0"))
            position += 1
        }
        return position - start < digits.lowerBound ? nil : value
    }

    /// Two digits mean 1970 to 2069.
    private mutating func year() -> Int? {
        guard let year = number(digits: 2...4) else { return nil }
        return year < 70 ? year + 2000 : year < 100 ? year + 1900 : year
    }

    /// 1 to 12.
    private mutating func month() -> Int? {
        let names: StaticString = "janfebmaraprmayjunjulaugsepoctnovdec"
        guard text.count - position >= 3 else { return nil }
        for month in 0..<12 {
            var letters = 0
            while letters < 3, text[position + letters].lowercased == names.bytes[month * 3 + letters] { letters += 1 }
            if letters == 3 {
                position += 3
                return month + 1
            }
        }
        return nil
    }

    /// Days from 1970-01-01 to a day of the Gregorian calendar; nil when the month has no such day.
    private static func days(year: Int, month: Int, day: Int) -> Int? {
        let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let monthLength = month == 2 ? (isLeapYear ? 29 : 28) : 30 + (month + month >> 3) & 1
        guard 1...monthLength ~= day else { return nil }
        // The year begins in March here, so that the leap day is its last.
        let shiftedYear = month > 2 ? year : year - 1
        let shiftedMonth = month > 2 ? month - 3 : month + 9
        let leapDays = shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400
        return shiftedYear * 365 + leapDays + (153 * shiftedMonth + 2) / 5 + day - 1 - 719_468
    }
}
