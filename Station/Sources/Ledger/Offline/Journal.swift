import Foundation

/// What a station did while the shared ledger was away, and which devices are its own until when: a file of the station's.
struct Journal {
    /// A step that is not in the shared ledger yet.
    struct Item: Codable {
        let step: AttemptStep
        let attempt: Attempt
        let actor: Actor
        let at: Timestamp
    }

    private let database: SQLiteDatabase

    init(file: String) throws {
        database = try SQLiteDatabase(file: file)
        try database.write { session in
            try session.run(
                "CREATE TABLE IF NOT EXISTS attempts (serial TEXT PRIMARY KEY, attempt TEXT NOT NULL, is_reserved BIGINT NOT NULL)"
            )
            try session.run(
                "CREATE TABLE IF NOT EXISTS items (number INTEGER PRIMARY KEY, item TEXT NOT NULL, answer TEXT)")
        }
    }

    /// The device's attempt as this station left it.
    func attempt(of serial: String) throws -> Attempt? {
        try database.read { session in
            try session.run("SELECT attempt FROM attempts WHERE serial = $1", [.text(serial)]).first.map {
                try decoded($0.text("attempt"))
            }
        }
    }

    /// - Parameter isReserved: whether it was taken ahead, and nothing was done for it yet.
    func keep(_ attempt: Attempt, isReserved: Bool = false) throws {
        try database.write { session in try keep(attempt, isReserved, session) }
    }

    private func keep(_ attempt: Attempt, _ isReserved: Bool, _ session: any Session) throws {
        try session.run(
            """
            INSERT INTO attempts (serial, attempt, is_reserved) VALUES ($1, $2, $3)
            ON CONFLICT (serial) DO UPDATE SET attempt = excluded.attempt, is_reserved = excluded.is_reserved
            """, [.text(attempt.serial), .text(try encoded(attempt)), isReserved ? 1 : 0])
    }

    /// Devices that were taken ahead.
    func reserved() throws -> [Attempt] {
        try database.read { session in
            try session.run("SELECT attempt FROM attempts WHERE is_reserved = 1 ORDER BY serial").map {
                try decoded($0.text("attempt"))
            }
        }
    }

    func reservedCount() throws -> Int { try count("SELECT count(*) AS number FROM attempts WHERE is_reserved = 1") }

    func isReserved(_ serial: String) throws -> Bool {
        try count("SELECT count(*) AS number FROM attempts WHERE is_reserved = 1 AND serial = $1", [.text(serial)]) > 0
    }

    private func count(_ query: String, _ values: [SQLValue] = []) throws -> Int {
        try database.read { try $0.run(query, values).first?.integer("number") ?? 0 }
    }

    /// Forgets a device that is none of this station's any more.
    func forget(_ serial: String) throws {
        _ = try database.write { try $0.run("DELETE FROM attempts WHERE serial = $1", [.text(serial)]) }
    }

    /// Notes a step that the shared ledger does not have yet, and what the attempt is after it.
    func append(_ item: Item, _ next: Attempt) throws {
        try database.write { session in
            try session.run("INSERT INTO items (item) VALUES ($1)", [.text(try encoded(item))])
            try keep(next, false, session)
        }
    }

    /// The first step that is not up yet.
    func firstPending() throws -> (number: Int, item: Item)? {
        try database.read { session in
            try session.run("SELECT number, item FROM items WHERE answer IS NULL ORDER BY number LIMIT 1").first.map {
                (try $0.integer("number"), try decoded($0.text("item")))
            }
        }
    }

    /// How many steps are not up yet.
    func pendingCount() throws -> Int { try count("SELECT count(*) AS number FROM items WHERE answer IS NULL") }

    /// Notes what the shared ledger said to a step.
    func note(_ answer: String, of number: Int) throws {
        _ = try database.write { session in
            try session.run("UPDATE items SET answer = $1 WHERE number = $2", [.text(answer), SQLValue(number)])
        }
    }

    private func encoded(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    private func decoded<Value: Decodable>(_ text: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw LedgerError.damaged("\(database.name): \(error)")
        }
    }
}
