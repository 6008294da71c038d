import Foundation

extension Ledger {
    private static let tables: [(name: String, columns: [String])] = [
        ("batches", ["name", "quota", "planned_at"]),
        ("devices", ["serial", "batch", "profile", "part", "port", "label", "columns", "planned", "attempt"]),
        (
            "attempts",
            [
                "serial", "number", "state", "station", "operator", "port", "claim", "claimed_until", "key_station",
                "public_key", "transaction_id", "fingerprint", "tries", "may_have_certificate", "cause", "sentence",
                "reason",
                "started_at", "finished_at",
            ]
        ),
        (
            "certificates",
            [
                "fingerprint", "serial", "attempt", "serial_number", "subject", "issuer", "not_before", "not_after",
                "der",
                "status", "recorded_at",
            ]
        ),
        ("audit", ["seq", "prev", "at", "station", "actor", "action", "subject", "detail", "digest"]),
        ("checkpoints", ["station", "seq", "digest", "signature"]),
    ]

    /// Copies the ledger as it is at one moment into a new file, from SQLite as from PostgreSQL, while stations go on with it.
    /// The copy is a ledger itself: it can be verified, reported on, and gone on with.
    ///
    /// - Parameter file: is made; one that is there is not written over.
    public func backUp(to file: String) throws {
        let isNew = !FileManager.default.fileExists(atPath: file)
        do {
            try copy(to: file)
        } catch {
            // Half a backup is none.
            if isNew { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + end) } }
            throw error
        }
    }

    private func copy(to file: String) throws {
        let copy = try Ledger(SQLiteDatabase(file: file), now: now)
        try copy.database.write { target in
            guard try target.run("SELECT 1 AS found FROM batches UNION SELECT 1 FROM audit LIMIT 1").isEmpty else {
                throw LedgerError.notOpened("\(file) holds a ledger already: name another file")
            }
            try database.read { source in
                for (name, columns) in Self.tables {
                    let list = columns.joined(separator: ", ")
                    let places = (1...columns.count).map { "$\($0)" }.joined(separator: ", ")
                    let insert = "INSERT INTO \(name) (\(list)) VALUES (\(places))"
                    try source.forEachRow("SELECT \(list) FROM \(name)", []) { try target.run(insert, $0.values) }
                }
            }
        }
    }
}
