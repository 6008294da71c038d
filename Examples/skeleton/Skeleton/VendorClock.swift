import Board
import CVendor

struct VendorClock: Clock {
    var uptime: UInt64 { vendor_uptime() }

    /// Nil as long as nobody set it.
    var time: Int64? {
        let time = vendor_rtc()
        return time > 0 ? time : nil
    }

    func sleep(milliseconds: UInt64) {
        let end = uptime &+ milliseconds
        while uptime < end {
            vendor_feed_watchdog()
            vendor_sleep(1)
        }
    }
}
