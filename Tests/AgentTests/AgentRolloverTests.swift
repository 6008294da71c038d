import PKIX
import SCEP
import TestSupport
import Testing

@testable import Agent

/// Whole lives of a device whose CA is followed by another one: Docs/Lifecycle.md, "Rollover".
@Suite struct AgentRolloverTests {
    private static let day: Int64 = 86_400

    /// A CA of 60 days, and the next one, which begins after 50.
    private static let made = Result {
        try (
            first: OpenSSLIdentity(
                authority: "/O=Example/CN=First CA", from: "20260101000000Z", until: "20260302000000Z"),
            next: OpenSSLIdentity(
                authority: "/O=Example/CN=Next CA", from: "20260220000000Z", until: "20290101000000Z")
        )
    }

    /// A device with a certificate of so many days, on the 41st day of its CA, whose next one is known to it.
    private func life(_ settings: String..., lifetime: Int64 = 100) throws -> DeviceLife {
        let (first, next) = try Self.made.get()
        let life = try DeviceLife("jitter=0", authority: first)
        life.settings += settings
        life.authority.lifetime = lifetime
        life.authority.nextBegins = AgentBench.epoch + 50 * Self.day
        if lifetime < 100 { life.pass(days: 38) }
        #expect(try life.powerUp().verdict == "done")
        life.pass(days: lifetime < 100 ? 3 : 41)
        life.authority.next = next
        return life
    }

    private func notAfter(_ life: DeviceLife) throws -> Int64 {
        let der = try #require(try life.record(.certificate))
        return try Certificate(der.span).notAfter
    }

    /// Whether the device's certificate is of a CA, as openssl reads it.
    private func isIssued(_ life: DeviceLife, by name: String) throws -> Bool {
        let der = try #require(try life.record(.certificate))
        let words = try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-issuer"], input: der)
        return String(decoding: words, as: UTF8.self).contains("CN = \(name)")
    }

    /// The next CA was published and does not issue before its time: the current one renews meanwhile.
    @Test func currentCARenewsWhileTheNextOneDoesNotIssue() throws {
        let life = try life("retries=0", lifetime: 10)
        var toNext = 0
        life.authority.answer = { _, _ in
            if life.authority.asksNext { toNext += 1 }
            return life.authority.asksNext ? .status(404) : .issue
        }
        let count = life.authority.asked.count
        // A timer's passes, two a day.
        for _ in 0..<20 {
            life.pass(days: 0.5)
            _ = try life.powerUp { ($0.mayWait, $0.defers) = (false, true) }
        }
        #expect(toNext > 1)
        #expect(try notAfter(life) > life.time)
        #expect(try isIssued(life, by: "First CA") && life.holdsMatchingPair())
        // Nor is anybody asked for more than it takes.
        #expect((2...4).contains(life.authority.issued.count) && life.authority.asked.count - count < 30)
    }

    /// The other way about: the current CA renews no longer, and the next one does.
    @Test func nextCAIssuesWhereTheCurrentOneDoesNot() throws {
        let life = try life("retries=0", lifetime: 10)
        life.pass(days: 5)
        life.authority.answer = { _, _ in life.authority.asksNext ? .issue : .status(500) }
        var events: [String] = []
        for _ in 0..<6 {
            life.pass(days: 0.25)
            events += try life.powerUp { ($0.mayWait, $0.defers) = (false, true) }.events
        }
        #expect(events.contains { $0.hasPrefix("operation=RenewalReq outcome=issued-early ") }, "\(events)")
        #expect(try life.records().contains(.nextCertificate))
    }

    /// A request to the next CA, in storage: it says whom it asks (Docs/Storage.md). Lost, it is sent again; other certificates
    /// of the current CA explain nothing of it.
    @Test func requestToTheNextCAIsGoneOnWith() throws {
        let life = try life("retries=0")
        life.authority.answer = { number, _ in number == 2 ? .status(404) : number == 3 ? .pending : .issue }
        let first = try life.powerUp()
        #expect(first.verdict.hasPrefix("error http-status: the answer to RenewalReq is HTTP 404"), "\(first.lines)")
        #expect(first.operations == ["GetCACaps", "GetNextCACert", "GetCACaps", "PKIOperation"])
        // A renewal, 1, for the next CA, 2.
        #expect(try #require(try life.record(.transaction))[0] == 3)
        let current = try life.record(.certificate)
        // Left pending, 4, it is asked for until it is decided.
        life.settings.append("polls=1")
        life.waitLimit = 1
        let second = try life.powerUp()
        #expect(second.operations.first == "GetCACaps" && !second.operations.contains("GetCACert"), "\(second.lines)")
        let last = try life.powerUp()
        #expect(last.verdict == "done", "\(last.lines)")
        let asked = life.authority.asked
        try #require(asked.count == 4)
        #expect(asked.map(\.messageType) == ["19", "17", "17", "20"])
        #expect(Set(asked[1...].map(\.transactionID)).count == 1 && asked[1].content == asked[2].content)
        #expect(try life.record(.certificate) == current)
        #expect(try life.record(.nextCertificate) == life.authority.issued.last?.der)
    }

    /// Refused, it leaves everything as it was.
    @Test func nextCARefuses() throws {
        let life = try life("retries=0")
        life.authority.answer = { _, _ in .refuse }
        let before = try life.record(.certificate)
        #expect(try life.powerUp().verdict.hasPrefix("error refused: "))
        #expect(try life.record(.certificate) == before)
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .nextCACertificates, .state])
    }

    /// While both CAs are known, the current one's certificate is renewed under the same key: that is known by its
    /// certificate of before, not by the next CA's.
    @Test func currentCAsSuccessorIsToldBesideTheNextCA() throws {
        let life = try life("retries=0")
        life.authority.answer = { _, _ in .status(404) }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        let former = life.authority.identity
        life.authority.identity = try OpenSSLIdentity(
            authority: former, from: "20260101000000Z", until: "20260401000000Z")
        life.authority.answer = { _, _ in .issue }
        let run = try life.powerUp { $0.requestedGoal = .renew }
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(try isIssued(life, by: "First CA"))
        // Sent to either, the device's messages are answered by either.
        #expect(try life.records().contains(.nextCACertificates))
    }

    /// By a Date, which nobody signs, the next identity takes over, and the former one is kept, also over a renewal. It comes
    /// back once the Date turns out to have been wrong.
    @Test func identityThatTookOverByADateGivesWay() throws {
        let life = try life("retries=0")
        let first = try #require(try life.record(.certificate))
        let early = try life.powerUp()
        #expect(early.events.last?.contains("outcome=issued-early") == true, "\(early.lines)")
        let second = try #require(try life.record(.nextCertificate))
        (life.hasClock, life.tellsDate) = (false, true)
        let still = try life.powerUp()
        #expect(still.verdict == "done" && !still.events.contains { $0.contains("taken-over") }, "\(still.lines)")
        #expect(try life.record(.certificate) == first)

        life.dateOffset = 20 * Self.day
        let taken = try life.powerUp()
        #expect(taken.verdict == "done" && taken.events.last?.contains("outcome=taken-over") == true, "\(taken.lines)")
        #expect(try life.record(.certificate) == second && life.record(.nextCertificate) == first)
        #expect(try life.record(.nextCACertificates) == life.authority.identity.der)
        #expect(try life.record(.caCertificates) == Self.made.get().next.der)
        #expect(try life.holdsMatchingPair())

        // The next CA renews it, and signs for a time that is not proven by that.
        life.dateOffset = 90 * Self.day
        let next = try Self.made.get().next
        life.answer = { $0.contains("GetCACert") ? OpenSSLAuthority.Reply(body: next.der) : nil }
        let renewed = try life.powerUp()
        #expect(renewed.events.last?.contains("outcome=issued next=renew") == true, "\(renewed.lines)")
        let third = try #require(try life.record(.certificate))
        #expect(third == life.authority.issued.last?.der && third != second)
        #expect(try life.record(.nextCertificate) == first)

        life.dateOffset = 0
        life.answer = { _ in nil }
        let back = try life.powerUp()
        #expect(back.events.contains { $0.contains("outcome=taken-over") }, "\(back.lines)")
        #expect(try life.record(.certificate) == first && life.holdsMatchingPair())
        #expect(try life.record(.caCertificates) == life.authority.identity.der)
    }

    /// The next CA of the one that took over by a Date takes the former one's place.
    @Test func nextCAOfTheNextTakesTheFormersPlace() throws {
        let life = try life("retries=0")
        #expect(try life.powerUp().events.last?.contains("outcome=issued-early") == true)
        (life.hasClock, life.tellsDate, life.dateOffset) = (false, true, 20 * Self.day)
        #expect(try life.powerUp().events.last?.contains("outcome=taken-over") == true)
        let second = try life.record(.certificate)
        life.authority.identity = try Self.made.get().next
        let third = try OpenSSLIdentity(
            authority: "/O=Example/CN=Third CA", from: "20280101000000Z", until: "20350101000000Z")
        life.authority.next = third
        life.authority.answer = { _, _ in .status(503) }
        // Two thirds of its life are over by then.
        life.dateOffset = 800 * Self.day
        let run = try life.powerUp()
        #expect(
            run.operations.contains("GetNextCACert") && run.verdict.hasPrefix("error http-status: "), "\(run.lines)")
        #expect(run.stored.first == [.privateKey, .certificate, .caCertificates, .nextCACertificates, .state])
        #expect(try life.record(.nextCACertificates) == third.der && life.record(.certificate) == second)
    }

    /// What is known of the next CA stays, over a renewal by the current one.
    @Test func renewalLeavesTheNextIdentityAlone() throws {
        let life = try life("retries=0")
        #expect(try life.powerUp().events.last?.contains("outcome=issued-early") == true)
        let early = try life.record(.nextCertificate)
        life.pass(days: 1)
        let run = try life.powerUp { $0.requestedGoal = .renew }
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(try life.record(.nextCertificate) == early)
        #expect(
            try life.records() == [
                .privateKey, .certificate, .caCertificates, .nextCACertificates, .state, .nextPrivateKey,
                .nextCertificate,
            ])
        // An enrolment begins from nothing.
        let anew = try life.powerUp { $0.requestedGoal = .enrol }
        #expect(anew.verdict == "done", "\(anew.lines)")
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
    }

    /// Nobody has to have a next CA: a server that does not know the question, or has no answer to it, has none. One that
    /// is in trouble may have one.
    @Test func questionForTheNextCAThatHasNoAnswer() throws {
        let life = try life("retries=0")
        life.authority.capabilities.removeAll { $0 == "GetNextCACert" }
        let unknown = try life.powerUp()
        #expect(unknown.verdict == "done" && unknown.operations == ["GetCACaps"], "\(unknown.lines)")
        life.authority.capabilities.append("GetNextCACert")
        for (status, isNone) in [(400, true), (404, true), (499, true), (500, false), (503, false)] {
            life.answer = { $0.contains("GetNextCACert") ? OpenSSLAuthority.Reply(status: status) : nil }
            let run = try life.powerUp()
            #expect(run.operations == ["GetCACaps", "GetNextCACert"])
            #expect((run.verdict == "done") == isNone, "\(status): \(run.lines)")
        }
        // One without a key to encrypt to is of no use, and is not taken.
        let unusable = try OpenSSLIdentity(
            subject: "/CN=EC CA", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            extensions: ["keyUsage=critical,keyCertSign"])
        life.answer = { _ in nil }
        life.authority.next = unusable
        #expect(try life.powerUp().verdict.hasPrefix("error no-encryption: "))
        #expect(try !life.records().contains(.nextCACertificates))
    }

    /// Where the next CA's time has come already, what it issues is the device's at once.
    @Test func nextCAThatIssuesForNow() throws {
        let life = try life("retries=0")
        life.authority.answer = { _, _ in .status(503) }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        life.authority.answer = { _, _ in .issue }
        life.pass(days: 10)
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.events.last?.hasPrefix("operation=RenewalReq outcome=issued next=renew") == true, "\(run.events)")
        #expect(try isIssued(life, by: "Next CA") && life.holdsMatchingPair())
        #expect(try life.record(.caCertificates) == Self.made.get().next.der)
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
    }

    /// However often the next CA gives no answer of use, the current one's certificates are not what it is about.
    @Test func nextCAsSilenceIsNotTheCurrentOnes() throws {
        let life = try life("retries=2", "retry=1")
        life.authority.answer = { _, _ in .status(404) }
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error http-status: ") && !run.operations.contains("GetCACert"), "\(run.lines)")
        #expect(run.operations.filter { $0 == "PKIOperation" }.count == 3)
    }

    /// What failed of a question does not count against what is due after it: that has all of its tries.
    @Test func questionsTriesAreItsOwn() throws {
        let life = try life("retries=2", "retry=100", lifetime: 10)
        life.pass(days: 5)
        life.answer = { $0.contains("GetNextCACert") ? OpenSSLAuthority.Reply(status: 500) : nil }
        life.authority.answer = { _, _ in .status(503) }
        let run = try life.powerUp()
        try #require(run.waits.count == 4, "\(run.lines)")
        for (wait, cap) in zip(run.waits, [100, 200, 100, 200] as [UInt64]) {
            #expect((cap / 2...cap).contains(wait), "\(run.waits)")
        }
    }

    /// A device that stays on, and whose next CA never answers, is renewed by the current one again and again.
    @Test func deviceThatStaysIsRenewedBesideWhatFailsForEver() throws {
        let life = try life("retries=0", lifetime: 4)
        life.settings = ["jitter=0", "stay=yes", "retry=43200", "retry-cap=43200", "check-interval=43200"]
        life.authority.answer = { _, _ in life.authority.asksNext ? .status(404) : .issue }
        life.waitLimit = 17
        let run = try life.powerUp()
        // Six days at least, of which a certificate lasts less than three.
        #expect(run.events.filter { $0.hasPrefix("operation=RenewalReq outcome=issued ") }.count >= 2, "\(run.events)")
        #expect(try isIssued(life, by: "First CA"))
    }
}
