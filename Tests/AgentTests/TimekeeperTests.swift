import SCEP
import Testing

@testable import Agent

/// What a device takes for the time, by what it was told.
@Suite struct TimekeeperTests {
    private static let now: Int64 = 1_800_000_000

    private func keeper(clock: Int64? = nil, uptime: UInt64 = 0, floor: Int64 = 0) -> Timekeeper {
        var time = Timekeeper()
        time.raiseFloor(to: floor)
        time.update(clock: clock, uptime: uptime)
        return time
    }

    @Test func nothingIsKnownWithoutAnySource() {
        #expect(keeper().moment == .unknown)
        #expect(keeper().wantsHint)
    }

    @Test func aClockIsExact() {
        #expect(keeper(clock: Self.now).moment == .exact(Self.now))
        #expect(!keeper(clock: Self.now).wantsHint)
    }

    @Test func whatIsProvenIsALowerBound() {
        #expect(keeper(floor: Self.now).moment == .atLeast(Self.now))
        #expect(keeper(floor: Self.now).wantsHint)
    }

    /// 1970, or set back: the clock is not believed, and what is proven counts.
    @Test(arguments: [0, 1000, now - 301]) func aClockBehindWhatIsProvenIsNotUsed(clock: Int64) {
        let time = keeper(clock: clock, floor: Self.now)
        #expect(time.isClockBehind)
        #expect(time.moment == .atLeast(Self.now))
        #expect(time.wantsHint)
    }

    @Test func clocksMayDifferALittle() {
        let time = keeper(clock: Self.now - 300, floor: Self.now)
        #expect(!time.isClockBehind)
        #expect(time.moment == .exact(Self.now - 300))
    }

    /// A Date is a lower bound, which grows with the uptime. The last one counts: one that was a lie is made good.
    @Test func aDateIsALowerBoundThatGrows() {
        var time = keeper(uptime: 5_000)
        time.note(date: Self.now)
        #expect(time.moment == .atLeast(Self.now))
        #expect(!time.wantsHint)
        time.update(clock: nil, uptime: 65_999)
        #expect(time.moment == .atLeast(Self.now + 60))
        time.note(date: Self.now + 100)
        #expect(time.moment == .atLeast(Self.now + 100))
        time.note(date: Self.now + 70)
        #expect(time.moment == .atLeast(Self.now + 70))
    }

    /// Nobody signs a Date, so it is not what the device keeps.
    @Test func aDateIsForgottenAtPowerOff() {
        var time = keeper(floor: Self.now)
        time.note(date: 4_000_000_000)
        #expect(time.floor == Self.now)
        #expect(time.moment == .atLeast(4_000_000_000))
    }

    @Test func aDateDoesNotOverruleTheClock() {
        var time = keeper(clock: Self.now)
        time.note(date: 4_000_000_000)
        #expect(time.moment == .exact(Self.now))
    }

    /// 2^32 milliseconds are 49 days; the division is by halves.
    @Test(arguments: [0, 999, 1000, 4_294_967_295, 4_294_967_296, 4_294_967_999, 31_536_000_000, 3_153_600_000_123])
    func uptimeIsCountedForYears(milliseconds: UInt64) {
        var time = keeper()
        time.note(date: Self.now)
        time.update(clock: nil, uptime: milliseconds)
        #expect(time.moment == .atLeast(Self.now + Int64(milliseconds / 1000)))
    }

    @Test func laterNeedsAClock() {
        #expect(keeper(clock: Self.now).later(seconds: 90) == Self.now + 90)
        #expect(keeper(floor: Self.now).later(seconds: 90) == 0)
    }

    /// What nobody signed is not certain.
    @Test func whatIsCertain() {
        #expect(keeper(clock: Self.now, floor: 1000).certain == Self.now)
        var time = keeper(floor: 1000)
        time.note(date: Self.now)
        #expect(time.certain == 1000)
        #expect(keeper(clock: 500, floor: Self.now).certain == Self.now)
        #expect(keeper().certain == 0)
        // The first second there is counts.
        #expect(keeper(floor: 1).moment == .atLeast(1))
        // What is proven counts where a Date is before it.
        var late = keeper(floor: Self.now)
        late.note(date: 1000)
        #expect(late.moment == .atLeast(Self.now))
    }
}
