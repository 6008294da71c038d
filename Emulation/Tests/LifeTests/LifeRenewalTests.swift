import Authority
import Foundation
import Testing

/// Certificates that are renewed, in each of the ways that there are.
@Suite struct LifeRenewalTests {
    /// Firmware with a main loop of its own calls `run` on the same agent again.
    @Test func deviceThatStaysOnRenewsInALaterRound() throws {
        let life = try Life(["challenge-use": "always"]) { $0.challenge = .shared(Life.password) }
        (life.rounds, life.daysBetweenRounds) = (3, 25)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations.filter { $0 == "RenewalReq" }.count == 2, "\(run.operations)")
        #expect(try life.identity() != nil)
    }

    /// One way.
    struct Way: Sendable, CustomTestStringConvertible {
        let name: String
        var settings: [String: String] = [:]
        var configure: @Sendable (inout CAConfiguration) -> Void = { _ in }
        let request: String
        var keepsKey = false
        var testDescription: String { name }
    }

    static let ways: [Way] = [
        Way(name: "RenewalReq, new key", request: "RenewalReq"),
        Way(name: "RenewalReq, same key", settings: ["renewal-key": "same"], request: "RenewalReq", keepsKey: true),
        Way(
            name: "PKCSReq to a CA that does not say SCEPStandard",
            configure: { $0.profile.capabilities = ["AES", "POSTPKIOperation", "Renewal", "SHA-256"] },
            request: "PKCSReq"),
        Way(name: "PKCSReq by configuration", settings: ["renewal-type": "19"], request: "PKCSReq"),
        Way(
            name: "PKCSReq by configuration, same key", settings: ["renewal-type": "19", "renewal-key": "same"],
            request: "PKCSReq", keepsKey: true),
        Way(
            name: "RenewalReq by configuration", settings: ["renewal-type": "17"],
            configure: { $0.profile.capabilities = ["AES", "POSTPKIOperation", "SHA-256"] }, request: "RenewalReq"),
        Way(
            name: "with a shared password", settings: ["challenge-use": "always"],
            configure: {
                $0.challenge = .shared(Life.password)
                $0.renewalsNeedChallenge = true
            }, request: "RenewalReq"),
        Way(name: "through an RA", configure: { $0.registrationAuthority = .split }, request: "RenewalReq"),
        Way(name: "from an intermediate CA", configure: { $0.hasIntermediate = true }, request: "RenewalReq"),
        Way(
            name: "P-256", settings: ["key": "p256", "challenge-use": "always"],
            configure: { $0.challenge = .shared(Life.password) }, request: "RenewalReq"),
        Way(
            name: "P-384, same key", settings: ["key": "p384", "challenge-use": "always", "renewal-key": "same"],
            configure: { $0.challenge = .shared(Life.password) }, request: "RenewalReq", keepsKey: true),
        Way(
            name: "P-256 from an EC CA", settings: ["key": "p256", "challenge-use": "always"],
            configure: {
                $0.challenge = .shared(Life.password)
                $0.key = .p256
            }, request: "RenewalReq"),
        Way(
            name: "P-384 from an EC CA with an RA", settings: ["key": "p384", "challenge-use": "always"],
            configure: {
                $0.challenge = .shared(Life.password)
                $0.key = .p384
                $0.registrationAuthority = .single
            }, request: "RenewalReq"),
        Way(
            name: "RSA from an EC CA", settings: ["challenge-use": "always", "allow": "password-encryption"],
            configure: {
                $0.challenge = .shared(Life.password)
                $0.key = .p256
            }, request: "RenewalReq"),
    ]

    @Test(arguments: ways)
    func deviceRenewsWhenTwoThirdsOfTheLifetimeArePast(way: Way) throws {
        let life = try Life(way.settings, way.configure)
        #expect(life.powerUp().verdict == "done")
        let first = try #require(try life.identity())
        try OpenSSLCheck.verify(first, of: life.authority)

        life.pass(days: 19)
        let early = life.powerUp()
        #expect(early.verdict == "done" && early.exchanges.isEmpty)
        #expect(early.events.map(\.outcome) == ["current"])

        life.pass(days: 1.1)
        let run = life.powerUp()
        #expect(run.verdict == "done")
        #expect(run.operations == ["GetCACaps", "GetCACert", way.request])
        let second = try #require(try life.identity())
        try OpenSSLCheck.verify(second, of: life.authority)
        #expect(second.notAfter > first.notAfter)
        #expect((second.publicKey == first.publicKey) == way.keepsKey)
        #expect(second.serial != first.serial && second.subject == first.subject)

        let request = try #require(run.messages.last)
        let content = try OpenSSLCheck.open(request, life)
        let asked = try OpenSSLCheck.request(content)
        #expect(asked.contains("CN = sensor-7"))
        #expect(asked.contains("challengePassword") == (way.settings["challenge-use"] != nil))
        #expect(try OpenSSLCheck.signer(of: request) == first.der)
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
        #expect(life.powerUp().exchanges.isEmpty)
    }

    /// A password that is not shared goes into the enrolment and nowhere else.
    @Test func oneTimePasswordGoesIntoNoRenewal() throws {
        let life = try Life()
        for _ in 0..<3 {
            #expect(life.powerUp().verdict == "done")
            life.pass(days: 25)
        }
        let entries = life.authority.ledger.entries
        #expect(entries.count == 3)
        #expect(entries.filter { $0.challenge != nil }.count == 1)
        #expect(entries.map(\.renews).filter { $0 == nil }.count == 1)
    }

    /// A fleet that was made on one day does not renew in one minute, and a device does not change its mind.
    @Test func devicesOfOneDayRenewAtTimesOfTheirOwn() throws {
        var times: Set<String> = []
        for number in 0..<4 {
            let life = try Life(["jitter": "5", "subject": "CN=sensor-\(number)"])
            let issued = try #require(life.powerUp().events.last { $0.outcome == "issued" })
            let held = try #require(life.powerUp().events.first)
            #expect(issued["next"] == "renew" && held["at"] == issued["at"])
            times.insert(try #require(held["at"]))
        }
        #expect(times.count == 4)
        // From 20 to 21.5 days after the beginning.
        #expect(times.allSatisfy { ("2026-01-20T23:59:00Z"..."2026-01-22T12:00:00Z").contains($0) })
    }

    /// An identity that has expired can be renewed if the CA does so, and enrolled anew with another password if not.
    @Test func deviceThatWasOffForTooLongComesBack() throws {
        let willing = try Life { $0.acceptsExpiredRenewals = true }
        #expect(willing.powerUp().verdict == "done")
        willing.pass(days: 100)
        #expect(willing.powerUp().verdict == "done")

        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let old = try life.identity()
        life.pass(days: 100)
        #expect(life.powerUp().verdict == "refused")
        #expect(try life.identity() == old)
        life.settings["challenge"] = try life.authority.addPassword(device: "")
        let run = life.powerUp()
        #expect(run.verdict == "done")
        #expect(run.operations.last == "PKCSReq")
        #expect(try life.identity() != old)
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
    }
}
