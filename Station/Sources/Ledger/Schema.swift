/// The tables, version by version. A version that was released is never changed: what comes next is a migration behind it.
enum Schema {
    /// The version that this program writes.
    static var version: Int { migrations.count }

    private static let migrations: [@Sendable (Dialect) -> [String]] = [first]

    /// Makes the tables, or brings them up to date.
    static func migrate(_ database: any Database) throws {
        // Who may only read has nothing to bring up to date.
        guard try database.read({ try version($0, database) }) != version else { return }
        try database.write { session in
            let found = try version(session, database)
            guard found <= version else { throw LedgerError.newer(version: found, known: version) }
            guard found < version else { return }
            for migration in migrations[found...] {
                for statement in migration(database.dialect) { try session.run(statement) }
            }
            try session.run(
                found == 0 ? "INSERT INTO ledger (version) VALUES ($1)" : "UPDATE ledger SET version = $1",
                [
                    SQLValue(version)
                ])
        }
    }

    /// 0 for an empty database.
    private static func version(_ session: any Session, _ database: any Database) throws -> Int {
        let tables = try session.run(
            database.dialect == .sqlite
                ? "SELECT name FROM sqlite_master WHERE type = 'table'"
                : "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"
        ).map { try $0.text("name") }
        guard !tables.isEmpty else { return 0 }
        guard tables.contains("ledger"), tables.contains("audit") else { throw LedgerError.foreign(database.name) }
        guard let row = try session.run("SELECT version FROM ledger").first else {
            throw LedgerError.damaged("the table ledger is empty")
        }
        return try row.integer("version")
    }

    @Sendable private static func first(_ dialect: Dialect) -> [String] {
        [
            "CREATE TABLE ledger (version BIGINT NOT NULL)",
            """
            CREATE TABLE batches (
                name TEXT PRIMARY KEY,
                quota BIGINT,
                planned_at TEXT NOT NULL
            )
            """,
            """
            CREATE TABLE devices (
                serial TEXT PRIMARY KEY,
                batch TEXT NOT NULL REFERENCES batches (name),
                profile TEXT,
                part TEXT,
                port TEXT,
                label TEXT,
                columns TEXT NOT NULL,
                planned TEXT NOT NULL,
                attempt BIGINT NOT NULL DEFAULT 0
            )
            """,
            "CREATE INDEX devices_of_batch ON devices (batch, serial)",
            """
            CREATE TABLE attempts (
                serial TEXT NOT NULL REFERENCES devices (serial),
                number BIGINT NOT NULL,
                state TEXT NOT NULL,
                station TEXT NOT NULL,
                operator TEXT NOT NULL,
                port TEXT,
                claim TEXT NOT NULL,
                claimed_until BIGINT NOT NULL,
                key_station TEXT,
                public_key TEXT,
                transaction_id TEXT,
                fingerprint TEXT,
                tries BIGINT NOT NULL DEFAULT 1,
                may_have_certificate BIGINT NOT NULL DEFAULT 0,
                cause TEXT,
                sentence TEXT,
                reason TEXT,
                started_at BIGINT NOT NULL,
                finished_at BIGINT,
                PRIMARY KEY (serial, number)
            )
            """,
            // Two stations, or two ports, never have one device at once, whatever the program does.
            """
            CREATE UNIQUE INDEX one_open_attempt ON attempts (serial)
                WHERE state IN ('claimed', 'key', 'requested', 'pending', 'issued', 'delivered')
            """,
            "CREATE INDEX attempts_by_state ON attempts (state)",
            "CREATE INDEX attempts_by_end ON attempts (finished_at)",
            """
            CREATE TABLE certificates (
                fingerprint TEXT PRIMARY KEY,
                serial TEXT NOT NULL REFERENCES devices (serial),
                attempt BIGINT NOT NULL,
                serial_number TEXT NOT NULL,
                subject TEXT NOT NULL,
                issuer TEXT NOT NULL,
                not_before BIGINT NOT NULL,
                not_after BIGINT NOT NULL,
                der TEXT NOT NULL,
                status TEXT NOT NULL,
                recorded_at BIGINT NOT NULL
            )
            """,
            "CREATE UNIQUE INDEX one_live_certificate ON certificates (serial) WHERE status = 'live'",
            "CREATE INDEX certificates_by_end ON certificates (not_after)",
            """
            CREATE TABLE audit (
                seq BIGINT PRIMARY KEY,
                prev TEXT NOT NULL UNIQUE,
                at TEXT NOT NULL,
                station TEXT NOT NULL,
                actor TEXT NOT NULL,
                action TEXT NOT NULL,
                subject TEXT NOT NULL,
                detail TEXT NOT NULL,
                digest TEXT NOT NULL
            )
            """,
            "CREATE INDEX audit_of_subject ON audit (subject, seq)",
            """
            CREATE TABLE checkpoints (
                station TEXT NOT NULL,
                seq BIGINT NOT NULL,
                digest TEXT NOT NULL,
                signature TEXT NOT NULL,
                PRIMARY KEY (station, seq)
            )
            """,
        ] + appendOnly(dialect, "audit") + appendOnly(dialect, "checkpoints")
    }

    /// Neither a program nor a person at the database's console changes what is there by mistake. Whoever may drop a trigger
    /// still can: that is what the chain and its checkpoints are for.
    private static func appendOnly(_ dialect: Dialect, _ table: String) -> [String] {
        switch dialect {
        case .sqlite:
            ["UPDATE", "DELETE"].map { action in
                """
                CREATE TRIGGER \(table)_no_\(action.lowercased()) BEFORE \(action) ON \(table)
                BEGIN SELECT RAISE(ABORT, 'the table \(table) is append-only'); END
                """
            } + [
                // INSERT OR REPLACE deletes without asking the trigger above.
                """
                CREATE TRIGGER \(table)_no_replace BEFORE INSERT ON \(table)
                WHEN EXISTS (SELECT 1 FROM \(table) WHERE seq = NEW.seq\(table == "audit" ? " OR prev = NEW.prev" : " AND station = NEW.station"))
                BEGIN SELECT RAISE(ABORT, 'the table \(table) is append-only'); END
                """
            ]
        case .postgreSQL:
            [
                """
                CREATE FUNCTION \(table)_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
                $body$ BEGIN RAISE EXCEPTION 'the table \(table) is append-only'; END $body$
                """,
                """
                CREATE TRIGGER \(table)_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON \(table)
                EXECUTE FUNCTION \(table)_is_append_only()
                """,
            ]
        }
    }
}
