import CPostgreSQL
import Foundation

/// A connection to a server of PostgreSQL, for one thread at a time.
final class PostgreSQLConnection: Session {
    private let connection: OpaquePointer
    private let name: String

    init(address: String, name: String) throws(LedgerError) {
        self.name = name
        // Times of a network that went away in silence: a station waits for minutes at most, not for TCP's hours.
        let settings = [
            ("dbname", address), ("connect_timeout", "10"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "30000"), ("application_name", "scep-station"),
            ("client_encoding", "UTF8"), ("options", "-c lock_timeout=60s -c synchronous_commit=on"),
        ]
        let opened = withCStrings(settings.map(\.0)) { names in
            withCStrings(settings.map(\.1)) { values in PQconnectdbParams(names, values, 1) }
        }
        guard let opened else { throw .unavailable("\(name): no memory for a connection") }
        guard PQstatus(opened) == CONNECTION_OK else {
            let error = Self.failure(name, String(cString: PQerrorMessage(opened)))
            PQfinish(opened)
            throw error
        }
        connection = opened
        // Notices are for a server's log.
        _ = PQsetNoticeReceiver(connection, { _, _ in }, nil)
    }

    deinit { PQfinish(connection) }

    /// What errors name the database: server, port, name; never a password.
    static func name(of address: String) throws(LedgerError) -> String {
        var problem: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(address, &problem) else {
            let what = problem.map { String(cString: $0) } ?? "no memory"
            PQfreemem(problem)
            // libpq's sentence repeats parts of the address, in which a password may stand.
            throw .notOpened(
                address.lowercased().contains("password") || address.contains("@")
                    ? "this is no address of a PostgreSQL database"
                    : "this is no address of a PostgreSQL database: \(what.trimmingCharacters(in: .newlines))")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        guard values["password"] == nil else {
            throw .notOpened(
                "a password in the ledger's address is seen by every user of this machine: put it into the file that "
                    + "passfile= names, ~/.pgpass by default")
        }
        let host = values["host"] ?? values["hostaddr"] ?? "this machine"
        return "\(values["dbname"] ?? values["user"] ?? "the database") on \(host)"
            + (values["port"].map { ":\($0)" } ?? "")
    }

    var isBroken: Bool { PQstatus(connection) != CONNECTION_OK || PQtransactionStatus(connection) != PQTRANS_IDLE }

    func transaction<Result>(_ begin: String, _ body: () throws -> Result) throws -> Result {
        try run(begin, [])
        do {
            let result = try body()
            try run("COMMIT", [])
            return result
        } catch {
            // Where this does not work either, the connection is broken, and the server ends the transaction with it.
            _ = try? run("ROLLBACK", [])
            throw error
        }
    }

    @discardableResult
    func run(_ statement: String, _ values: [SQLValue]) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try send(statement, values)
        try receive { rows.append($0) }
        return rows
    }

    func forEachRow(_ query: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
        try send(query, values)
        PQsetSingleRowMode(connection)
        try receive(body)
    }

    private func send(_ statement: String, _ values: [SQLValue]) throws(LedgerError) {
        let texts = values.map(\.parameter)
        let types = values.map(\.type)
        let sent = withCStrings(texts) { pointers in
            PQsendQueryParams(connection, statement, Int32(values.count), types, pointers, nil, nil, 0)
        }
        guard sent == 1 else { throw failure }
    }

    /// Receives all of a statement's results, also where `body` throws: the connection is ready for the next then.
    private func receive(_ body: (SQLRow) throws -> Void) throws {
        var failed: (any Error)?
        while let result = PQgetResult(connection) {
            defer { PQclear(result) }
            guard failed == nil else { continue }
            do {
                switch PQresultStatus(result) {
                case PGRES_COMMAND_OK: break
                case PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE: try rows(of: result, body)
                default: throw refusal(result)
                }
            } catch {
                failed = error
            }
        }
        if let failed { throw failed }
        guard PQstatus(connection) == CONNECTION_OK else { throw failure }
    }

    private func rows(of result: OpaquePointer, _ body: (SQLRow) throws -> Void) throws {
        let count = PQnfields(result)
        let columns = (0..<count).map { String(cString: PQfname(result, $0)) }
        for row in 0..<PQntuples(result) {
            let values = try (0..<count).map { column throws(LedgerError) -> SQLValue in
                guard PQgetisnull(result, row, column) == 0 else { return .null }
                let text = String(cString: PQgetvalue(result, row, column))
                guard Self.numbers.contains(PQftype(result, column)) else { return .text(text) }
                guard let number = Int64(text) else { throw .damaged("'\(text)' is no whole number") }
                return .integer(number)
            }
            try body(SQLRow(columns: columns, values: values))
        }
    }

    /// int8, int2, int4, and the numeric that sums of int8 are.
    private static let numbers: Set<Oid> = [20, 21, 23, 1700]

    private func refusal(_ result: OpaquePointer) -> LedgerError {
        let message = String(cString: PQresultErrorMessage(result)).trimmingCharacters(in: .whitespacesAndNewlines)
        // SQLSTATE: PostgreSQL's documentation, appendix A.
        let state = PQresultErrorField(result, 67 /* PG_DIAG_SQLSTATE, 'C' */).map { String(cString: $0) } ?? ""
        if state == "53100" { return .full(name) }
        // Connections, resources, operators that end the server, locks, serialization.
        if ["08", "53", "57", "40"].contains(state.prefix(2)) || state == "55P03" || state.isEmpty {
            return .unavailable("\(name): \(message)")
        }
        // insufficient_privilege, read_only_sql_transaction
        if state == "42501" || state == "25006" { return .readOnly("\(name): \(message)") }
        if state.hasPrefix("XX") { return .damaged("\(name): \(message)") }
        return .refused(message)
    }

    private var failure: LedgerError { Self.failure(name, String(cString: PQerrorMessage(connection))) }

    private static func failure(_ name: String, _ message: String) -> LedgerError {
        .unavailable("\(name): \(message.trimmingCharacters(in: .whitespacesAndNewlines))")
    }
}

extension SQLValue {
    fileprivate var parameter: String? {
        switch self {
        case .null: nil
        case .integer(let number): String(number)
        case .text(let text): text
        }
    }

    /// An object identifier of pg_type: int8, text; 0 lets the server find out.
    fileprivate var type: Oid {
        switch self {
        case .null: 0
        case .integer: 20
        case .text: 25
        }
    }
}

/// Lends an array of C strings that ends in a null pointer.
private func withCStrings<Result>(
    _ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    let pointers = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: texts.count + 1)
    defer {
        for index in texts.indices { free(UnsafeMutablePointer(mutating: pointers[index])) }
        pointers.deallocate()
    }
    for (index, text) in texts.enumerated() { pointers[index] = text.flatMap { UnsafePointer(strdup($0)) } }
    pointers[texts.count] = nil
    return body(pointers)
}
