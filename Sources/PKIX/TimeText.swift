/// Writes a time as ISO 8601 has it, such as `2027-11-23T16:30:00Z`, at the front of `text`.
///
/// - Parameters:
///   - seconds: since 1970-01-01T00:00:00Z.
///   - text: space for 20 bytes.
/// - Returns: 20; or 0, and nothing is written, when there is no space or the year is not one of 0 to 9999.
public func timeText(_ seconds: Int64, into text: inout MutableSpan<UInt8>) -> Int {
    // From 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
    guard seconds >= -62_167_219_200, seconds <= 253_402_300_799, text.count >= 20 else { return 0 }
    let total = seconds &+ 62_167_219_200
    // 86,400 is 128 times 675: 32 bits are enough for the division.
    let units = UInt32(truncatingIfNeeded: total &>> 7)
    let second = Int(truncatingIfNeeded: units % 675) &* 128 &+ Int(truncatingIfNeeded: total & 127)
    // How many days before the day that is looked for, from the beginning of the year 0.
    var days = Int(truncatingIfNeeded: units / 675)
    var year = 0
    while days >= (isLeap(year) ? 366 : 365) {
        days &-= isLeap(year) ? 366 : 365
        year &+= 1
    }
    var month = 1
    while days >= daysInMonth(month, year) {
        days &-= daysInMonth(month, year)
        month &+= 1
    }

    write(year / 100, at: 0, UInt8(ascii: "-"), &text)
    write(year % 100, at: 2, UInt8(ascii: "-"), &text)
    write(month, at: 5, UInt8(ascii: "-"), &text)
    write(days &+ 1, at: 8, UInt8(ascii: "T"), &text)
    write(second / 3600, at: 11, UInt8(ascii: ":"), &text)
    write(second / 60 % 60, at: 14, UInt8(ascii: ":"), &text)
    write(second % 60, at: 17, UInt8(ascii: "Z"), &text)
    return 20
}

/// Writes two digits and what follows them.
@inline(never)
private func write(_ value: Int, at offset: Int, _ mark: UInt8, _ text: inout MutableSpan<UInt8>) {
    text[offset] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 10)
    text[offset &+ 1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10)
    text[offset &+ 2] = mark
}
