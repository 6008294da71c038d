/// What a board knows of time.
public protocol Clock: ~Copyable {
    /// Milliseconds since start-up; never goes backwards.
    var uptime: UInt64 { get }

    /// Seconds since 1970-01-01T00:00:00Z, or nil on a board that was not told the time.
    var time: Int64? { get }

    /// Waits, and lets the board save power meanwhile.
    mutating func sleep(milliseconds: UInt64)
}

/// The time that a clock shows, unless it shows that it lost its power: it begins in 1970 then, or in 2000, and not in 2025 or
/// later.
///
/// - Parameter seconds: since 1970-01-01T00:00:00Z.
/// - Returns: nil where the time is as good as not known.
public func plausible(time seconds: Int64) -> Int64? {
    let firstOf2025: Int64 = 1_735_689_600
    return seconds < firstOf2025 ? nil : seconds
}
