import Ledger
import Synchronization

/// A database that goes away when it is told to: what is asked of it meanwhile fails, before or after it was done.
public final class AwayDatabase: Database {
    public enum Mode: Sendable {
        case here
        case away
        /// The next transaction is committed, and the answer is lost.
        case answerLost
    }

    private let database: any Database
    private let state = Mutex(Mode.here)

    public init(_ database: any Database) { self.database = database }

    public var mode: Mode {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    public var name: String { database.name }
    public var dialect: Dialect { database.dialect }

    public func write<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        let mode = self.mode
        guard mode != .away else { throw LedgerError.unavailable("away") }
        let result = try database.write(body)
        guard mode == .here else {
            self.mode = .away
            throw LedgerError.unavailable("the answer was lost")
        }
        return result
    }

    public func read<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        guard mode == .here else { throw LedgerError.unavailable("away") }
        return try database.read(body)
    }
}
