extension Ledger {
    /// What the time is, for the record.
    ///
    /// - Throws: ``LedgerError/clockUnset(_:)`` for a time before this program was there.
    func moment() throws -> Timestamp {
        let moment = now()
        guard moment.milliseconds >= 1_767_225_600_000 /* 2026 */ else { throw LedgerError.clockUnset("\(moment)") }
        return moment
    }

    /// Adds an entry behind the last; within the transaction of what it tells of.
    func append(
        _ action: String, _ subject: String, _ detail: [String: JSON?], by actor: Actor, in session: any Session
    ) throws {
        let head = try session.run("SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1").first
        let entry = AuditEntry(
            sequence: try (head?.integer("seq") ?? 0) + 1,
            previous: try head?.text("digest") ?? AuditEntry.beginning, at: "\(try moment())", station: actor.station,
            actor: actor.person, action: action, subject: subject,
            detail: JSON.object(detail.compactMapValues { $0 }).description)
        try session.run(
            """
            INSERT INTO audit (seq, prev, at, station, actor, action, subject, detail, digest)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                SQLValue(entry.sequence), .text(entry.previous), .text(entry.at), .text(entry.station),
                .text(entry.actor),
                .text(entry.action), .text(entry.subject), .text(entry.detail), .text(entry.digest),
            ])
    }
}

extension AuditEntry {
    static let columns = "seq, prev, at, station, actor, action, subject, detail, digest"

    /// - Returns: the entry, and the digest that is stored with it.
    static func read(_ row: SQLRow) throws -> (entry: AuditEntry, stored: String) {
        let entry = AuditEntry(
            sequence: try row.integer("seq"), previous: try row.text("prev"), at: try row.text("at"),
            station: try row.text("station"), actor: try row.text("actor"), action: try row.text("action"),
            subject: try row.text("subject"), detail: try row.text("detail"))
        return (entry, try row.text("digest"))
    }
}
