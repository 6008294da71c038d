import DeviceCrypto
import TestKeys
import TestSupport
import Testing

@testable import Agent

/// When a device renews, and how long it waits: figures worked out by hand.
@Suite struct ScheduleTests {
    private static let day: Int64 = 86_400

    private func renewal(
        _ notBefore: Int64, _ notAfter: Int64, percent: Int = 0, jitter: Int = 0, chance: [UInt8] = [0, 0]
    ) -> Int64 {
        let digest = chance + [UInt8](repeating: 0xEE, count: 30)
        return Schedule.renewal(
            notBefore: notBefore, notAfter: notAfter, percent: percent, jitter: jitter, digest: digest.span)
    }

    @Test func twoThirdsByDefault() {
        #expect(renewal(1000, 1000 + 30 * Self.day) == 1000 + 20 * Self.day)
        // 40 years, which 32 bits of a sign would not hold
        #expect(renewal(0, 14_610 * Self.day) == 9740 * Self.day)
    }

    @Test func aShareThatIsConfigured() {
        #expect(renewal(0, 100 * Self.day, percent: 80) == 80 * Self.day)
        #expect(renewal(0, 99, percent: 50) == 49)
        #expect(renewal(0, 199, percent: 50) == 99)
        #expect(renewal(0, 101, percent: 1) == 1)
    }

    @Test func someLifetimeIsAlwaysLeft() {
        #expect(renewal(0, 100 * Self.day, percent: 99, jitter: 50, chance: [0xFF, 0xFF]) == 98 * Self.day)
        #expect(renewal(50, 50) == 50)
        #expect(renewal(50, 40) == 50)
        #expect(renewal(0, 149, percent: 99, jitter: 50, chance: [0xFF, 0xFF]) == 147)
        // No more than 136 years count: 2^32 seconds, less one.
        for end in [1 << 40, 1 << 32, (1 << 32) - 1] as [Int64] {
            #expect(renewal(0, end, percent: 50) == 2_147_483_647)
        }
        #expect(renewal(0, (1 << 32) - 4, percent: 50) == 2_147_483_646)
    }

    @Test func jitterIsAShareOfTheLifetime() {
        let plain = renewal(0, 100 * Self.day, percent: 60)
        #expect(renewal(0, 100 * Self.day, percent: 60, jitter: 5, chance: [0, 0]) == plain)
        #expect(renewal(0, 100 * Self.day, percent: 60, jitter: 5, chance: [0x80, 0]) == plain + 5 * Self.day / 2)
        // Of 432,000 seconds, 4660 parts of 65,536.
        #expect(renewal(0, 100 * Self.day, percent: 60, jitter: 5, chance: [0x12, 0x34]) == plain + 30_717)
        let most = renewal(0, 100 * Self.day, percent: 60, jitter: 5, chance: [0xFF, 0xFF])
        #expect(most > plain + 5 * Self.day - 10 && most < plain + 5 * Self.day)
    }

    /// A thousand certificates of one minute: no minute sees more than a few of their renewals.
    @Test func aFleetOfOneDayDoesNotRenewInOneMinute() {
        var minutes: [Int64: Int] = [:]
        for device in 0..<1000 {
            let value = UInt64(device) &* 0x9E37_79B9_7F4A_7C15
            let due = renewal(
                0, 365 * Self.day, jitter: 5,
                chance: [UInt8(truncatingIfNeeded: value >> 56), UInt8(truncatingIfNeeded: value >> 48)])
            minutes[due / 60, default: 0] += 1
        }
        #expect(minutes.values.allSatisfy { $0 <= 3 })
    }

    @Test func waitsDoubleUpToTheCap() {
        let waits = Backoff(first: 10, cap: 100, limit: 5)
        #expect((1...6).map { waits.seconds(after: $0) } == [10, 20, 40, 80, 100, 100])
        #expect(waits.seconds(after: 100_000) == 100 && waits.seconds(after: 0) == 10)
        #expect(Backoff(first: 90, cap: 60, limit: 0).seconds(after: 1) == 60)
    }

    @Test func whatFailedTogetherDoesNotComeBackTogether() throws {
        var random = try seededRandom()
        var seen: Set<Int> = []
        for _ in 0..<4000 {
            let seconds = Backoff.spread(1000, random: &random)
            #expect((500...1000).contains(seconds))
            seen.insert(seconds)
        }
        // One of 256 steps, from half of it to all of it.
        #expect(seen.count > 200 && seen.min() == 500 && seen.max() == 1000)
        #expect(Backoff.spread(1, random: &random) == 1)
        for _ in 0..<20 { #expect((2...3).contains(Backoff.spread(3, random: &random))) }
        // Without randomness it is all of it.
        var unseeded = RandomGenerator()
        #expect(Backoff.spread(1000, random: &unseeded) == 1000)
    }
}
