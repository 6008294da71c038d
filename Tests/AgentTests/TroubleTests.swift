import PKIX
import SCEP
import TestSupport
import Testing

@testable import Agent

/// Whole lives of a device at servers that fail, refuse, or answer with what is of no use.
@Suite struct TroubleTests {
    private func enrolled(_ settings: String..., days: Double = 0) throws -> DeviceLife {
        let life = try DeviceLife("jitter=0")
        life.settings += settings
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        life.pass(days: days)
        return life
    }

    // MARK: Requests

    /// The CA's identifier goes with what asks for the CA, and with nothing else.
    @Test func requestsGoWhereTheyAreConfiguredTo() throws {
        for (settings, suffix) in [([], ""), (["message=7"], "&message=7"), (["message=ca"], "&message=ca")] {
            let life = try DeviceLife()
            life.settings = settings
            let run = try life.powerUp()
            #expect(
                run.targets == [
                    "/scep?operation=GetCACaps\(suffix)", "/scep?operation=GetCACert\(suffix)",
                    "/scep?operation=PKIOperation",
                ])
        }
        let life = try DeviceLife("message=7")
        life.authority.capabilities = ["AES", "SHA-256"]
        #expect(try life.powerUp().targets.last == "/scep?operation=PKIOperation&message=…")
    }

    /// Old servers take GET alone, and say so with one of these statuses; others refuse the request itself.
    @Test(arguments: [(200, true), (405, true), (501, true), (201, false), (404, false), (400, false), (500, false)])
    func serverThatTakesNoPostSaysSo(status: Int, isOfPost: Bool) throws {
        let life = try DeviceLife("retries=0")
        life.authority.takesPost = false
        life.authority.statusOfPost = status
        let run = try life.powerUp()
        #expect((run.verdict == "done") == isOfPost, "\(run.lines)")
        #expect(life.authority.asked.count == (isOfPost ? 1 : 0))
        let messages = run.targets.filter { $0.contains("PKIOperation") }
        #expect(
            isOfPost
                ? messages == ["/scep?operation=PKIOperation", "/scep?operation=PKIOperation&message=…"]
                : messages.allSatisfy { !$0.contains("message") })
    }

    /// Once it is known that there is no POST, the run goes on with GET; after a wait POST is tried again.
    @Test func postIsTriedAgainAfterAWait() throws {
        let life = try DeviceLife()
        life.authority.takesPost = false
        life.authority.answer = { number, _ in number == 1 ? .pending : .issue }
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let plain = "/scep?operation=PKIOperation"
        #expect(run.targets.dropFirst(2) == [plain, plain + "&message=…", plain, plain + "&message=…"])
        // Refused as GET too, it is refused.
        let other = try DeviceLife("retries=0")
        other.answer = { $0.contains("PKIOperation") ? OpenSSLAuthority.Reply(status: 405) : nil }
        let refused = try other.powerUp()
        #expect(refused.verdict.hasPrefix("error http-status: the answer to PKCSReq is HTTP 405"), "\(refused.lines)")
    }

    // MARK: Other certificates

    /// A request that fails may be for a CA's former certificate: the CA has another one by now, for the same key. It is
    /// stored, and the same request is sent again.
    @Test(arguments: [400, 500, 502]) func newCertificatesExplainAFailure(status: Int) throws {
        let life = try DeviceLife("retries=0", "challenge=4711-secret")
        let former = life.authority.identity
        let successor = try OpenSSLIdentity(authority: former, from: "20260101000000Z", until: "20320101000000Z")
        life.authority.answer = { number, _ in
            if number == 2 { life.authority.identity = successor }
            return number == 1 ? .status(503) : number == 2 ? .status(status) : .issue
        }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "PKIOperation", "GetCACert", "PKIOperation"])
        #expect(try life.record(.caCertificates) == successor.der)
        let asked = life.authority.asked
        try #require(asked.count == 3)
        #expect(Set(asked.map(\.transactionID)).count == 1 && asked[1].content == asked[2].content)
        #expect(try life.holdsMatchingPair())
    }

    /// The same certificates explain nothing: the failure is the request's own, and they are fetched once a run.
    @Test(arguments: [(500, 1), (503, 0), (429, 1)]) func sameCertificatesExplainNothing(status: Int, fetched: Int)
        throws
    {
        let life = try DeviceLife("retries=1", "retry=1")
        life.authority.answer = { _, _ in .status(status) }
        // Fresh from GetCACert, they are not fetched again; in the next run they are.
        let first = try life.powerUp()
        #expect(first.verdict.hasPrefix("error http-status: the answer to PKCSReq is HTTP \(status)"), "\(first.lines)")
        life.settings = ["retries=0"]
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error http-status: the answer to PKCSReq is HTTP \(status)"), "\(run.lines)")
        #expect(run.operations.filter { $0 == "GetCACert" }.count == fetched, "\(run.operations)")
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 1)
        // How often it was answered with nothing of use (Docs/Storage.md).
        let tries = try #require(try life.record(.transaction))[78]
        #expect(tries == (status == 503 ? 0 : 1))
    }

    /// Whatever a stranger gives as the first certificate of a chain, nothing is encrypted to it: whether the chain ends
    /// there, or goes on with a registration authority that is pinned, and without its CA.
    @Test(arguments: [false, true]) func strangersChainIsForgotten(goesOn: Bool) throws {
        let life = try DeviceLife("stay=yes", "retry=1")
        let stranger = try OpenSSLIdentity.recipient
        let request = try withTemporaryDirectory { directory in
            try OpenSSL.run(["req", "-new", "-subj", "/CN=RA", "-key", directory.write(TestKey.rsa.pem, to: "key")])
        }
        let ra = try OpenSSLIdentity(
            key: [],
            pem: OpenSSLIdentity.certify(
                request, by: .recipient, from: "20250801000000Z", until: "20290101000000Z",
                extensions: ["keyUsage=critical,digitalSignature,keyEncipherment"]))
        life.fingerprint = try "\(life.fingerprint),\(ra.fingerprint())"
        var given = 0
        life.answer = { target in
            guard target.contains("GetCACert") else { return nil }
            given += 1
            switch given {
            case 1: return nil
            case 2: return OpenSSLAuthority.Reply(body: stranger.der)
            default: return goesOn ? OpenSSLAuthority.Reply(body: ra.der) : OpenSSLAuthority.Reply(status: 404)
            }
        }
        life.authority.answer = { number, _ in number < 3 ? .status(502) : .issue }
        life.waitLimit = 3
        let run = try life.powerUp()
        #expect(given == 3 && run.targets.contains("/scep?operation=GetCACert&message=1"), "\(run.targets)")
        #expect(life.authority.asked.count == 3, "\(run.lines)")
        let error = goesOn ? "not-a-ca" : "fingerprint-mismatch"
        #expect(
            run.events.contains { $0.contains("operation=GetCACert outcome=refused error=\(error)") }, "\(run.events)")
        #expect(run.events.contains { $0.contains("outcome=issued") }, "\(run.events)")
        #expect(try life.record(.caCertificates) == life.authority.identity.der)
    }

    /// Two fingerprints reach two CAs: a request that is open goes to none but its own.
    @Test func openRequestStaysAtItsCA() throws {
        let other = try OpenSSLIdentity(
            authority: "/O=Example/CN=Another CA", from: "20250701000000Z", until: "20290701000000Z")
        let life = try DeviceLife("retries=3", "retry=1")
        life.fingerprint = try "\(life.fingerprint),\(other.fingerprint())"
        let first = life.authority.identity
        life.authority.answer = { number, _ in number == 1 ? .status(500) : .issue }
        var given = 0
        life.answer = { target in
            guard target.contains("GetCACert") else { return nil }
            given += 1
            return given == 2 ? OpenSSLAuthority.Reply(body: other.der) : nil
        }
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error fingerprint-mismatch: "), "\(run.lines)")
        #expect(try life.record(.caCertificates) == first.der)
        let again = try life.powerUp()
        #expect(again.verdict == "done", "\(again.lines)")
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 1 && life.authority.asked.count == 2)
    }

    // MARK: Certificates of no use

    /// A certificate of no use ends the transaction, but for one with a password for one request in it.
    @Test(
        arguments: [
            ([], true), (["challenge=4711-secret"], false), (["challenge=4711-secret", "challenge-use=always"], true),
        ] as [([String], Bool)])
    func certificateOfNoUse(settings: [String], isEnded: Bool) throws {
        let life = try DeviceLife("retries=0")
        life.settings += settings
        life.authority.issuer = try OpenSSLIdentity(
            authority: "/O=Example/CN=Another CA", from: "20250701000000Z", until: "20290701000000Z")
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error wrong-issuer: "), "\(run.lines)")
        #expect(run.events == ["operation=PKCSReq outcome=refused error=wrong-issuer next=none"])
        #expect(
            try life.records()
                == (isEnded ? [.caCertificates, .state] : [.caCertificates, .transaction, .transactionKey, .state]))
        life.authority.issuer = nil
        #expect(try life.powerUp().verdict == "done")
        let asked = life.authority.asked
        try #require(asked.count == 2)
        #expect((asked[0].transactionID == asked[1].transactionID) == !isEnded)
        #expect((asked[0].content == asked[1].content) == !isEnded)
        #expect(try life.holdsMatchingPair())
    }

    /// By a clock, what has expired is of no use. By a Date, which nobody signs, it may not have.
    @Test(arguments: [true, false]) func certificateThatIsOver(hasClock: Bool) throws {
        let life = try DeviceLife("retries=0")
        (life.hasClock, life.tellsDate) = (hasClock, true)
        life.authority.age = 150
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error expired: "), "\(run.lines)")
        #expect(try life.records().contains(.transaction) == !hasClock)
        // What is of no use for another reason is so whatever the time.
        let other = try DeviceLife("retries=0")
        other.hasClock = hasClock
        other.authority.issuer = try OpenSSLIdentity(
            authority: "/O=Example/CN=Another CA", from: "20250701000000Z", until: "20290701000000Z")
        #expect(try other.powerUp().verdict.hasPrefix("error wrong-issuer: "))
        #expect(try !other.records().contains(.transaction))
    }

    // MARK: Questions

    /// A question that has no answer keeps from no other, and the run ends with it; once.
    @Test func questionsWithoutAnswersAreWhatTheRunEndsWith() throws {
        let life = try enrolled("check=crl,certificate", "retries=0", days: 1)
        life.authority.answer = { _, asked in asked.messageType == "22" ? .status(404) : .issue }
        let list = try life.powerUp()
        #expect(list.verdict.hasPrefix("error http-status: the answer to GetCRL is HTTP 404"), "\(list.lines)")
        // The words were in a buffer that has other things in it by now.
        #expect(!list.verdict.contains("it says"))
        #expect(list.operations == ["GetCACaps", "PKIOperation", "GetCACaps", "PKIOperation"])
        #expect(
            list.events.map { $0.split(separator: " next=")[0] } == [
                "operation=- outcome=current", "operation=GetCRL outcome=failed error=http-status",
                "operation=GetCert outcome=known",
            ])
        life.authority.answer = { _, asked in asked.messageType == "21" ? .status(404) : .issue }
        let certificate = try life.powerUp()
        #expect(certificate.verdict.hasPrefix("error http-status: the answer to GetCert is HTTP 404"))
        #expect(certificate.verdict.hasSuffix("it says: no"), "\(certificate.verdict)")
        #expect(
            certificate.events.map { $0.split(separator: " next=")[0] } == [
                "operation=- outcome=current", "operation=GetCRL outcome=not-revoked",
                "operation=GetCert outcome=failed error=http-status",
            ])
        // Tried again as often as is configured.
        life.settings = ["jitter=0", "check=crl,certificate", "retries=2", "retry=1"]
        life.authority.answer = { _, asked in asked.messageType == "22" ? .status(404) : .issue }
        let retried = try life.powerUp()
        #expect(retried.verdict.hasPrefix("error http-status: the answer to GetCRL is HTTP 404"))
        #expect(retried.waits.count == 2 && retried.events.count == 5, "\(retried.lines)")
        // Asked for by an operator, it is all there is.
        let asked = try life.powerUp { $0.requestedGoal = .revocationList }
        #expect(asked.verdict.hasSuffix("it says: no") && asked.waits.count == 2, "\(asked.lines)")
    }

    /// That the certificate is revoked is an answer, and nothing else is asked after it.
    @Test func revocationEndsTheRun() throws {
        let life = try enrolled("check=crl,certificate", days: 1)
        let held = try #require(life.authority.issued.first)
        let serial = try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-serial"], input: held.der)
        life.authority.revoked = [String(String(decoding: serial, as: UTF8.self).split(separator: "=")[1].dropLast())]
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error revoked: ") && run.operations == ["GetCACaps", "PKIOperation"])
        #expect(run.events.count == 2 && run.waits.isEmpty, "\(run.events)")
    }

    /// A device that stays asks again at its next look.
    @Test func deviceThatStaysAsksAgainAtItsNextLook() throws {
        let life = try enrolled("check=crl", "retries=0", "check-interval=3600", days: 1)
        life.settings.append("stay=yes")
        life.authority.answer = { number, _ in number < 5 ? .status(404) : .issue }
        life.waitLimit = 3
        let count = life.authority.asked.count
        let run = try life.powerUp()
        #expect(run.waits == [3600, 3600, 3600], "\(run.lines)")
        #expect(life.authority.asked.count == count + 3)
        #expect(
            run.events.prefix(4).map { $0.split(separator: " next=")[0] } == [
                "operation=- outcome=current", "operation=GetCRL outcome=failed error=http-status",
                "operation=GetCRL outcome=failed error=http-status", "operation=GetCRL outcome=not-revoked",
            ])
    }

    /// What a CA answers to a question that is no answer to it.
    @Test func answersThatAreNone() throws {
        let other = try OpenSSLIdentity(
            authority: "/O=Example/CN=Another CA", from: "20250701000000Z", until: "20290701000000Z")
        let life = try enrolled(days: 1)
        let list = try withTemporaryDirectory { directory in
            let der = try other.revocationList()
            let pem = try OpenSSL.run(["crl", "-inform", "DER"], input: der)
            return try OpenSSL.run(["crl2pkcs7", "-outform", "DER", "-in", directory.write(pem, to: "crl")])
        }
        let rows: [(Goal, OpenSSLAuthority.Answer, String)] = try [
            (
                .certificate, .refuse,
                "error refused: the CA says no (badRequest); see the CA's log: it may not answer this; it says: stolen"
            ),
            (
                .revocationList, .refuse,
                "error refused: the CA says no (badRequest); see the CA's log: it may not answer this; it says: stolen"
            ),
            (.certificate, .pending, "error unknown-status: "),
            (.revocationList, .pending, "error unknown-status: "),
            (.certificate, .envelope(OpenSSLIdentity.bundle([other])), "error wrong-certificate: "),
            (.revocationList, .envelope(OpenSSLIdentity.bundle([other])), "error no-crl: "),
            (.revocationList, .envelope(list), "error wrong-crl: "),
        ]
        for (requestedGoal, answer, verdict) in rows {
            life.authority.answer = { _, _ in answer }
            let run = try life.powerUp { $0.requestedGoal = requestedGoal }
            #expect(run.verdict.hasPrefix(verdict), "\(run.verdict)")
            #expect(run.events.last?.contains("outcome=refused error=") == true && run.waits.isEmpty)
        }
    }

    // MARK: Storage

    /// What keeps a device from starting is told like what it fails at later.
    @Test func storeThatIsDamagedIsAnEvent() throws {
        let life = try DeviceLife()
        try life.store.open()
        try write([(.state, [1, 2, 3])], to: &life.store)
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error storage-corrupt: ") && run.operations.isEmpty)
        #expect(run.events == ["operation=- outcome=refused error=storage-corrupt next=none"])
    }

    /// A device that stays says what it failed at before it waits, and not after.
    @Test func failureIsToldBeforeTheWait() throws {
        let life = try enrolled("stay=no", days: 70)
        life.settings = ["jitter=0", "stay=yes", "retry-cap=700"]
        life.waitLimit = 2
        // The key cannot be read, when the request is to be made.
        life.afterStoring = { number, store in if number == 1 { store.flash.operations.fail(at: 1) } }
        let run = try life.powerUp()
        let place = try #require(run.lines.firstIndex { $0.contains(" error=storage-failed ") }, "\(run.lines)")
        #expect(run.lines[place] == "event operation=- outcome=refused error=storage-failed next=retry in=700")
        #expect(run.lines[place + 1] == "failed: trying again in 700 s" && run.waits.first == 700)
        // Which passes.
        #expect(run.events.contains { $0.contains("operation=RenewalReq outcome=issued") })
    }

    /// Whoever may not wait ends instead, whatever the device does by itself.
    @Test func whoeverMayNotWaitEndsWhereStorageFails() throws {
        let life = try enrolled("stay=no", days: 70)
        life.settings = ["jitter=0", "stay=yes", "retry-cap=700"]
        life.afterStoring = { number, store in if number == 1 { store.flash.operations.fail(at: 1) } }
        let run = try life.powerUp { $0.mayWait = false }
        #expect(run.verdict.hasPrefix("error storage-failed: ") && run.waits.isEmpty, "\(run.lines)")
    }

    // MARK: What goes on

    /// A renewal that is under way has no password in it: another one makes no difference to it.
    @Test func renewalGoesOnUnderAnotherPassword() throws {
        let life = try enrolled("challenge=first", "retries=0", days: 70)
        life.authority.answer = { number, _ in number == 2 ? .status(503) : .issue }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        life.settings = ["jitter=0", "challenge=second", "retries=0"]
        #expect(try life.powerUp().verdict == "done")
        let asked = life.authority.asked
        try #require(asked.count == 3)
        #expect(asked.map(\.messageType) == ["19", "17", "17"] && asked[1].transactionID == asked[2].transactionID)
    }

    /// A request for something else begins anew, and one that is spelled otherwise does not.
    @Test func anotherSubjectIsAnotherRequest() throws {
        for (subject, isSame) in [
            ("CN=sensor", true), ("cn=sensor", true), ("CN=sensor 8", false), ("CN=sensor,O=Example", false),
        ] {
            let life = try DeviceLife("retries=0")
            life.authority.answer = { number, _ in number == 1 ? .status(503) : .issue }
            #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
            life.subject = subject
            #expect(try life.powerUp().verdict == "done")
            let asked = life.authority.asked
            try #require(asked.count == 2)
            #expect((asked[0].transactionID == asked[1].transactionID) == isSame, "\(subject)")
        }
    }

    /// What ends a run before anything is sent is told once, too.
    @Test func whatEndsARunIsAnEvent() throws {
        let life = try DeviceLife("challenge=4711-secret")
        life.authority.answer = { _, _ in .refuse }
        #expect(try life.powerUp().verdict.hasPrefix("error refused: "))
        let spent = try life.powerUp()
        #expect(spent.events == ["operation=- outcome=refused error=password-spent next=none"])
        let pending = try DeviceLife("polls=1")
        pending.authority.answer = { _, _ in .pending }
        let run = try pending.powerUp()
        #expect(run.verdict.hasPrefix("error still-pending: "))
        #expect(
            run.events.map { $0.split(separator: " next=")[0] } == [
                "operation=PKCSReq outcome=pending", "operation=CertPoll outcome=pending",
            ])
        let needed = try DeviceLife("retries=0", "challenge=4711-secret")
        needed.authority.answer = { _, _ in .status(503) }
        _ = try needed.powerUp()
        needed.settings = ["retries=0"]
        #expect(try needed.powerUp().events == ["operation=- outcome=refused error=password-needed next=none"])
    }

    /// A password that cannot be had is missed where a request would have it, and not by a renewal without one.
    @Test func passwordThatCannotBeHad() throws {
        let life = try DeviceLife("jitter=0")
        #expect(try life.powerUp { $0.passwordIsUnavailable = true }.verdict.hasPrefix("error password-needed: "))
        #expect(try life.powerUp().verdict == "done")
        life.pass(days: 70)
        #expect(try life.powerUp { $0.passwordIsUnavailable = true }.verdict == "done")
        life.pass(days: 70)
        life.settings = ["jitter=0", "challenge-use=always"]
        #expect(try life.powerUp { $0.passwordIsUnavailable = true }.verdict.hasPrefix("error password-needed: "))
    }

    // MARK: Without a clock

    /// Whatever is checked by a time that is not certain, that is said: of a certificate, of a CA, of a list.
    @Test func uncertainTimeIsToldWhereverItCounts() throws {
        let words = "the time is not certain, so validity was checked as far as it is"
        let pending = try DeviceLife("polls=1")
        pending.hasClock = false
        pending.authority.answer = { number, _ in number < 3 ? .pending : .issue }
        #expect(try pending.powerUp().verdict.hasPrefix("error still-pending: "))
        // CertPoll alone.
        #expect(try pending.powerUp().warnings == [words])

        let life = try enrolled(days: 1)
        (life.hasClock, life.tellsDate) = (false, true)
        for requestedGoal in [Goal.certificate, .revocationList] {
            let run = try life.powerUp { $0.requestedGoal = requestedGoal }
            #expect(run.verdict == "done" && run.warnings == [words], "\(run.lines)")
        }
        // GetCACert alone.
        let successor = try OpenSSLIdentity(
            authority: life.authority.identity, from: "20260101000000Z", until: "20320101000000Z")
        life.authority.identity = successor
        life.fingerprint = try successor.fingerprint()
        let run = try life.powerUp()
        #expect(run.verdict == "done" && run.operations.contains("GetCACert"), "\(run.lines)")
        #expect(run.warnings == [words])
        // GetNextCACert alone.
        life.authority.next = try OpenSSLIdentity(
            authority: "/O=Example/CN=Next CA", from: "20260101000000Z", until: "20350101000000Z")
        let next = try life.powerUp { $0.requestedGoal = .nextCA }
        #expect(next.verdict == "done" && next.warnings == [words], "\(next.lines)")
        // With a clock it is certain.
        life.hasClock = true
        #expect(try life.powerUp { $0.requestedGoal = .certificate }.warnings.isEmpty)
    }

    /// By a Date nothing has expired for certain: a device that stays asks again.
    @Test func certificateThatIsOverByADateIsAskedForAgain() throws {
        for hasClock in [false, true] {
            let life = try DeviceLife("stay=yes", "retry-cap=1000", "check-interval=3600")
            (life.hasClock, life.tellsDate) = (hasClock, true)
            life.authority.age = 150
            life.waitLimit = 1
            let run = try life.powerUp()
            #expect(run.waits.isEmpty == hasClock, "\(run.lines)")
            if !hasClock { #expect((500...1000).contains(try #require(run.waits.first))) }
        }
    }

    /// Once something is stored that came of it, failures are forgotten.
    @Test func successEndsFailures() throws {
        let life = try DeviceLife("retries=2", "retry=1")
        life.authority.answer = { number, _ in number < 3 ? .status(503) : .issue }
        let run = try life.powerUp()
        #expect(run.verdict == "done" && run.waits.count == 2)
        #expect(try #require(try life.record(.state))[22] == 0)
    }

    /// On a device that stays, a pass that may not wait ends with what had no answer.
    @Test func passOfADeviceThatStaysEnds() throws {
        let life = try enrolled("stay=no", "check=crl", days: 1)
        life.settings = ["jitter=0", "stay=yes", "check=crl"]
        life.authority.answer = { _, _ in .status(404) }
        let run = try life.powerUp { ($0.mayWait, $0.defers) = (false, true) }
        #expect(run.verdict.hasPrefix("error http-status: the answer to GetCRL is HTTP 404") && run.waits.isEmpty)
    }
}
