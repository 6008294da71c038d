import PKIX
import SCEP
import TestSupport
import Testing

@testable import Agent

/// A device that has a certificate, and what becomes of that in time: renewed, looked up, moved to the next
/// CA, or to another one.
@Suite struct AgentRenewalTests {
    /// A device with a certificate of a hundred days, as many of which have passed as are given.
    private func enrolled(
        _ settings: String..., authority: OpenSSLIdentity? = nil, days: Double = 0
    ) throws -> DeviceLife {
        let life = try DeviceLife("jitter=0", authority: authority)
        life.settings += settings
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        life.pass(days: days)
        return life
    }

    private func publicKey(_ certificate: [UInt8]) throws -> [UInt8] {
        try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-pubkey"], input: certificate)
    }

    struct Way: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var setting = "renew=60"
        var capabilities = ["AES", "SHA-256", "POSTPKIOperation", "Renewal", "SCEPStandard"]
        let messageType: String
        var keepsKey = false
    }

    static let ways = [
        Way(testDescription: "RFC 8894", messageType: "17"),
        Way(
            testDescription: "an older server", capabilities: ["AES", "SHA-256", "POSTPKIOperation", "Renewal"],
            messageType: "19"),
        Way(testDescription: "19 by configuration", setting: "renewal-type=19", messageType: "19"),
        Way(
            testDescription: "17 by configuration", setting: "renewal-type=17",
            capabilities: ["AES", "SHA-256", "POSTPKIOperation"], messageType: "17"),
        Way(testDescription: "with the same key", setting: "renewal-key=same", messageType: "17", keepsKey: true),
    ]

    @Test(arguments: ways) func deviceRenewsInTime(way: Way) throws {
        let life = try enrolled(way.setting, "challenge=once")
        let first = try #require(life.authority.issued.first)
        life.authority.capabilities = way.capabilities
        let day = way.setting == "renew=60" ? 60.0 : 200.0 / 3
        life.pass(days: day - 0.01)
        let early = try life.powerUp()
        #expect(early.verdict == "done" && early.operations.isEmpty, "\(early.lines)")
        life.pass(days: 0.02)
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert", "PKIOperation"])
        let asked = try #require(life.authority.asked.last)
        #expect(asked.messageType == way.messageType && life.authority.asked.count == 2)
        #expect(try OpenSSL.run(["x509", "-outform", "DER"], input: asked.signer) == first.der)
        let text = try asked.requestText()
        #expect(text.contains("CN = sensor") && !text.contains("challengePassword"))
        #expect(run.events.first?.hasPrefix("operation=- outcome=current next=renew at=2026-03-") == true)
        let name = way.messageType == "17" ? "RenewalReq" : "PKCSReq"
        #expect(run.events.last?.hasPrefix("operation=\(name) outcome=issued next=renew at=2026-") == true)
        let second = try #require(life.authority.issued.last)
        #expect(try life.record(.certificate) == second.der && second.der != first.der)
        #expect(try (publicKey(first.der) == publicKey(second.der)) == way.keepsKey)
        #expect(try life.holdsMatchingPair())
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
        #expect(try life.powerUp().operations.isEmpty)
    }

    /// A server that says Renewal, and not that it is one of RFC 8894: refused as one type, it is asked as the other.
    @Test func renewalThatIsRefusedIsTriedAsTheOtherType() throws {
        let life = try enrolled(days: 70)
        life.authority.capabilities = ["AES", "SHA-256", "POSTPKIOperation", "Renewal"]
        life.authority.answer = { number, _ in number == 2 ? .refuse : .issue }
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let asked = life.authority.asked.suffix(2)
        #expect(asked.map(\.messageType) == ["19", "17"])
        #expect(Set(asked.map(\.transactionID)).count == 2)
        #expect(try life.holdsMatchingPair())
    }

    /// A renewal that the CA has to think about, across a power-off; the old certificate stays in use meanwhile.
    @Test func pendingRenewalIsGoneOnWith() throws {
        let life = try enrolled("polls=1", days: 70)
        let first = try #require(life.authority.issued.first)
        life.authority.answer = { number, _ in number < 4 ? .pending : .issue }
        #expect(try life.powerUp().verdict.hasPrefix("error still-pending: "))
        #expect(try life.record(.certificate) == first.der)
        #expect(try life.holdsMatchingPair())
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let asked = life.authority.asked.dropFirst()
        #expect(asked.map(\.messageType) == ["17", "20", "20"])
        for one in asked { #expect(try OpenSSL.run(["x509", "-outform", "DER"], input: one.signer) == first.der) }
        #expect(try life.record(.certificate) == life.authority.issued.last?.der)
        #expect(try life.holdsMatchingPair())
    }

    /// Refused, a renewal leaves what there is; a device that stays asks again, later each time.
    @Test func refusedRenewalLeavesTheCertificate() throws {
        let life = try enrolled("retry-cap=3600", "check-interval=86400", "renew=60", days: 70)
        let first = try #require(life.authority.issued.first)
        life.settings.append("stay=yes")
        life.authority.answer = { _, _ in .refuse }
        life.waitLimit = 3
        let run = try life.powerUp()
        #expect(run.waits.count == 3)
        for (wait, cap) in zip(run.waits, [3600, 7200, 14_400] as [UInt64]) {
            #expect((cap / 2...cap).contains(wait), "\(run.waits)")
        }
        #expect(try life.record(.certificate) == first.der)
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 4)
        // Each refusal ends its transaction in storage, too.
        let all: [StoredRecord] = [.privateKey, .certificate, .caCertificates, .state]
        #expect(run.stored.prefix(6).map { $0 == all } == [false, true, false, true, false, true])
    }

    /// A renewal that brings nothing is refused, and what there is stays in use.
    @Test func renewalHasToBringMore() throws {
        let life = try enrolled("retries=0", days: 70)
        let first = try #require(life.authority.issued.first)
        life.authority.lifetime = 20
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error not-extended: "), "\(run.verdict)")
        #expect(try life.record(.certificate) == first.der)
    }

    /// What was past its share of life when it came is not renewed at each start, but at a share of what was left.
    @Test func certificateThatIsOldWhenItComesIsNotRenewedAtOnce() throws {
        let life = try DeviceLife("jitter=0")
        life.authority.age = 70
        let run = try life.powerUp()
        // Thirty days are left on 2026-01-01, of which two thirds are twenty.
        #expect(
            run.events.last
                == "operation=PKCSReq outcome=issued next=renew at=2026-01-21T00:00:00Z subject=\"CN=sensor\"")
        #expect(try life.powerUp().operations.isEmpty)
    }

    /// A device that stays on sleeps until its renewal is due, looks in between, and renews.
    @Test func deviceThatStaysRenewsAgainAndAgain() throws {
        let life = try DeviceLife("stay=yes", "check-interval=2592000", "jitter=0")
        life.waitLimit = 7
        let run = try life.powerUp()
        #expect(run.lines.contains { $0.hasPrefix("nothing is due: looking again in 2592000 s") })
        // 66 days, 16 hours: two looks of thirty days, and the rest.
        #expect(Array(run.waits.prefix(6)) == [2_592_000, 2_592_000, 576_000, 2_592_000, 2_592_000, 576_000])
        #expect(life.authority.asked.prefix(3).map(\.messageType) == ["19", "17", "17"])
    }

    // MARK: Questions

    @Test func questionsAreAskedWhereNothingIsDue() throws {
        let life = try enrolled("check=crl,certificate")
        let held = try #require(life.authority.issued.first)
        #expect(life.authority.asked.map(\.messageType) == ["19", "22", "21"])
        life.pass(days: 1)
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "PKIOperation", "GetCACaps", "PKIOperation"])
        #expect(
            run.events.count == 3 && run.events[1].hasPrefix("operation=GetCRL outcome=not-revoked next=renew")
                && run.events[2].hasPrefix("operation=GetCert outcome=known next=renew"), "\(run.events)")
        // IssuerAndSerialNumber (RFC 8894, 3.3.4), signed by the certificate that it is about.
        let asked = try #require(life.authority.asked.last)
        let serial = try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-serial"], input: held.der)
        let words = String(
            decoding: try OpenSSL.run(["asn1parse", "-inform", "DER"], input: asked.content), as: UTF8.self)
        let number = String(decoding: serial, as: UTF8.self).split(separator: "=")[1].dropLast()
        #expect(words.contains("INTEGER           :\(number)"))
        #expect(try OpenSSL.run(["x509", "-outform", "DER"], input: asked.signer) == held.der)
        #expect(Set(life.authority.asked.map(\.transactionID)).count == life.authority.asked.count)

        life.authority.revoked = [String(number)]
        let revoked = try life.powerUp()
        #expect(revoked.verdict.hasPrefix("error revoked: "), "\(revoked.lines)")
        #expect(
            revoked.events.contains { $0.hasPrefix("operation=- outcome=refused error=revoked") }, "\(revoked.events)")
        #expect(try life.record(.certificate) == held.der)
    }

    /// Of GetCRL's list, whoever asked can have it.
    @Test func listIsHandedOut() throws {
        let life = try enrolled()
        var list = 0..<1
        _ = try life.powerUp({ _ in }) { list = $0.revocationList }
        #expect(list.isEmpty)
        let run = try life.powerUp({ $0.requestedGoal = .revocationList }) { list = $0.revocationList }
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "PKIOperation"])
        #expect(Array(life.left[list]) == life.authority.lastList && !list.isEmpty)
    }

    // MARK: Other CAs

    /// Told to trust another CA, the device enrols there, and gives up what it has only when it has something else.
    @Test func deviceMovesToAnotherCA() throws {
        let life = try enrolled("challenge=first")
        let first = try #require(life.authority.issued.first)
        let other = try OpenSSLIdentity(
            authority: "/O=Example/CN=Another CA", from: "20250701000000Z", until: "20290701000000Z")
        life.authority.identity = other
        life.fingerprint = try other.fingerprint()
        life.settings = ["jitter=0", "challenge=second", "retries=0"]
        life.authority.answer = { number, _ in number == 2 ? .status(503) : number == 3 ? .pending : .issue }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        #expect(try life.record(.certificate) == first.der)
        #expect(try life.record(.transactionCACertificates) == other.der)
        #expect(try life.record(.caCertificates) != other.der)
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(life.authority.asked.dropFirst().map(\.messageType) == ["19", "19", "20"])
        #expect(run.events.last?.contains("outcome=issued next=renew at=") == true, "\(run.events)")
        #expect(try life.record(.certificate) == life.authority.issued.last?.der)
        #expect(try life.record(.caCertificates) == other.der)
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
        #expect(try life.holdsMatchingPair())
        #expect(try life.powerUp().operations.isEmpty)
    }

    /// A CA of 60 days whose next one begins after 50: fetched in time, asked early, and taken over to when it is time.
    @Test func deviceFollowsItsCAToTheNext() throws {
        let begin = AgentBench.epoch
        let authority = try OpenSSLIdentity(
            authority: "/O=Example/CN=First CA", from: "20260101000000Z", until: "20260302000000Z")
        let next = try OpenSSLIdentity(
            authority: "/O=Example/CN=Next CA", from: "20260220000000Z", until: "20290101000000Z")
        let life = try enrolled(authority: authority)
        let first = try #require(life.authority.issued.first)
        life.authority.nextBegins = begin + 50 * 86_400
        life.pass(days: 40.5)
        // It has none yet: the device is none the worse.
        let none = try life.powerUp()
        #expect(none.verdict == "done", "\(none.lines)")
        #expect(none.operations == ["GetCACaps", "GetNextCACert"])
        life.authority.next = next
        let early = try life.powerUp()
        #expect(early.verdict == "done", "\(early.lines)")
        #expect(early.operations == ["GetCACaps", "GetNextCACert", "GetCACaps", "PKIOperation"])
        #expect(early.events.contains { $0.hasPrefix("operation=GetNextCACert outcome=next-ca next=") })
        #expect(
            early.events.last
                == "operation=RenewalReq outcome=issued-early next=take-over at=2026-02-20T00:00:00Z subject=\"CN=sensor\""
        )
        #expect(try life.record(.certificate) == first.der)
        #expect(try life.record(.nextCACertificates) == next.der)
        #expect(try life.record(.nextCertificate) == life.authority.issued.last?.der)
        #expect(try life.powerUp().operations.isEmpty)

        life.pass(days: 10)
        let late = try life.powerUp()
        #expect(late.verdict == "done" && late.operations.isEmpty, "\(late.lines)")
        #expect(late.events.last?.hasPrefix("operation=- outcome=taken-over next=renew") == true)
        #expect(try life.record(.certificate) == life.authority.issued.last?.der)
        #expect(try life.record(.caCertificates) == next.der)
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
        #expect(try life.holdsMatchingPair())
        // Under the fingerprint of the first it is renewed by the next.
        (life.authority.identity, life.authority.next) = (next, nil)
        life.pass(days: 70)
        let renewed = try life.powerUp()
        #expect(renewed.verdict == "done", "\(renewed.lines)")
        #expect(try life.record(.certificate) == life.authority.issued.last?.der && life.authority.issued.count == 3)
    }

    /// A CA's successor under a new fingerprint: what it is vouched for by is remembered, so that it needs no password.
    @Test func fingerprintOfTheSuccessorIsNoOtherCA() throws {
        let life = try enrolled("challenge=once")
        let former = life.authority.identity
        // The same key and name, for longer: RFC 8894 has a CA renew its certificate so.
        life.authority.identity = try OpenSSLIdentity(
            authority: former, from: "20260101000000Z", until: "20320101000000Z")
        let count = life.authority.issued.count
        life.fingerprint = try life.authority.identity.fingerprint()
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert"] && life.authority.issued.count == count)
        #expect(try life.record(.caCertificates) == life.authority.identity.der)
        #expect(try life.powerUp().operations.isEmpty)
        life.pass(days: 70)
        #expect(try life.powerUp().verdict == "done")
        #expect(life.authority.asked.map(\.messageType) == ["19", "17"])
        // And back, since both were remembered.
        life.fingerprint = try former.fingerprint()
        #expect(try life.powerUp().operations.isEmpty)
    }

    /// Storage of version 2 has other digests where anchors stand now, and no more after them (Docs/Storage.md).
    @Test func storageOfVersion2IsTakenOver() throws {
        let life = try enrolled(days: 70)
        let pin = Array(life.fingerprint.utf8)
        let digest = try Array(OpenSSL.run(["dgst", "-sha256", "-binary"], input: pin).prefix(16))
        let stored = try #require(try life.record(.state))
        var state = Array(stored[..<77])
        state.replaceSubrange(0..<16, with: digest)
        state.replaceSubrange(61..<77, with: digest)
        let kept = try [StoredRecord.privateKey, .certificate, .caCertificates].map {
            ($0, try #require(try life.record($0)))
        }
        try write(kept + [(.state, state)], to: &life.store)
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(life.authority.asked.map(\.messageType) == ["19", "17"])
        #expect(try life.record(.state)?.count == 119)
    }

    // MARK: Without a clock

    /// A device without a clock learns the time from a reply's Date, and renews by it.
    @Test func deviceWithoutAClockRenewsByADate() throws {
        let life = try enrolled()
        life.hasClock = false
        life.tellsDate = true
        life.pass(days: 30)
        let early = try life.powerUp()
        #expect(early.verdict == "done" && early.operations == ["GetCACaps"], "\(early.lines)")
        #expect(early.warnings.isEmpty)
        life.pass(days: 40)
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACaps", "GetCACert", "PKIOperation"])
        #expect(run.warnings == ["the time is not certain, so validity was checked as far as it is"])
        #expect(try life.holdsMatchingPair())
        // What the CA signed is a proof of the time; the Date is none.
        let floor = try #require(try life.record(.state))[16..<22].reduce(0) { $0 << 8 | Int64($1) }
        #expect(floor == life.authority.time)
        // Without a Date nobody knows, and nothing is asked for but that.
        life.tellsDate = false
        life.pass(days: 99)
        let unknown = try life.powerUp()
        #expect(unknown.verdict == "done" && unknown.operations == ["GetCACaps"], "\(unknown.lines)")
    }

    // MARK: What an operator asks for

    @Test func whatIsAskedForIsDoneAlone() throws {
        let rows: [(Goal, [String], String?)] = [
            (.renew, ["GetCACaps", "GetCACert", "PKIOperation"], "17"),
            (.enrol, ["GetCACaps", "GetCACert", "PKIOperation"], "19"),
            (.revocationList, ["GetCACaps", "PKIOperation"], "22"),
            (.certificate, ["GetCACaps", "PKIOperation"], "21"),
            (.resume, [], nil), (.giveUp, [], nil), (.nextCA, ["GetCACaps", "GetNextCACert"], nil),
        ]
        let life = try enrolled("challenge=secret", "challenge-use=always")
        life.settings += ["check=crl", "stay=yes"]
        for (requestedGoal, operations, type) in rows {
            life.pass(days: 1)
            let count = life.authority.asked.count
            let run = try life.powerUp { $0.requestedGoal = requestedGoal }
            #expect(run.verdict == "done", "\(run.lines)")
            #expect(run.operations == operations && run.waits.isEmpty)
            #expect(life.authority.asked.dropFirst(count).map(\.messageType) == (type.map { [$0] } ?? []))
        }
    }

    /// A run that may not wait ends with what failed, and the next goes on; a timer's leaves it until its time.
    @Test func runsThatMayNotWaitEnd() throws {
        let life = try DeviceLife("retry=600", "poll=3600")
        life.network = { _, _ in .timedOut }
        func run(isTimer: Bool = false) throws -> DeviceLife.Run {
            try life.powerUp { ($0.mayWait, $0.defers) = (false, isTimer) }
        }
        #expect(try run().waits.isEmpty)
        #expect(try run(isTimer: true).operations == ["GetCACaps"])
        let deferred = try run(isTimer: true)
        #expect(deferred.verdict == "done" && deferred.operations.isEmpty)
        life.network = { _, _ in nil }
        life.authority.answer = { number, _ in number < 3 ? .pending : .issue }
        #expect(try run().verdict.hasPrefix("error still-pending: "))
        #expect(try run().verdict.hasPrefix("error still-pending: "))
        let last = try run()
        #expect(last.verdict == "done" && last.waits.isEmpty, "\(last.lines)")
        #expect(life.authority.asked.map(\.messageType) == ["19", "20", "20"])
    }

    /// A transaction that is given up has ended; the password that went with it is spent.
    @Test func transactionIsGivenUp() throws {
        let life = try DeviceLife("polls=1", "challenge=once")
        life.authority.answer = { _, _ in .pending }
        #expect(try life.powerUp().verdict.hasPrefix("error still-pending: "))
        let given = try life.powerUp { $0.requestedGoal = .giveUp }
        #expect(given.verdict == "done" && given.operations.isEmpty, "\(given.lines)")
        #expect(try life.records() == [.caCertificates, .state])
        #expect(try life.powerUp().verdict.hasPrefix("error password-spent: "))
    }

    // MARK: Elliptic curves

    /// An EC key: whatever is for it is encrypted with the password (RFC 8894, 3.1), of renewals too, so that it has to be
    /// a shared one. Nothing is asked before that is so.
    @Test func anECKeyNeedsASharedPassword() throws {
        let life = try DeviceLife("key=p256", "challenge=4711-secret")
        let unshared = try life.powerUp()
        #expect(unshared.verdict.contains("challenge-use=always") && unshared.operations.isEmpty, "\(unshared.verdict)")
        life.settings = ["key=p256"]
        let missing = try life.powerUp()
        #expect(missing.verdict.contains("challenge") && missing.operations.isEmpty, "\(missing.verdict)")
        life.settings = ["key=p256", "challenge=4711-secret", "allow=no-renewal"]
        life.authority.answer = { _, _ in .refuse }
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error refused: "), "\(run.verdict)")
        #expect(run.lines.contains("making a key: P-256"))
        #expect(try #require(life.authority.asked.first).requestText().contains("prime256v1"))
    }
}
