import Bytes
import PKIX
import SCEP

/// What a device knows of the time, from its own clock, its operator, its CA and the servers that it met.
///
/// A clock that was set is exact. All else says only that it is no earlier: what the operator wrote down, when the
/// certificates and lists began that the CA signed, and the Date of a reply, which nobody has signed and which is
/// therefore forgotten at power-off.
struct Timekeeper {
    /// Clocks of a device and its CA may differ by so many seconds.
    private static var tolerance: Int64 { Moment.tolerance }

    /// Seconds since 1970 that are proven to have passed, 0 if none: what is kept over power-offs.
    private(set) var floor: Int64 = 0
    /// The last Date of this run, less the uptime in seconds when it came: one that was a lie is made good by the next.
    private var hint: Int64?
    private var clock: Int64?
    /// Seconds since start-up.
    private var uptime: Int64 = 0
    /// Milliseconds since start-up, their lower half, and how often in a row they were the same.
    private var lastUptime: UInt32 = 0
    private var updatesAtLastUptime: UInt32 = 0

    /// Takes the time from the board.
    ///
    /// - Parameters:
    ///   - clock: seconds since 1970, if the board knows.
    ///   - uptime: milliseconds since start-up.
    mutating func update(clock: Int64?, uptime: UInt64) {
        self.clock = clock
        self.uptime = Int64(bitPattern: seconds(uptime))
        let milliseconds = UInt32(truncatingIfNeeded: uptime)
        updatesAtLastUptime = milliseconds == lastUptime ? updatesAtLastUptime &+ 1 : 0
        lastUptime = milliseconds
    }

    /// Takes note that the board has slept, and was called for that: it does not come back at once a thousand times.
    mutating func slept() { updatesAtLastUptime &+= 999 }

    /// Whether the uptime stands still. A main loop that calls again and again takes far fewer steps even in the hundredth of a
    /// second that an RTOS counts by.
    var standsStill: Bool { updatesAtLastUptime >= 1_000_000 }

    /// Takes note that it is no earlier than `time`, which was authenticated.
    mutating func raiseFloor(to time: Int64) { floor = max(floor, time) }

    /// Takes note of the Date of a reply.
    mutating func note(date: Int64) {
        hint = date &- uptime
    }

    /// Whether the board's clock runs behind what is proven: it lost the time, or was set back.
    var isClockBehind: Bool {
        guard let clock else { return false }
        return clock < floor &- Self.tolerance
    }

    /// Whether a reply would tell more than is known.
    var wantsHint: Bool { hint == nil && !isExact }

    private var isExact: Bool { clock != nil && !isClockBehind }

    var moment: Moment {
        @inline(never) get {
            if let clock, !isClockBehind { return .exact(clock) }
            var lowest = floor
            if let hint { lowest = max(lowest, hint &+ uptime) }
            return lowest > 0 ? .atLeast(lowest) : .unknown
        }
    }

    /// The time without what nobody signed, in seconds since 1970: the clock's, or the floor.
    var certain: Int64 { if case .exact(let now) = moment { now } else { floor } }

    /// So many seconds from now, in seconds since 1970; 0 if the board's clock cannot be told by.
    func later(seconds: Int) -> Int64 {
        guard case .exact(let now) = moment else { return 0 }
        return now &+ Int64(bitPattern: widened(UInt32(truncatingIfNeeded: seconds)))
    }

    /// Milliseconds in seconds: by 32-bit divisions, of which there are enough for 136 years.
    private func seconds(_ milliseconds: UInt64) -> UInt64 {
        let (high, low) = (UInt32(truncatingIfNeeded: milliseconds &>> 32), UInt32(truncatingIfNeeded: milliseconds))
        // 2^32 = 4294967 × 1000 + 296
        let rest = high &* 296 &+ low % 1000
        return widened(high &* 4_294_967 &+ low / 1000 &+ rest / 1000)
    }
}
