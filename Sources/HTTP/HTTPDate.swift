import Bytes

/// Reads the IMF-fixdate of RFC 9110, section 5.6.7, the one form that servers have sent since HTTP/1.1.
enum HTTPDate {
    /// Seconds since 1970-01-01T00:00:00Z, or nil when `text` is not such a date, or not of 1970 to 2099. The name of the
    /// day is not compared.
    static func seconds(_ text: Span<UInt8>) -> Int64? {
        // Sun, 06 Nov 1994 08:49:37 GMT
        guard text.count == 29, text.holds(", ", at: 3), text.holds(" gmt", at: 25),
            let year = number(text, 12, digits: 4), let day = number(text, 5, digits: 2),
            let hour = number(text, 17, digits: 2), let minute = number(text, 20, digits: 2),
            let second = number(text, 23, digits: 2), hour < 24, minute < 60, second <= 60,
            let days = days(
                year: year, month: Int(text.number(of: 8..<11, in: "jan feb mar apr may jun jul aug sep oct nov dec")),
                day: day)
        else { return nil }
        return widened(days) &* 86_400 &+ widened((hour &* 60 &+ minute) &* 60 &+ second)
    }

    /// The number at `start`; what stands before it separates it from the last.
    private static func number(_ text: Span<UInt8>, _ start: Int, digits: Int) -> Int? {
        let separator = text[start &- 1]
        guard separator == UInt8(ascii: " ") || separator == UInt8(ascii: ":") else { return nil }
        return text.decimal(in: start..<(start &+ digits), ceiling: 10_000)
    }

    /// Days from 1970-01-01; nil when there is no such day, or when the leap years are not simply every fourth.
    private static func days(year: Int, month: Int, day: Int) -> Int? {
        let monthLength = month == 2 ? (year & 3 == 0 ? 29 : 28) : 30 &+ (month &+ month >> 3) & 1
        guard year >= 1970, year < 2100, month > 0, day > 0, day <= monthLength else { return nil }
        // The year begins in March here, so that the leap day is its last.
        let shiftedYear = month > 2 ? year : year &- 1
        let shiftedMonth = month > 2 ? month &- 3 : month &+ 9
        return (shiftedYear &- 1970) &* 365 &+ shiftedYear >> 2 &- 492 &+ (153 &* shiftedMonth &+ 2) / 5 &+ day &+ 58
    }

    /// `number`, which is not negative and below 2^31, in 64 bits. Bit by bit, since the compiler's proof that nothing
    /// allocates fails on every conversion from 32 to 64 bits (Swift 6.3).
    private static func widened(_ number: Int) -> Int64 {
        var wide: Int64 = 0
        for bit in 0..<31 {
            wide &+= wide
            if number & (1 &<< (30 &- bit)) != 0 { wide |= 1 }
        }
        return wide
    }
}
