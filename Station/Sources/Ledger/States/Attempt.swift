/// One attempt to bring a device from blank to verified.
public struct Attempt: Sendable, Equatable {
    public let serial: String
    /// From 1; each `rework` opens the next.
    public let number: Int
    public let state: AttemptState
    public let station: String
    /// The person at that station.
    public let person: String
    public let port: String?
    /// Who holds it: a random number that the ledger gave out with the claim.
    let claim: String
    /// Until when others leave it alone.
    public let claimedUntil: Timestamp
    /// The station that holds the key, if one made it for the device.
    public let keyStation: String?
    /// SHA-256 of its SubjectPublicKeyInfo, hexadecimal.
    public let publicKey: String?
    public let transactionID: String?
    /// SHA-256 of the certificate, hexadecimal.
    public let fingerprint: String?
    /// How often it was taken up.
    public let tries: Int
    public let mayHaveCertificate: Bool
    /// Why it failed: ``FailureCause/kind`` and ``FailureCause/sentence``.
    public let cause: String?
    public let sentence: String?
    /// Why somebody asked for it, or ended it.
    public let reason: String?
    public let startedAt: Timestamp
    public let finishedAt: Timestamp?

    static let columns = """
        serial, number, state, station, operator, port, claim, claimed_until, key_station, public_key, transaction_id, \
        fingerprint, tries, may_have_certificate, cause, sentence, reason, started_at, finished_at
        """

    init(_ row: SQLRow) throws {
        serial = try row.text("serial")
        number = try row.integer("number")
        let word = try row.text("state")
        guard let state = AttemptState(rawValue: word) else { throw LedgerError.damaged("there is no state '\(word)'") }
        self.state = state
        station = try row.text("station")
        person = try row.text("operator")
        port = try row.textIfAny("port")
        claim = try row.text("claim")
        claimedUntil = Timestamp(milliseconds: try row.integer("claimed_until"))
        keyStation = try row.textIfAny("key_station")
        publicKey = try row.textIfAny("public_key")
        transactionID = try row.textIfAny("transaction_id")
        fingerprint = try row.textIfAny("fingerprint")
        tries = try row.integer("tries")
        mayHaveCertificate = try row.integer("may_have_certificate") != 0
        cause = try row.textIfAny("cause")
        sentence = try row.textIfAny("sentence")
        reason = try row.textIfAny("reason")
        startedAt = Timestamp(milliseconds: try row.integer("started_at"))
        finishedAt = try row.integerIfAny("finished_at").map { Timestamp(milliseconds: $0) }
    }
}
