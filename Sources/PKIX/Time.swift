import Bytes
import DER

/// Reads a Time (RFC 5280, 4.1.2.5): UTCTime to 2049, GeneralizedTime otherwise, both with seconds and `Z`.
///
/// ```
/// Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }
/// ```
///
/// - Returns: seconds since 1970-01-01T00:00:00Z; may be negative.
public func readTime(_ reader: inout DERReader) throws(DERError) -> Int64 {
    let element = try reader.read()
    let text = element.contents
    var year: Int
    var position: Int
    switch element.tag {
    case .utcTime where text.count == 13:
        year = try digits(text, 0, 2, element.start)
        year &+= year < 50 ? 2000 : 1900
        position = 2
    case .generalizedTime where text.count == 15:
        year = try digits(text, 0, 4, element.start)
        position = 4
    default:
        throw DERError(.invalidTime, at: element.start)
    }
    let month = try digits(text, position, 2, element.start)
    let day = try digits(text, position &+ 2, 2, element.start)
    let hour = try digits(text, position &+ 4, 2, element.start)
    let minute = try digits(text, position &+ 6, 2, element.start)
    let second = try digits(text, position &+ 8, 2, element.start)
    guard text[position &+ 10] == UInt8(ascii: "Z"), (1...12).contains(month), hour < 24, minute < 60, second < 60,
        day >= 1, day <= daysInMonth(month, year)
    else { throw DERError(.invalidTime, at: element.start) }
    return secondsSince1970(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
}

/// Seconds since 1970-01-01T00:00:00Z; may be negative. The parts are those of a date that there is.
public func secondsSince1970(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) -> Int64 {
    let days = daysSinceYear0(year: year, month: month, day: day)
    // 719,468 days lie between 0000-03-01 and 1970-01-01, and 60 of year 0 before it.
    return (widened(days &+ 60) &- 719_528) &* 86_400 &+ widened(hour &* 3600 &+ minute &* 60 &+ second)
}

/// `Int64(value)` of a value that is not negative: on 32-bit targets Swift 6.3 takes the plain conversion for an
/// allocation.
private func widened(_ value: Int) -> Int64 { Int64(bitPattern: UInt64(_truncatingBits: UInt(bitPattern: value))) }

private func digits(_ text: Span<UInt8>, _ start: Int, _ count: Int, _ offset: Int) throws(DERError) -> Int {
    var value = 0
    for index in start..<(start &+ count) {
        let digit = text[index] &- UInt8(ascii: "0")
        guard digit <= 9 else { throw DERError(.invalidTime, at: offset) }
        value = value &* 10 &+ Int(digit)
    }
    return value
}

func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

@inline(never)
func daysInMonth(_ month: Int, _ year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
}

/// Days from 0000-03-01 in the Gregorian calendar; years count from March, so that the leap day is the last.
private func daysSinceYear0(year: Int, month: Int, day: Int) -> Int {
    let shifted = month > 2 ? year : year &- 1
    let monthFromMarch = (month &+ 9) % 12
    let dayOfYear = (153 &* monthFromMarch &+ 2) / 5 &+ day &- 1
    return 365 &* shifted &+ shifted / 4 &- shifted / 100 &+ shifted / 400 &+ dayOfYear
}
