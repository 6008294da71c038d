/// A batch in one consistent state of the ledger, whoever writes meanwhile.
public struct BatchReader {
    let name: String
    let session: any Session

    /// - Returns: nil if there is no such batch.
    public func figures() throws -> BatchFigures? {
        guard let batch = try one("SELECT quota, planned_at FROM batches WHERE name = $1") else { return nil }
        var states: [String: Int] = [:]
        for row in try session.run(
            """
            SELECT \(DeviceState.sql) AS name, count(*) AS number FROM devices d \(DeviceState.join)
            WHERE d.batch = $1 GROUP BY \(DeviceState.sql)
            """, [.text(name)])
        {
            let state = try NamedCount(row)
            states[state.name] = state.count
        }
        let firstPass = try one(
            """
            SELECT count(*) AS number FROM devices d JOIN attempts a ON a.serial = d.serial AND a.number = d.attempt
            WHERE d.batch = $1 AND a.number = 1 AND a.tries = 1 AND a.state IN ('verified', 'retired')
            """)
        let work = try one(
            """
            SELECT count(*) AS attempts, sum(a.tries - 1) AS retries, min(a.started_at) AS first, max(a.finished_at) AS last
            FROM attempts a JOIN devices d ON d.serial = a.serial WHERE d.batch = $1 AND a.tries > 0
            """)
        return BatchFigures(
            name: name, quota: try batch.integerIfAny("quota"), states: states,
            firstPass: try firstPass?.integer("number") ?? 0, attempts: try work?.integer("attempts") ?? 0,
            retries: try work?.integerIfAny("retries") ?? 0, plannedAt: try batch.text("planned_at"),
            startedAt: try work?.integerIfAny("first").map { Timestamp(milliseconds: $0) },
            finishedAt: try work?.integerIfAny("last").map { Timestamp(milliseconds: $0) }, cycle: try cycleTime(),
            causes: try session.run(
                """
                SELECT COALESCE(a.cause, '') AS name, count(*) AS number
                FROM attempts a JOIN devices d ON d.serial = a.serial
                WHERE d.batch = $1 AND \(Attempt.failureSQL) GROUP BY COALESCE(a.cause, '') ORDER BY number DESC, name
                """, [.text(name)]
            ).map { try NamedCount($0) },
            stations: try shares("a.station"), ports: try shares("COALESCE(a.port, '')"),
            people: try shares("a.operator"))
    }

    /// The names of all `x-…` columns that a device of it has, sorted.
    public func carriedColumns() throws -> [String] {
        var names: Set<String> = []
        try session.forEachRow("SELECT serial, columns FROM devices WHERE batch = $1", [.text(name)]) { row in
            for name in try DeviceRecord.columns(row).keys where name.hasPrefix("x-") { names.insert(name) }
        }
        return names.sorted()
    }

    /// Hands out device after device, by serial.
    public func forEachDevice(_ body: (DeviceRecord) throws -> Void) throws {
        try session.forEachRow("\(DeviceRecord.query) WHERE d.batch = $1 ORDER BY d.serial", [.text(name)]) {
            try body(DeviceRecord($0))
        }
    }

    /// The trail's last entry in that state.
    public func auditHead() throws -> AuditHead { try AuditHead.read(session) }

    private func cycleTime() throws -> BatchFigures.CycleTime? {
        let verified = """
            FROM attempts a JOIN devices d ON d.serial = a.serial AND d.attempt = a.number
            WHERE d.batch = $1 AND a.state IN ('verified', 'retired') AND a.finished_at IS NOT NULL
            """
        guard let count = try one("SELECT count(*) AS number \(verified)")?.integer("number"), count > 0 else {
            return nil
        }
        func percentile(_ percent: Int) throws -> Int {
            let rank = (count * percent + 99) / 100
            return try session.run(
                "SELECT a.finished_at - a.started_at AS cycle \(verified) ORDER BY cycle LIMIT 1 OFFSET $2",
                [.text(name), SQLValue(max(rank - 1, 0))]
            ).first?.integer("cycle") ?? 0
        }
        return BatchFigures.CycleTime(median: try percentile(50), percentile95: try percentile(95))
    }

    /// - Parameter column: SQL, of this file.
    private func shares(_ column: String) throws -> [BatchFigures.Share] {
        try session.run(
            """
            SELECT \(column) AS name, count(*) AS attempts,
                sum(CASE WHEN a.state IN ('verified', 'retired') THEN 1 ELSE 0 END) AS verified,
                sum(CASE WHEN \(Attempt.failureSQL) THEN 1 ELSE 0 END) AS failed
            FROM attempts a JOIN devices d ON d.serial = a.serial
            WHERE d.batch = $1 AND a.tries > 0 GROUP BY \(column) ORDER BY name
            """, [.text(name)]
        ).map { row in
            BatchFigures.Share(
                name: try row.text("name"), attempts: try row.integer("attempts"),
                verified: try row.integer("verified"), failed: try row.integer("failed"))
        }
    }

    private func one(_ query: String) throws -> SQLRow? { try session.run(query, [.text(name)]).first }
}

extension Ledger {
    /// Reads all there is of a batch from one consistent state.
    public func readBatch<Result>(_ name: String, _ body: (BatchReader) throws -> Result) throws -> Result {
        try database.read { try body(BatchReader(name: name, session: $0)) }
    }
}
