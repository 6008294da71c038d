import GRDB

/// A ledger in one file, for one station: SQLite in WAL mode, every commit synced to the disk.
public final class SQLiteDatabase: Database {
    public let name: String
    public let dialect = Dialect.sqlite
    private let pool: DatabasePool

    /// Opens the file, or makes it.
    public init(file: String) throws(LedgerError) {
        name = file
        var configuration = Configuration()
        configuration.label = "ledger"
        // Another program of the same machine, such as a report, reads or plans meanwhile.
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { database in
            // A commit that was told has to survive a power cut; NORMAL, the default with WAL, loses the last ones.
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        do {
            pool = try DatabasePool(path: file, configuration: configuration)
        } catch {
            throw LedgerError(error, opening: file)
        }
    }

    public func write<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        try named {
            try pool.writeWithoutTransaction { database in
                var result: Result?
                try database.inTransaction(.immediate) {
                    result = try body(SQLiteSession(database: database))
                    return .commit
                }
                guard let result else { throw LedgerError.refused("a transaction ended early") }
                return result
            }
        }
    }

    public func read<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        try named { try pool.read { try body(SQLiteSession(database: $0)) } }
    }

    private func named<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw LedgerError(error, opening: name)
        }
    }
}

struct SQLiteSession: Session {
    let database: GRDB.Database

    func run(_ statement: String, _ values: [SQLValue]) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try forEachRow(statement, values) { rows.append($0) }
        return rows
    }

    func forEachRow(_ query: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
        let statement = try database.cachedStatement(sql: query)
        let arguments = StatementArguments(values.map(\.databaseValue))
        let columns = statement.columnNames
        guard !columns.isEmpty else { return try statement.execute(arguments: arguments) }
        let cursor = try Row.fetchCursor(statement, arguments: arguments)
        while let row = try cursor.next() {
            try body(SQLRow(columns: columns, values: row.databaseValues.map { try SQLValue($0) }))
        }
    }
}

extension SQLValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .text(let text): text.databaseValue
        }
    }

    fileprivate init(_ value: DatabaseValue) throws(LedgerError) {
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(number)
        case .string(let text): self = .text(text)
        case .double, .blob: throw .damaged("a column is neither text nor a whole number")
        }
    }
}

extension LedgerError {
    private static let fullDisk: [ResultCode] = [
        .SQLITE_IOERR_WRITE, .SQLITE_IOERR_SHMSIZE, .SQLITE_IOERR_TRUNCATE, .SQLITE_IOERR_FSYNC,
        .SQLITE_IOERR_DIR_FSYNC,
    ]

    init(_ error: any Error, opening file: String) {
        guard let error = error as? DatabaseError else {
            self = error as? LedgerError ?? .notOpened("\(file): \(error)")
            return
        }
        let what = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .unavailable("\(file): another program keeps it locked")
        case .SQLITE_FULL: self = .full(file)
        // A quota, what a process may write, a disk that is full where SQLite does not ask why.
        case .SQLITE_IOERR where Self.fullDisk.contains(error.extendedResultCode):
            self = .full("\(file), or it takes no more (\(what))")
        case .SQLITE_IOERR: self = .unavailable("\(file): the disk failed: \(what)")
        case .SQLITE_READONLY: self = .readOnly(file)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: self = .notOpened("\(file): \(what)")
        case .SQLITE_NOTADB: self = .foreign(file)
        case .SQLITE_CORRUPT: self = .damaged("\(file): \(what)")
        default: self = .refused(what)
        }
    }
}
