import CPostgreSQL
import Foundation

/// A ledger that several stations share: a database of PostgreSQL 15, through libpq.
public final class PostgreSQLDatabase: Database {
    public let name: String
    public let dialect = Dialect.postgreSQL
    // Whoever shows what there is does not wait for who writes.
    private let writer: Slot
    private let reader: Slot

    /// Connects with the first use.
    ///
    /// - Parameter address: a URL `postgresql://…` or a connection string of libpq. A password does not belong into it, since
    ///   arguments are seen by every user of the machine, but into the file that `passfile` names.
    public init(address: String) throws(LedgerError) {
        name = try PostgreSQLConnection.name(of: address)
        writer = Slot(address, name)
        reader = Slot(address, name)
    }

    public func write<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        try writer.use { connection in
            try connection.transaction("BEGIN") {
                // Held until the transaction ends; whichever station wants to write waits for it.
                try connection.run("SELECT pg_advisory_xact_lock(8894)", [])
                return try body(connection)
            }
        }
    }

    public func read<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        try reader.use { connection in
            try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { try body(connection) }
        }
    }
}

/// One connection, for one thread at a time, that is made anew when it broke.
private final class Slot: @unchecked Sendable {
    private let address: String
    private let name: String
    private let lock = NSLock()
    private var connection: PostgreSQLConnection?

    init(_ address: String, _ name: String) {
        self.address = address
        self.name = name
    }

    func use<Result>(_ body: (PostgreSQLConnection) throws -> Result) throws -> Result {
        try lock.withLock {
            if connection?.isBroken ?? true { connection = nil }
            let connection = try self.connection ?? PostgreSQLConnection(address: address, name: name)
            self.connection = connection
            return try body(connection)
        }
    }
}
