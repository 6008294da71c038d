/// What a device knows of the time, in seconds since 1970-01-01T00:00:00Z.
public enum Moment: Equatable, Sendable {
    case unknown
    /// It is this late, or later: a time that was stored, or that an unauthenticated server told.
    case atLeast(Int64)
    case exact(Int64)

    /// How far the clocks of a device and its CA may differ, in seconds: what begins just now is not refused, with
    /// the one-time password already spent, because the device's clock is late.
    public static var tolerance: Int64 { 300 }

    /// It is no earlier than this; nil when nothing is known.
    public var lowest: Int64? {
        switch self {
        case .unknown: nil
        case .atLeast(let time), .exact(let time): time
        }
    }

    public var isExact: Bool { if case .exact = self { true } else { false } }

    /// Whether `notAfter` is known to be past.
    public func isPast(_ notAfter: Int64) -> Bool {
        switch self {
        case .unknown: false
        case .atLeast(let time), .exact(let time): time > notAfter
        }
    }

    /// Whether `notBefore` is known to be still to come, which only an exact time can tell.
    public func isBefore(_ notBefore: Int64) -> Bool {
        // Taken off a certificate's time, which is far from overflowing, and not added to the clock's.
        if case .exact(let time) = self { notBefore &- Self.tolerance > time } else { false }
    }
}
