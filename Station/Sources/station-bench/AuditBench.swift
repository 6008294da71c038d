import ArgumentParser
import Foundation
import Ledger

/// How long it takes to go through an audit trail.
struct AuditBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Fill a ledger's audit trail, and verify it.")

    @Option var entries = 1_000_000

    func run() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "station-bench-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let ledger = try Ledger(SQLiteDatabase(file: folder.appending(path: "ledger.db").path))
        try ledger.fillAudit(entries, by: Actor(station: "line-1", person: "Ada"))
        let start = Usage.ofThisProcess
        let head = try ledger.verifyAudit()
        let used = Usage.ofThisProcess - start
        print("audit: \(head.sequence) entries verified in \(used.seconds) s of processor time, \(used.wall) s in all")
        guard head.sequence == entries else { throw ExitCode.failure }
    }
}
