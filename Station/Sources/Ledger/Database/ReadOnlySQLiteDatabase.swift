import Foundation
import GRDB

/// A ledger's file that this user, or this disk, lets only be read.
///
/// Whoever writes it may do so meanwhile. It is opened anew for each look: without a journal beside it SQLite is told that nobody
/// changes the file, since it may not make the files beside it by which it would find that out; so that is found out here.
final class ReadOnlySQLiteDatabase: Database {
    let name: String
    let dialect = Dialect.sqlite

    init(file: String) { name = file }

    /// Whether a file is there, and cannot be written, or no file be made beside it.
    static func isNeeded(_ file: String) -> Bool {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        return access(file, F_OK) == 0 && (access(file, W_OK) != 0 || access(folder, W_OK) != 0)
    }

    func write<Result>(_ body: (any Session) throws -> Result) throws -> Result { throw LedgerError.readOnly(name) }

    func read<Result>(_ body: (any Session) throws -> Result) throws -> Result {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(30)
        for _ in 0..<5 {
            let before = state
            let address = before.hasJournal ? name : "file:\(percentEncoded(name))?immutable=1"
            do {
                let result = try DatabaseQueue(path: address, configuration: configuration).read {
                    try body(SQLiteSession(database: $0))
                }
                if before.hasJournal || state == before { return result }
            } catch let error as DatabaseError {
                guard before.hasJournal || state == before else { continue }
                if before.hasJournal, error.resultCode == .SQLITE_CANTOPEN {
                    throw LedgerError.notOpened(
                        "\(name): a station that works with it, or was cut off, has left a journal beside it, which only who may write there can read: have that user run `scep-station status` or `backup`"
                    )
                }
                throw LedgerError(error, opening: name)
            }
        }
        throw LedgerError.unavailable("\(name): it is written all the time")
    }

    private struct State: Equatable {
        let size: Int
        let seconds: Int
        let nanoseconds: Int
        let file: UInt
        let hasJournal: Bool
    }

    private var state: State {
        var (file, journal) = (stat(), stat())
        stat(name, &file)
        let hasJournal = stat(name + "-wal", &journal) == 0 && journal.st_size > 0
        return State(
            size: Int(file.st_size), seconds: file.st_mtim.tv_sec, nanoseconds: file.st_mtim.tv_nsec,
            file: UInt(file.st_ino), hasJournal: hasJournal)
    }

    private func percentEncoded(_ path: String) -> String {
        path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
    }
}
