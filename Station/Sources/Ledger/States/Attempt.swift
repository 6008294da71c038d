/// One attempt to bring a device from blank to verified.
public struct Attempt: Sendable, Equatable, Codable {
    public let serial: String
    /// From 1; each `rework` opens the next.
    public let number: Int
    public internal(set) var state: AttemptState
    public let station: String
    /// The person at that station.
    public let person: String
    public let port: String?
    /// Who holds it: a random number that the ledger gave out with the claim.
    let claim: String
    /// Until when others leave it alone.
    public internal(set) var claimedUntil: Timestamp
    /// The station that holds the key, if one made it for the device.
    public internal(set) var keyStation: String?
    /// SHA-256 of its SubjectPublicKeyInfo, hexadecimal.
    public internal(set) var publicKey: String?
    public internal(set) var transactionID: String?
    /// SHA-256 of the certificate, hexadecimal.
    public internal(set) var fingerprint: String?
    /// How often it was taken up.
    public let tries: Int
    public internal(set) var mayHaveCertificate: Bool
    /// Why it failed: ``FailureCause/kind`` and ``FailureCause/sentence``.
    public internal(set) var cause: String?
    public internal(set) var sentence: String?
    /// Why somebody asked for it, or ended it.
    public internal(set) var reason: String?
    public let startedAt: Timestamp
    public internal(set) var finishedAt: Timestamp?

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

extension Attempt {
    /// The attempt, ended by a person.
    func ended(_ state: AttemptState, reason: String, at moment: Timestamp) -> Attempt {
        var next = self
        (next.state, next.reason) = (state, reason)
        // What is scrapped or retired later had its end before.
        if self.state.isOpen { next.finishedAt = moment }
        return next
    }
}
