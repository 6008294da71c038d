import Foundation
import HTTP
import TestSupport
import Testing

@Suite struct DateTests {
    static func seconds(_ value: String) -> Int64? {
        read(["HTTP/1.1 200 OK\r\nDate: \(value)\r\n\r\n".latin1[...]]).response.date
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "sun, 06 nov 1994 08:49:37 gmt", "  Sun, 06 Nov 1994 08:49:37 GMT  ",
        // The name of the day is not compared.
        "Mon, 06 Nov 1994 08:49:37 GMT",
    ])
    func isADate(_ value: String) {
        #expect(Self.seconds(value) == 784_111_777)
    }

    /// Checked by Foundation.
    @Test func theCalendar() throws {
        var generator = SeededGenerator(seed: 4)
        var instants: [Int64] = [0, 1, 86_399, 86_400, 2_147_483_647, 2_147_483_648, 4_102_444_799]
        // The ends of February and the year, in leap years, others, and those of the centuries.
        for year in [1970, 1972, 1999, 2000, 2001, 2004, 2098] {
            let days = [(1, 1), (2, 28), (3, 1), (12, 31)]
            for (month, day) in days {
                let components = DateComponents(
                    calendar: Calendar(identifier: .gregorian), timeZone: .gmt, year: year, month: month,
                    day: day)
                let date = try #require(components.date)
                instants += [Int64(date.timeIntervalSince1970), Int64(date.timeIntervalSince1970) + 86_400]
            }
        }
        for _ in 0..<1000 { instants.append(Int64.random(in: 0..<4_102_444_800, using: &generator)) }
        for instant in instants { #expect(Self.seconds(httpDate(instant)) == instant) }
    }

    @Test func aLeapSecondIsTheNextSecond() {
        #expect(Self.seconds("Sat, 31 Dec 2016 23:59:60 GMT") == 1_483_228_800)
    }

    @Test(arguments: [
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
        "", "never", "0", "-1", "784111777", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 ",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 32 Dec 1994 08:49:37 GMT", "Sun, 29 Feb 1995 08:49:37 GMT",
        "Fri, 01 Jan 2100 00:00:00 GMT", "Thu, 31 Dec 1969 23:59:59 GMT", "Sun, 30 Feb 2000 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT", "Sun. 06 Nov 1994 08:49:37 GMT", "Thu, 29 Feb 2001 08:49:37 GMT",
        "Sun, 06 11 1994 08:49:37 GMT", "Sun, 06 Nov 1969 23:59:59 GMT", "Sun, 06 Nov 19945 08:49:37 GMT",
        "Sun, 06 Nov 1 08:49:37 GMT", "Sun, Nov 6 08:49:37 1994", "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994 GMT", "06 Nov 1994 08:49:37 GMT", "Sun, 06 No", "Sun, 06", "Sun,", "Sun Nov",
    ])
    func isNoDate(_ value: String) {
        #expect(Self.seconds(value) == nil)
    }
}
