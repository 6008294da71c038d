import Ledger
import Synchronization

/// A clock that goes by itself, one millisecond a look, and jumps when it is told to.
public final class TestClock: Sendable {
    private let state: Mutex<(uptime: Int, ahead: Int)>

    /// 2026-11-30T12:00:00Z.
    public init() { state = Mutex((1_000_000, 1_796_039_000_000)) }

    public var now: Timestamp {
        state.withLock { state in
            state.uptime += 1
            return Timestamp(milliseconds: state.uptime + state.ahead)
        }
    }

    /// For how long the machine has run: that does not jump.
    public var uptime: Int { state.withLock { $0.uptime } }

    /// Time passes.
    public func move(seconds: Int) { state.withLock { $0.uptime += 1000 * seconds } }

    /// Somebody sets the clock.
    public func jump(seconds: Int) { state.withLock { $0.ahead += 1000 * seconds } }

    /// What leases run out by, without a server that has a time of its own.
    public var leases: LeaseClock { LeaseClock(of: .sqlite, machine: { self.now }, uptime: { self.uptime }) }
}
