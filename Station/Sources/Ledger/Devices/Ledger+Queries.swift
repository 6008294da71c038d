/// A certificate of the ledger, and what became of it.
public struct RecordedCertificate: Sendable, Equatable {
    public let serial: String
    public let attempt: Int
    /// SHA-256, hexadecimal.
    public let fingerprint: String
    public let serialNumber: String
    public let subject: String
    public let issuer: String
    /// Seconds since 1970.
    public let notBefore: Int
    public let notAfter: Int
    /// Base64.
    public let der: String
    /// `live`, `superseded` by a rework, `scrapped` or `retired` with its device.
    public let status: String

    init(_ row: SQLRow) throws {
        serial = try row.text("serial")
        attempt = try row.integer("attempt")
        fingerprint = try row.text("fingerprint")
        serialNumber = try row.text("serial_number")
        subject = try row.text("subject")
        issuer = try row.text("issuer")
        notBefore = try row.integer("not_before")
        notAfter = try row.integer("not_after")
        der = try row.text("der")
        status = try row.text("status")
    }
}

extension Ledger {
    /// The certificates that a device ever had, the first first.
    public func certificates(of serial: String) throws -> [RecordedCertificate] {
        try database.read { session in
            try session.run(
                """
                SELECT serial, attempt, fingerprint, serial_number, subject, issuer, not_before, not_after, der, status
                FROM certificates WHERE serial = $1 ORDER BY attempt
                """, [.text(serial)]
            ).map(RecordedCertificate.init)
        }
    }

    /// What was done to a device, a batch or a station, the first first.
    public func auditEntries(of subject: String) throws -> [AuditEntry] {
        try database.read { session in
            try session.run(
                "SELECT \(AuditEntry.columns) FROM audit WHERE subject = $1 ORDER BY seq", [.text(subject)]
            ).map { try AuditEntry.read($0).entry }
        }
    }
}

/// How far a batch is.
public struct BatchSummary: Sendable, Equatable {
    public let name: String
    public let quota: Int?
    public let planned: Int
    /// How many devices are in which state, by ``DeviceState``'s words.
    public let states: [String: Int]
}

extension Ledger {
    /// All batches, by their names.
    public func batches() throws -> [BatchSummary] {
        try database.read { session in
            var states: [String: [String: Int]] = [:]
            let rows = try session.run(
                """
                SELECT d.batch AS batch, \(DeviceState.sql) AS state, count(*) AS number
                FROM devices d \(DeviceState.join) GROUP BY d.batch, \(DeviceState.sql)
                """)
            for row in rows {
                states[try row.text("batch"), default: [:]][try row.text("state")] = try row.integer("number")
            }
            return try session.run("SELECT name, quota FROM batches ORDER BY name").map { row in
                let name = try row.text("name")
                return BatchSummary(
                    name: name, quota: try row.integerIfAny("quota"),
                    planned: states[name, default: [:]].values.reduce(0, +),
                    states: states[name, default: [:]])
            }
        }
    }

    /// A device's last attempt; nil if it was not begun, or is not planned.
    public func lastAttempt(of serial: String) throws -> Attempt? {
        try database.read { session in
            guard let row = try session.run("SELECT attempt FROM devices WHERE serial = $1", [.text(serial)]).first
            else {
                return nil
            }
            return try attempt(serial, number: row.integer("attempt"), in: session)
        }
    }
}
