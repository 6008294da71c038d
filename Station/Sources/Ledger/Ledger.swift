/// What is planned for each device, how far it came, which certificate it has, and who did what: the record of a factory line.
///
/// Every change is one transaction, with its entry in the audit trail.
public struct Ledger: Sendable {
    public let database: any Database
    /// What is recorded has its moment from here, so that tests can have a clock that jumps.
    let now: @Sendable () -> Timestamp
    /// What leases run out by.
    let leases: LeaseClock

    /// Opens the ledger; an empty database becomes one, an older one is brought up to date.
    ///
    /// - Parameter leases: nil for the database's own.
    public init(
        _ database: any Database, now: @escaping @Sendable () -> Timestamp = { .now }, leases: LeaseClock? = nil
    ) throws {
        self.database = database
        self.now = now
        self.leases = leases ?? LeaseClock(of: database.dialect, machine: now)
        try Schema.migrate(database)
    }

    /// Opens what an address names: `postgresql://…` or another connection string of libpq, or else a file.
    ///
    /// - Parameter mayBeAway: whether a server that cannot be reached is no error yet: each use of the ledger tries again.
    public static func open(_ address: String, mayBeAway: Bool = false) throws -> Ledger {
        let isServer =
            address.hasPrefix("postgresql://") || address.hasPrefix("postgres://") || address.contains("dbname=")
        guard isServer else {
            return try ReadOnlySQLiteDatabase.isNeeded(address)
                ? Ledger(ReadOnlySQLiteDatabase(file: address)) : Ledger(SQLiteDatabase(file: address))
        }
        let server = try PostgreSQLDatabase(address: address)
        do {
            return try Ledger(server)
        } catch LedgerError.unavailable where mayBeAway {
            return Ledger(unopened: server)
        }
    }

    private init(unopened database: any Database) {
        self.database = UnopenedDatabase(database)
        now = { .now }
        leases = LeaseClock(of: database.dialect)
    }
}

/// Who changes the ledger.
public struct Actor: Sendable, Equatable, Codable {
    /// The station's name.
    public let station: String
    /// The person's: who works at the station, or asked for this.
    public let person: String

    public init(station: String, person: String) {
        self.station = station
        self.person = person
    }
}
