/// What a board knows of time.
public protocol Clock: ~Copyable {
    /// Milliseconds since start-up; never goes backwards.
    var uptime: UInt64 { get }

    /// Seconds since 1970-01-01T00:00:00Z, or nil on a board that was not told the time.
    var time: Int64? { get }

    /// Waits, and lets the board save power meanwhile.
    mutating func sleep(milliseconds: UInt64)
}
