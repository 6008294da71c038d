import Board
import CBareMetal

/// Time since start-up, from the processor's own timer. There is no clock that runs without power.
public struct Uptime: Clock, ~Copyable {
    public init() {}

    public var uptime: UInt64 { cpuUptime() }

    public var time: Int64? { nil }

    public func sleep(milliseconds: UInt64) {
        let end = uptime &+ milliseconds
        while uptime < end {
            Self.alive()
            cpuWait()
        }
    }

    nonisolated(unsafe) private static var lastAlive: UInt64 = 0

    /// Feeds the watchdog from a loop that waits, if time has passed since it did last: where the timer stands still no deadline
    /// ever comes, and it is the watchdog that ends the wait.
    public static func alive() {
        let now = cpuUptime()
        guard unsafe now != lastAlive else { return }
        unsafe lastAlive = now
        boardAlive()
    }
}
