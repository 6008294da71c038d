/// What those who look at a line ask for, time and again: answers are short whatever the ledger holds.
extension Ledger {
    /// Of each device its newest attempt: those that stations are at now, the first first; then those that ended last, the last
    /// first.
    ///
    /// - Parameter limit: of each of the two.
    public func latestAttempts(limit: Int) throws -> (underWay: [Attempt], ended: [Attempt]) {
        try database.read { session in
            let open = AttemptState.open.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            let underWay = try session.run(
                """
                SELECT \(Attempt.columns) FROM attempts WHERE state IN (\(open)) AND claimed_until > $1
                ORDER BY started_at, serial LIMIT \(limit)
                """, [SQLValue(try leases.now(session).milliseconds)])
            let ended = try session.run(
                """
                SELECT \(Attempt.columns) FROM attempts WHERE finished_at IS NOT NULL
                    AND number = (SELECT attempt FROM devices WHERE devices.serial = attempts.serial)
                ORDER BY finished_at DESC, serial LIMIT \(limit)
                """, [])
            return (try underWay.map(Attempt.init), try ended.map(Attempt.init))
        }
    }

    /// What came out in one interval.
    public struct Rate: Sendable, Equatable {
        public let from: Timestamp
        public var issued = 0
        public var verified = 0
        public var failed = 0
    }

    /// Certificates that were issued, and attempts that were verified or failed, in intervals since a moment; up to now, without
    /// a gap.
    ///
    /// - Parameter interval: in seconds.
    public func rate(since start: Timestamp, interval: Int) throws -> [Rate] {
        let width = 1000 * interval
        let first = start.milliseconds / width
        let last = max(now().milliseconds / width, first)
        var rates = (first...last).map { Rate(from: Timestamp(milliseconds: $0 * width)) }
        func slot(_ row: SQLRow) throws -> Int? {
            let slot = try row.integer("slot") - first
            // Beyond the last by a clock that was set back.
            return rates.indices.contains(slot) ? slot : nil
        }
        // The width stands in the statements, since GROUP BY has to have the same expression as SELECT.
        try database.read { session in
            for row in try session.run(
                """
                SELECT recorded_at / \(width) AS slot, count(*) AS number FROM certificates WHERE recorded_at >= $1
                GROUP BY recorded_at / \(width)
                """, [SQLValue(first * width)])
            {
                if let slot = try slot(row) { rates[slot].issued = try row.integer("number") }
            }
            for row in try session.run(
                """
                SELECT a.finished_at / \(width) AS slot,
                    sum(CASE WHEN a.state IN ('verified', 'retired') THEN 1 ELSE 0 END) AS verified,
                    sum(CASE WHEN \(Attempt.failureSQL) THEN 1 ELSE 0 END) AS failed
                FROM attempts a WHERE a.finished_at >= $1 GROUP BY a.finished_at / \(width)
                """, [SQLValue(first * width)])
            {
                guard let slot = try slot(row) else { continue }
                rates[slot].verified = try row.integer("verified")
                rates[slot].failed = try row.integer("failed")
            }
        }
        return rates
    }

    /// Attempts that failed since a moment, by ``FailureCause/kind``, the most frequent first.
    public func causes(since start: Timestamp) throws -> [NamedCount] {
        try database.read { session in
            try session.run(
                """
                SELECT COALESCE(a.cause, '') AS name, count(*) AS number FROM attempts a
                WHERE a.finished_at >= $1 AND \(Attempt.failureSQL) GROUP BY COALESCE(a.cause, '')
                ORDER BY number DESC, name
                """, [SQLValue(start.milliseconds)]
            ).map { try NamedCount($0) }
        }
    }

    /// Devices whose serial or label has a text in it, whatever the case of its letters; one whose serial or label it is comes
    /// first.
    ///
    /// - Parameter text: what SQL takes for a pattern in it counts as it stands.
    public func devices(matching text: String, limit: Int) throws -> [DeviceRecord] {
        // No serial has such characters, and libpq would cut the text at the first NUL.
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return [] }
        let pattern = text.reduce(into: "%") { $0 += "\\%_".contains($1) ? "\\\($1)" : "\($1)" } + "%"
        func order(_ serial: String, _ label: String) -> String {
            "CASE WHEN \(serial) = $1 THEN 0 WHEN \(label) = $1 THEN 1 ELSE 2 END, \(serial)"
        }
        return try database.read { session in
            // All there is to say of those alone that are shown.
            try session.run(
                """
                \(DeviceRecord.query)
                WHERE d.serial IN (
                    SELECT serial FROM devices
                    WHERE serial = $1 OR label = $1 OR lower(serial) LIKE lower($2) ESCAPE '\\'
                        OR lower(label) LIKE lower($2) ESCAPE '\\'
                    ORDER BY \(order("serial", "label")) LIMIT \(limit))
                ORDER BY \(order("d.serial", "d.label"))
                """, [.text(text), .text(pattern)]
            ).map { try DeviceRecord($0) }
        }
    }

    /// Nil if no manifest has it.
    public func device(_ serial: String) throws -> DeviceRecord? {
        guard !serial.utf8.contains(0) else { return nil }
        return try database.read { session in
            try session.run("\(DeviceRecord.query) WHERE d.serial = $1", [.text(serial)]).first.map {
                try DeviceRecord($0)
            }
        }
    }

    /// All attempts of a device, the first first.
    public func attempts(of serial: String) throws -> [Attempt] {
        try database.read { session in
            try session.run(
                "SELECT \(Attempt.columns) FROM attempts WHERE serial = $1 ORDER BY number", [.text(serial)]
            ).map(Attempt.init)
        }
    }

    /// The trail's last entries, the last first.
    public func lastAuditEntries(limit: Int) throws -> [AuditEntry] {
        try database.read { session in
            try session.run("SELECT \(AuditEntry.columns) FROM audit ORDER BY seq DESC LIMIT \(limit)").map {
                try AuditEntry.read($0).entry
            }
        }
    }
}
