import Foundation
import LinuxBoard
import PretendedSystem
import TestSupport
import Testing

@Suite struct SystemClockTests {
    /// A board that woke up without knowing the time knows none.
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", false), ("1970-01-01T00:05:00Z", false), ("2000-01-01T00:00:00Z", false),
        ("2024-12-31T23:59:59Z", false), ("2025-01-01T00:00:00Z", true), ("2038-01-19T03:14:08Z", true),
        ("2106-02-07T06:28:16Z", true),
    ])
    func aClockThatNobodySetIsNotBelieved(date: String, isBelieved: Bool) throws {
        let seconds = Int(try Date(date, strategy: .iso8601).timeIntervalSince1970)
        #expect(atTime(seconds) { SystemClock().time } == (isBelieved ? Int64(seconds) : nil))
    }

    @Test func timeIsTheSystems() throws {
        let before = Int64(Date().timeIntervalSince1970)
        let time = try #require(SystemClock().time)
        #expect(before <= time && time <= Int64(Date().timeIntervalSince1970))
    }

    /// No shorter than was asked; longer it may be on a machine that is busy.
    @Test func sleepsAndCounts() {
        let outside = ContinuousClock.now
        let clock = SystemClock()
        let begin = clock.uptime
        clock.sleep(milliseconds: 30)
        let slept = clock.uptime - begin
        let passed = outside.duration(to: .now)
        // Both ends are cut to milliseconds.
        #expect(passed >= .milliseconds(29))
        // Catches an end that is counted wrong alone.
        #expect(passed < .seconds(10))
        #expect(slept >= 29 && .milliseconds(Int64(slept) - 1) <= passed)
        #expect(.milliseconds(Int64(clock.uptime) - 1) <= outside.duration(to: .now))
    }
}
