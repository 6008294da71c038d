import Authority
import Foundation
import LibCrypto
import Testing

/// A device with every kind of server that the authority can be: what is refused by default and in which words, what
/// lets it pass and how that is reported, and a whole life after that.
@Suite struct LifeServerProfileTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let profile: ServerProfile
        /// What a device has to be told beside `url`, `fingerprint`, `subject` and `challenge`.
        var settings: [String: String] = [:]
        /// `allow`, as it is widened by what the last line of a run says; the default in the first place.
        var refused: [(allow: String?, line: String)] = []
        /// With which the device enrols; nil: it needs none.
        var allow: String?
        var warnings: [String] = []
        /// As what a renewal comes.
        let renewal: CAMessageType
        /// Whether it knows CertPoll, GetCert and GetCRL.
        var knowsMore = true
        /// What the device says when the challenge is wrong.
        var refusal =
            "error refused: the CA says no (badRequest); check challenge and subject; it says: "
            + "the challengePassword is wrong"
        var testDescription: String { profile.name }

        func life(_ edit: (inout CAConfiguration) -> Void = { _ in }) throws -> Life {
            try Life(settings) {
                $0.behave(as: profile)
                if settings["challenge-use"] == "always" { $0.challenge = .shared(Life.password) }
                edit(&$0)
            }
        }
    }

    private static let sha1 = "warning: SHA-1 was used, as allow=sha1 permits"
    private static let tripleDES = "warning: triple DES was used, as allow=3des permits"
    private static let singleDES = "warning: single DES was used, as allow=des permits"
    private static let closed =
        "error connection-lost: the connection broke; try again; if GetCACert is answered, set allow=sha1,3des "
        + "(waiting for the reply, GetCACaps)"
    private static let unknown =
        "error http-status: the answer to GetCACaps is HTTP 500; see the CA's log: it is in trouble; "
        + "it says: no operation is called GetCACaps"
    private static let weakDigest = "error weak-digest: the CA uses SHA-1; upgrade it, or set allow=sha1"
    private static let weakTripleDES = "error weak-cipher: the CA uses triple DES; upgrade it, or set allow=3des"
    private static let weakSingleDES = "error weak-cipher: the CA uses single DES; upgrade it, or set allow=des"
    private static let weakSHA1AndTripleDES =
        "error weak-algorithms: the CA uses SHA-1 and triple DES; upgrade it, or set allow=sha1,3des"
    private static let weakSHA1AndSingleDES =
        "error weak-algorithms: the CA uses SHA-1 and single DES; upgrade it, or set allow=sha1,des"
    private static let silentRefusal = "error refused: the CA says no (badRequest); check challenge and subject"
    private static let undecipherable =
        "error refused: the CA says no (badMessageCheck); check challenge and subject"
    private static func http(_ status: Int) -> String {
        "error http-status: the answer to PKCSReq is HTTP \(status); "
            + (status < 500 ? "check challenge and subject" : "see the CA's log: it is in trouble")
            + "; it says: the challengePassword is wrong"
    }

    static let rows: [Row] = [
        Row(profile: .rfc8894, renewal: .renewalReq),
        Row(
            profile: .ndesOld, refused: [(nil, closed), ("sha1,3des", weakSingleDES)], allow: "sha1,des",
            warnings: [sha1, tripleDES, singleDES], renewal: .pkcsReq, refusal: silentRefusal),
        Row(
            profile: .ndes, refused: [(nil, weakTripleDES), ("3des", weakDigest)], allow: "sha1,3des",
            warnings: [sha1, tripleDES], renewal: .pkcsReq, refusal: silentRefusal),
        Row(
            profile: .ejbca, settings: ["message": "EmbeddedSCEP Test CA"], renewal: .pkcsReq,
            refusal: http(400)),
        Row(profile: .openXPKI, renewal: .renewalReq, refusal: http(500)),
        Row(
            profile: .dogtag, refused: [(nil, unknown)], allow: "sha1,3des",
            warnings: [sha1, tripleDES], renewal: .pkcsReq),
        Row(
            profile: .stepCA, settings: ["challenge-use": "always"],
            refused: [(nil, weakSHA1AndSingleDES)], allow: "sha1,des", warnings: [sha1, singleDES],
            renewal: .renewalReq, knowsMore: false),
        Row(
            profile: .micromdm, settings: ["challenge-use": "always"],
            refused: [(nil, weakSHA1AndSingleDES)], allow: "sha1,des", warnings: [sha1, singleDES],
            renewal: .renewalReq, knowsMore: false, refusal: silentRefusal),
        Row(profile: .modSCEP, renewal: .pkcsReq),
        Row(
            profile: .bouncyCastle, refused: [(nil, weakSHA1AndTripleDES)], allow: "sha1,3des",
            warnings: [sha1, tripleDES], renewal: .pkcsReq, refusal: silentRefusal),
        Row(profile: .aws, renewal: .renewalReq, knowsMore: false),
        Row(
            profile: .cryptlib, settings: ["key": "p256", "challenge-use": "always"],
            warnings: ["warning: a signature is named by its key, id-ecPublicKey"], renewal: .renewalReq,
            refusal: undecipherable),
    ]

    @Test func tableHasThemAll() {
        #expect(Self.rows.map(\.profile.name) == ServerProfile.all.map(\.name))
    }

    /// The same device with a wider `allow` goes on with the transaction that it has begun: no password is lost.
    @Test(arguments: rows)
    func deviceEnrolsOnceWhatIsWeakIsAllowed(row: Row) throws {
        let life = try row.life()
        for (allow, line) in row.refused {
            life.settings["allow"] = allow
            #expect(life.powerUp().lines.last == line)
            #expect(try life.identity() == nil)
        }
        life.settings["allow"] = row.allow
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.lines.filter { $0.hasPrefix("warning") } == row.warnings)
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
        #expect(life.authority.ledger.entries.count == 1)
        #expect(life.authority.issuedCertificates().count == 1)
    }

    @Test(arguments: rows, ["new", "same"])
    func deviceRenews(row: Row, key: String) throws {
        let life = try row.life()
        life.settings["allow"] = row.allow
        life.settings["renewal-key"] = key
        #expect(life.powerUp().verdict == "done")
        let first = try #require(try life.identity())
        life.pass(days: 25)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.lines.filter { $0.hasPrefix("warning") } == row.warnings)
        let second = try #require(try life.identity())
        try OpenSSLCheck.verify(second, of: life.authority)
        #expect(second.notAfter > first.notAfter)
        #expect((second.publicKey == first.publicKey) == (key == "same"))
        let entries = life.authority.ledger.entries
        #expect(entries.map(\.messageType) == [.pkcsReq, row.renewal])
        #expect(entries.map(\.renews) == [nil, first.serialText])
    }

    @Test(arguments: rows.filter(\.knowsMore))
    func deviceWaitsForAPerson(row: Row) throws {
        let life = try row.life { $0.policy = .afterPolls(2) }
        life.settings["allow"] = row.allow
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.events.map(\.outcome) == ["pending", "pending", "issued"])
        #expect(run.operations.suffix(3) == ["PKCSReq", "CertPoll", "CertPoll"])
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
        #expect(life.authority.ledger.entries.count == 1)
    }

    @Test(arguments: rows)
    func refusalIsTold(row: Row) throws {
        let life = try row.life()
        life.settings["allow"] = row.allow
        life.settings["challenge"] = "wrong-81c4-e0b7"
        #expect(life.powerUp().lines.last == row.refusal)
        #expect(try life.identity() == nil)
    }

    /// Whether the certificate is revoked, and whether the CA has it as it is here.
    @Test(arguments: rows)
    func deviceLooksItsCertificateUp(row: Row) throws {
        let life = try row.life()
        life.settings["allow"] = row.allow
        #expect(life.powerUp().verdict == "done")
        for (check, operation, outcome) in [("crl", "GetCRL", "not-revoked"), ("certificate", "GetCert", "known")] {
            life.settings["check"] = check
            let run = life.powerUp()
            #expect(run.events.last?.operation == operation)
            guard !row.knowsMore else {
                #expect(run.events.last?.outcome == outcome, "\(run.lines)")
                continue
            }
            let type = operation == "GetCRL" ? 22 : 21
            let words =
                switch row.profile.name {
                case "step-ca", "micromdm":
                    "http-status: the answer to \(operation) is HTTP 500; see the CA's log: it may not answer this; it says: "
                        + "messageType \(type) is not served"
                default:
                    "refused: the CA says no (badRequest); see the CA's log: it may not answer this; it says: messageType "
                        + "\(type) is not served"
                }
            #expect(run.lines.last == "error " + words)
            // The certificate is there all the same.
            #expect(try life.identity() != nil)
        }
    }

    /// The next CA from those that know GetNextCACert, and no harm with the others.
    @Test(arguments: rows)
    func deviceAsksForTheNextCA(row: Row) throws {
        let life = try row.life { $0.hasNextCA = true }
        life.settings["allow"] = row.allow
        #expect(life.powerUp().verdict == "done")
        life.requestedGoal = .nextCA
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let isOffered = row.profile.operations.contains(.getNextCACert)
        #expect(run.exchanges.count == (isOffered ? 2 : 1))
        #expect(run.events.last?.outcome == (isOffered ? "next-ca" : "current"))
    }

    /// NDES takes half a minute, of which the default leaves enough; it is the wait for a reply that is too short.
    @Test func slowIssuingIsWaitedFor() throws {
        let row = try #require(Self.rows.first { $0.profile.name == "ndes" })
        let life = try row.life()
        #expect(life.authority.configuration.issuingDelay == 30)
        life.settings["allow"] = row.allow
        life.settings["timeout"] = "29"
        #expect(
            life.powerUp().lines.last
                == "error timed-out: the CA was silent for too long; raise timeout (waiting for the reply, PKCSReq)")
        life.settings["timeout"] = nil
        #expect(life.powerUp().verdict == "done")
        #expect(life.uptime >= 30_000)
        // The request was the same, and so is its certificate.
        #expect(life.authority.issuedCertificates().count == 1)
    }

    /// Dogtag was seen to send back 8 bytes of 16. Nothing allows that: the nonce is what tells a reply from a replay.
    @Test func nonceThatIsCutIsRefused() throws {
        let row = try #require(Self.rows.first { $0.profile.name == "dogtag" })
        let life = try row.life { $0.profile.reply.recipientNonce = 8 }
        life.settings["allow"] = row.allow
        #expect(
            life.powerUp().lines.last == "error wrong-nonce: the reply is to another request, maybe replayed; try again"
        )
    }

    /// The EJBCA of another name is not asked at all.
    @Test func nameOfTheCAIsNeeded() throws {
        let row = try #require(Self.rows.first { $0.profile.name == "ejbca" })
        let life = try row.life()
        life.settings["message"] = nil
        #expect(
            life.powerUp().lines.last
                == "error http-status: the answer to GetCACaps is HTTP 404; check url and message; if GetCACert is "
                + "answered, set allow=sha1,3des; it says: no CA is called ''")
    }
}
