import Foundation

/// A database that could not be reached when it was opened: before its first use it is looked at, and brought up to date, as at
/// any start.
final class UnopenedDatabase: Database, @unchecked Sendable {
    private let database: any Database
    private let lock = NSLock()
    private var isOpen = false

    init(_ database: any Database) { self.database = database }

    var name: String { database.name }
    var dialect: Dialect { database.dialect }

    func write<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        try open()
        return try database.write(body)
    }

    func read<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        try open()
        return try database.read(body)
    }

    private func open() throws {
        try lock.withLock {
            guard !isOpen else { return }
            try Schema.migrate(database)
            isOpen = true
        }
    }
}
