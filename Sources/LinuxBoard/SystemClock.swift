import Board
import CLinux

/// The system's clocks.
public struct SystemClock: Clock {
    private let start = Self.milliseconds()

    public init() {}

    /// Milliseconds since this value was made.
    public var uptime: UInt64 { Self.milliseconds() &- start }

    /// A board without a battery wakes up in 1970 until somebody tells it the time: as good as not knowing it.
    public var time: Int64? { plausible(time: Int64(Self.read(CLOCK_REALTIME).tv_sec)) }

    public func sleep(milliseconds: UInt64) {
        let end = Self.milliseconds() &+ milliseconds
        var time = timespec()
        time.tv_sec = time_t(truncatingIfNeeded: end / 1000)
        time.tv_nsec = Int(truncatingIfNeeded: end % 1000) &* 1_000_000
        while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    private static func milliseconds() -> UInt64 {
        let now = read(CLOCK_MONOTONIC)
        return UInt64(now.tv_sec) &* 1000 &+ UInt64(now.tv_nsec / 1_000_000)
    }

    private static func read(_ clock: Int32) -> timespec {
        var time = timespec()
        _ = unsafe clock_gettime(clock, &time)
        return time
    }
}
