import BareMetal
import Board
import Bytes

/// The real-time clock, a "goldfish", which counts nanoseconds since 1970.
struct RealTimeClock: Clock, ~Copyable {
    private let core = Uptime()

    var uptime: UInt64 { core.uptime }

    /// Nil where nobody has set it: it begins in 1970 then.
    var time: Int64? {
        // The read of the low word keeps the high one.
        let low = Register(0x0010_1000).value
        let high = Register(0x0010_1004).value
        let second: UInt32 = 1_000_000_000
        // After 2106 the seconds have more than 32 bits.
        guard high < second else { return nil }
        let time = second.dividingFullWidth((high, low)).quotient
        let firstOf2025: UInt32 = 1_735_689_600
        return time < firstOf2025 ? nil : Int64(bitPattern: widened(time))
    }

    func sleep(milliseconds: UInt64) { core.sleep(milliseconds: milliseconds) }
}
