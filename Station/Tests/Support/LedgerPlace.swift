import Foundation
import Ledger
import TestSupport

/// Where a test's ledger is: tests of the ledger run on both.
public enum LedgerPlace: String, CaseIterable, Sendable {
    case sqlite, postgreSQL

    /// Makes an empty database for `body`, which takes what names it to ``Ledger/open(_:)``.
    public func withAddress(_ body: (String) throws -> Void) throws {
        switch self {
        case .sqlite: try withTemporaryDirectory { try body($0.appending(path: "ledger.db").path) }
        case .postgreSQL: try body(try PostgreSQLServer.shared.get().makeDatabase())
        }
    }

    public func withLedger(_ clock: TestClock = TestClock(), _ body: (Ledger) throws -> Void) throws {
        try withAddress { try body(try open($0, clock)) }
    }

    public func open(_ address: String, _ clock: TestClock = TestClock()) throws -> Ledger {
        switch self {
        case .sqlite: try Ledger(SQLiteDatabase(file: address), now: { clock.now }, leases: clock.leases)
        case .postgreSQL: try Ledger(PostgreSQLDatabase(address: address), now: { clock.now }, leases: clock.leases)
        }
    }

    /// Likewise, with leases as they are outside of tests: by the server's clock, where there is a server.
    public func openAsAStation(_ address: String, _ clock: TestClock) throws -> Ledger {
        switch self {
        case .sqlite: try open(address, clock)
        case .postgreSQL: try Ledger(PostgreSQLDatabase(address: address), now: { clock.now })
        }
    }

    /// Runs a statement as somebody who has the database, but not this program.
    public func tamper(_ address: String, _ statement: String) throws {
        switch self {
        case .sqlite: _ = try runProgram("/usr/bin/sqlite3", ["-bail", address, statement])
        case .postgreSQL:
            let name = address.split(separator: "=").last.map(String.init) ?? ""
            try PostgreSQLServer.shared.get().run(statement, in: name)
        }
    }
}
