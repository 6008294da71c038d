import Ledger
import Synchronization

/// A clock that goes by itself, one millisecond a look, and jumps when it is told to.
public final class TestClock: Sendable {
    private let milliseconds: Mutex<Int>

    /// 2026-11-30T12:00:00Z.
    public init() { milliseconds = Mutex(1_796_040_000_000) }

    public var now: Timestamp {
        milliseconds.withLock { now in
            now += 1
            return Timestamp(milliseconds: now)
        }
    }

    public func move(seconds: Int) { milliseconds.withLock { $0 += 1000 * seconds } }
}
