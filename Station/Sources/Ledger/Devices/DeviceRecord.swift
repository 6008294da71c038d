import Foundation

/// What there is to say of a device in one row: what was planned, how far its last attempt came, and that one's certificate.
public struct DeviceRecord: Sendable, Equatable {
    public let serial: String
    public let batch: String
    public let profile: String?
    public let part: String?
    public let label: String?
    /// What else was planned: names of the device's configuration, and `x-…`.
    public let columns: [String: String]
    /// One of ``DeviceState``'s words.
    public let state: String
    public let attempts: Int
    /// Of all attempts: how often it was taken up.
    public let tries: Int
    public let station: String?
    /// The person at that station.
    public let person: String?
    /// Where it was, or is planned to be.
    public let port: String?
    public let cause: String?
    public let sentence: String?
    public let startedAt: Timestamp?
    public let finishedAt: Timestamp?
    public let certificate: RecordedCertificate?
    /// Who saw that it has its certificate; nil for one that is not verified.
    public let verification: Verification?

    /// Whose word it is that a device is verified.
    public struct Verification: Sendable, Equatable {
        /// By what: `event line, by the verify-command`, `event line, by an operator`, `read back at port left`.
        public let means: String
        public let station: String
        /// Who worked at that station.
        public let person: String
    }

    static let query = """
        SELECT d.serial AS serial, d.batch AS batch, d.profile AS profile, d.part AS part, d.label AS label,
            d.columns AS columns, \(DeviceState.sql) AS state, d.attempt AS attempt,
            (SELECT sum(t.tries) FROM attempts t WHERE t.serial = d.serial) AS tries,
            a.station AS station, a.operator AS operator, COALESCE(a.port, d.port) AS port, a.cause AS cause,
            a.sentence AS sentence, a.started_at AS started_at, a.finished_at AS finished_at,
            c.fingerprint AS fingerprint, c.serial_number AS serial_number, c.subject AS subject, c.issuer AS issuer,
            c.not_before AS not_before, c.not_after AS not_after, c.der AS der, c.status AS status,
            v.station AS verified_station, v.actor AS verified_operator, v.detail AS verified_detail
        FROM devices d \(DeviceState.join)
            LEFT JOIN certificates c ON c.fingerprint = a.fingerprint
            LEFT JOIN audit v ON a.state IN ('verified', 'retired')
                AND v.seq = (SELECT max(u.seq) FROM audit u WHERE u.subject = d.serial AND u.action = 'verified')
        """

    init(_ row: SQLRow) throws {
        serial = try row.text("serial")
        batch = try row.text("batch")
        profile = try row.textIfAny("profile")
        part = try row.textIfAny("part")
        label = try row.textIfAny("label")
        columns = try Self.columns(row)
        state = try row.text("state")
        attempts = try row.integer("attempt")
        tries = try row.integerIfAny("tries") ?? 0
        station = try row.textIfAny("station")
        person = try row.textIfAny("operator")
        port = try row.textIfAny("port")
        cause = try row.textIfAny("cause")
        sentence = try row.textIfAny("sentence")
        startedAt = try row.integerIfAny("started_at").map { Timestamp(milliseconds: $0) }
        finishedAt = try row.integerIfAny("finished_at").map { Timestamp(milliseconds: $0) }
        certificate = try row.textIfAny("fingerprint") == nil ? nil : RecordedCertificate(row)
        verification = try row.textIfAny("verified_detail").map { detail in
            struct Detail: Decodable { let by: String }
            guard let detail = try? JSONDecoder().decode(Detail.self, from: Data(detail.utf8)) else {
                throw LedgerError.damaged("the trail does not say how \(try row.text("serial")) was verified")
            }
            return Verification(
                means: detail.by, station: try row.text("verified_station"),
                person: try row.text("verified_operator"))
        }
    }

    static func columns(_ row: SQLRow) throws -> [String: String] {
        let text = try row.text("columns")
        guard text != "{}" else { return [:] }
        guard let columns = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)) else {
            throw LedgerError.damaged("the columns of \(try row.text("serial")) are no object of texts")
        }
        return columns
    }
}
