/// A database that a ledger is kept in.
///
/// Statements are in the SQL that SQLite and PostgreSQL have in common; parameters are `$1`, `$2`, … and appear for the first
/// time in this order, which is what SQLite numbers them by.
public protocol Database: Sendable {
    /// How errors name it: a file, or a server and its database, without a password.
    var name: String { get }
    /// What the two spell differently.
    var dialect: Dialect { get }

    /// Runs one transaction. No other writing transaction runs meanwhile, from whichever process or station: the audit trail's
    /// head is read and followed under the same lock. What `body` throws rolls all of it back.
    func write<Result>(_ body: (any Session) throws -> Result) throws -> Result

    /// Reads from one consistent state, beside whoever writes.
    func read<Result>(_ body: (any Session) throws -> Result) throws -> Result
}

/// What runs statements within one transaction.
public protocol Session {
    /// - Returns: the rows of its result; none for a statement without one.
    @discardableResult
    func run(_ statement: String, _ values: [SQLValue]) throws -> [SQLRow]

    /// Runs a query and hands out row by row, so that a result of any size takes the memory of one row or of a few.
    func forEachRow(_ query: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws
}

extension Session {
    @discardableResult
    func run(_ statement: String) throws -> [SQLRow] { try run(statement, []) }
}

public enum Dialect: Sendable {
    case sqlite, postgreSQL
}
