import Foundation
import Synchronization

/// The clock that leases run out by: one for all who share a ledger, and none that somebody sets while they work.
///
/// With PostgreSQL that is the server's. With SQLite it is this process's: what the machine's clock said when the process began, and
/// the time that the machine has run since.
public final class LeaseClock: Sendable {
    private let machine: @Sendable () -> Timestamp
    private let uptime: @Sendable () -> Int
    private let isServers: Bool
    /// A moment of the lease clock, and the uptime then.
    private let anchor: Mutex<(moment: Timestamp, uptime: Int)?>

    /// - Parameters:
    ///   - machine: the machine's clock.
    ///   - uptime: milliseconds for which the machine has run.
    ///   - dialect: of the database whose clock counts; SQLite has none.
    public init(
        of dialect: Dialect, machine: @escaping @Sendable () -> Timestamp = { .now },
        uptime: @escaping @Sendable () -> Int = { LeaseClock.machineUptime }
    ) {
        self.machine = machine
        self.uptime = uptime
        isServers = dialect == .postgreSQL
        anchor = Mutex(isServers ? nil : (machine(), uptime()))
    }

    /// Suspended or not.
    public static var machineUptime: Int {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    /// Within a transaction.
    func now(_ session: any Session) throws -> Timestamp {
        guard isServers else { return estimate }
        let before = uptime()
        guard
            let row = try session.run(
                "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS moment"
            ).first
        else { throw LedgerError.damaged("the server tells no time") }
        let moment = Timestamp(milliseconds: try row.integer("moment"))
        anchor.withLock { $0 = (moment, before) }
        return moment
    }

    /// Without the database: by how long ago it was asked; by the machine's clock if it never was.
    var estimate: Timestamp {
        anchor.withLock { anchor in
            guard let anchor else { return machine() }
            return Timestamp(milliseconds: anchor.moment.milliseconds + uptime() - anchor.uptime)
        }
    }
}
