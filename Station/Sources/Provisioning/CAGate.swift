import Foundation

/// Lets enrolments through to the CA: no more at a time than there are places, no more in a second than the rate, and none for a
/// while when the CA is away, so that a thousand devices do not each find out for themselves.
public final class CAGate: @unchecked Sendable {
    private let condition = NSCondition()
    private let interval: TimeInterval
    private var places: Int
    private var nextStart = TimeInterval.zero
    /// Enrolments in a row that did not reach the CA.
    private var failures = 0
    private var closedUntil = TimeInterval.zero
    private var isStopped = false

    /// - Parameters:
    ///   - places: enrolments at a time.
    ///   - rate: enrolments in a second; nil for any number.
    public init(places: Int, rate: Double? = nil) {
        self.places = places
        interval = rate.map { 1 / $0 } ?? 0
    }

    /// By the machine's uptime, which does not jump.
    private var now: TimeInterval { ProcessInfo.processInfo.systemUptime }

    /// Waits for a place.
    ///
    /// - Returns: false if the station is to end: no place was taken.
    public func enter() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped {
            let wait = max(nextStart, closedUntil) - now
            if places > 0, wait <= 0 {
                places -= 1
                nextStart = max(nextStart, now - interval) + interval
                return true
            }
            _ = condition.wait(until: Date(timeIntervalSinceNow: places > 0 ? min(wait, 1) : 1))
        }
        return false
    }

    /// Takes a place, if one is to be had now.
    public func tryToEnter() -> Bool {
        condition.withLock {
            guard !isStopped, places > 0, max(nextStart, closedUntil) <= now else { return false }
            places -= 1
            nextStart = max(nextStart, now - interval) + interval
            return true
        }
    }

    /// Gives the place back.
    ///
    /// - Parameter reachedCA: whether the CA answered; if it did not, all wait: 1 s, then twice as long each time, 60 s at most.
    public func leave(reachedCA: Bool) {
        condition.lock()
        places += 1
        if reachedCA {
            failures = 0
            closedUntil = 0
        } else if now >= closedUntil {
            // Those that were under way when the CA went away come back together, and count once.
            failures += 1
            closedUntil = now + min(60, pow(2, Double(min(failures, 7) - 1)))
        }
        condition.broadcast()
        condition.unlock()
    }

    /// Whether the CA is away, as far as is known.
    public var isClosed: Bool { condition.withLock { closedUntil > now } }

    /// Has whoever waits give up.
    public func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
    }
}
