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
            boardAlive()
            cpuWait()
        }
    }
}
