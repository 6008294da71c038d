import DeviceCrypto
import SCEP
import TestKeys
import TestSupport
import Testing

@testable import Agent

/// Whole lives of a device at a CA of openssl's making: from nothing to a certificate, and what comes in between.
@Suite struct AgentEnrolmentTests {
    private static let day = 86_400.0

    @Test func deviceEnrolsAndHasNothingToDo() throws {
        let life = try DeviceLife("challenge=4711-secret", "san=DNS:a.example", "jitter=0")
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert", "PKIOperation"])
        let asked = try #require(life.authority.asked.first)
        #expect(asked.messageType == "19" && life.authority.asked.count == 1)
        let text = try asked.requestText()
        #expect(text.contains("CN = sensor") && text.contains("DNS:a.example"))
        #expect(text.contains("challengePassword") && text.contains(":4711-secret"))
        // The request signs itself, and the message is signed with the same key (RFC 8894, 2.3).
        let signer = try OpenSSL.run(["x509", "-noout", "-pubkey"], input: asked.signer)
        #expect(try signer == OpenSSL.run(["req", "-inform", "DER", "-noout", "-pubkey"], input: asked.content))

        let issued = try #require(life.authority.issued.first)
        #expect(try life.record(.certificate) == issued.der)
        #expect(try life.record(.caCertificates) == life.authority.identity.der)
        #expect(try life.holdsMatchingPair())
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
        // Two thirds of a hundred days, less nothing.
        #expect(
            run.events == [
                "operation=PKCSReq outcome=issued next=renew at=2026-03-08T16:00:00Z subject=\"CN=sensor\""
            ])
        #expect(
            run.lines == [
                "asking the CA what it can do", "fetching the CA's certificates", "making a key: RSA-2048",
                "writing to storage", "requesting a certificate", "writing to storage", run.lines.last ?? "",
            ])
        #expect(run.warnings.isEmpty && run.waits.isEmpty)
        #expect(run.lines.last?.contains(" transactionID=\(asked.transactionID) ") == true)

        let next = try life.powerUp()
        #expect(next.verdict == "done" && next.operations.isEmpty)
        #expect(
            next.events == ["operation=- outcome=current next=renew at=2026-03-08T16:00:00Z subject=\"CN=sensor\""])
    }

    /// A CA that leaves it to a person is asked again, in waits that double, with the same transaction.
    @Test func pendingDeviceAsksUntilItIsApproved() throws {
        let life = try DeviceLife("poll=60", "poll-cap=100")
        life.authority.answer = { number, _ in number < 4 ? .pending : .issue }
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let asked = life.authority.asked
        #expect(asked.map(\.messageType) == ["19", "20", "20", "20"])
        #expect(Set(asked.map(\.transactionID)).count == 1 && Set(asked.map(\.senderNonce)).count == 4)
        #expect(run.waits == [60, 100, 100])
        #expect(run.operations == ["GetCACaps", "GetCACert"] + [String](repeating: "PKIOperation", count: 4))
        #expect(
            run.events.dropLast() == [
                "operation=PKCSReq outcome=pending next=poll in=60",
                "operation=CertPoll outcome=pending next=poll in=100",
                "operation=CertPoll outcome=pending next=poll in=100",
            ])
        #expect(run.lines.contains("pending: asking again in 60 s"))
        // IssuerAndSubject (RFC 8894, 3.3.3): the CA's name, and the device's.
        let names = try ["-subject"].flatMap { option in
            try OpenSSL.run(
                ["x509", "-noout", option, "-nameopt", "RFC2253"], input: life.authority.identity.certificate)
        }
        #expect(String(decoding: names, as: UTF8.self) == "subject=CN=Example CA,O=Example\n")
        let content = try OpenSSL.run(["asn1parse", "-inform", "DER"], input: asked[1].content)
        let words = String(decoding: content, as: UTF8.self).matches(of: /STRING *:(.*)/).map { String($0.output.1) }
        #expect(words == ["Example", "Example CA", "sensor"])
        #expect(try life.holdsMatchingPair())
    }

    /// Switched off while it is pending, it goes on with the same transaction and key; the CA is asked for nothing else.
    @Test func pendingSurvivesAPowerOff() throws {
        let life = try DeviceLife("polls=1", "challenge=4711-secret")
        life.authority.answer = { number, _ in number < 3 ? .pending : .issue }
        let first = try life.powerUp()
        #expect(first.verdict.hasPrefix("error still-pending: "), "\(first.lines)")
        #expect(first.waits == [60])
        #expect(try life.records().contains(.transactionKey))
        life.pass(days: 1)
        let second = try life.powerUp()
        #expect(second.verdict == "done", "\(second.lines)")
        #expect(second.operations == ["GetCACaps", "PKIOperation"] && second.waits.isEmpty)
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 1)
        #expect(life.authority.asked.last?.messageType == "20")
        #expect(try life.holdsMatchingPair())
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
    }

    /// The password that went into a request is needed to make the same again, and not to ask what became of it.
    @Test(arguments: [true, false]) func passwordThatIsGoneIsMissedWhereItIsNeeded(isPending: Bool) throws {
        let life = try DeviceLife("polls=1", "retries=0", "challenge=4711-secret")
        life.authority.answer = { _, _ in isPending ? .pending : .status(503) }
        #expect(try life.powerUp().verdict.hasPrefix(isPending ? "error still-pending: " : "error http-status: "))
        life.settings = ["polls=1", "retries=0"]
        life.authority.answer = { _, _ in .issue }
        let run = try life.powerUp()
        #expect(isPending ? run.verdict == "done" : run.verdict.hasPrefix("error password-needed: "), "\(run.lines)")
        #expect(run.operations.isEmpty == !isPending)
        // Another one begins another transaction, unless the first is pending.
        life.settings = ["polls=1", "retries=0", "challenge=another"]
        #expect(try life.powerUp().verdict == "done")
        #expect(Set(life.authority.asked.map(\.transactionID)).count == (isPending ? 1 : 2))
    }

    /// A reply that was lost: the same request comes again, byte for byte but for nonce and signature.
    @Test func lostReplyIsAskedForAgain() throws {
        let life = try DeviceLife("challenge=4711-secret", "retries=0")
        life.network = { number, _ in number == 3 ? .timedOut : nil }
        life.authority.answer = { _, _ in .issue }
        let lost = try life.powerUp()
        #expect(lost.verdict.hasPrefix("error timed-out: "), "\(lost.lines)")
        life.network = { _, _ in nil }
        life.authority.answer = { number, _ in number == 1 ? .silence : .issue }
        #expect(try life.powerUp().verdict.hasPrefix("error no-reply: "))
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "PKIOperation"])
        let asked = life.authority.asked
        #expect(asked.count == 2)
        #expect(asked[0].transactionID == asked[1].transactionID && asked[0].content == asked[1].content)
        let envelopes = try asked.map {
            try OpenSSL.run(["cms", "-verify", "-noverify", "-binary", "-inform", "DER"], input: $0.message)
        }
        #expect(envelopes[0] == envelopes[1])
    }

    /// What blinds the key is none of what makes the request repeatable, which whoever reads the store has: it is the
    /// device's own, and new each time.
    @Test func keyIsBlindedAnewForTheSameRequest() throws {
        let bench = try AgentBench(hasBegun: ())
        func next(_ random: inout RandomGenerator) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 16)
            var buffer = bytes.mutableSpan
            try random.fill(&buffer)
            return bytes
        }
        func request(_ seed: UInt8) throws -> [UInt8]? {
            bench.random = try seededRandom(seed)
            guard case .exchange(.pkcsReq, .post(let message)) = try bench.step() else { return nil }
            var untouched = try seededRandom(seed)
            #expect(try next(&bench.random) != next(&untouched))
            return Array(bench.work[message])
        }
        let first = try #require(try request(0x11))
        #expect(try request(0x22) == first)
    }

    /// A refusal is the CA's last word: the password went with it, and without one a new transaction is begun.
    @Test func refusalEndsTheTransaction() throws {
        let life = try DeviceLife()
        life.authority.answer = { number, _ in number == 1 ? .refuse : .issue }
        let refused = try life.powerUp()
        #expect(refused.verdict.hasPrefix("error refused: the CA says no (badRequest)"), "\(refused.lines)")
        #expect(refused.verdict.hasSuffix("it says: stolen"))
        #expect(refused.events == ["operation=PKCSReq outcome=refused error=refused next=none"])
        #expect(try life.records() == [.caCertificates, .state])
        let again = try life.powerUp()
        #expect(again.verdict == "done")
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 2)

        let single = try DeviceLife("challenge=4711-secret")
        single.authority.answer = { _, _ in .refuse }
        #expect(try single.powerUp().verdict.hasPrefix("error refused: "))
        #expect(try single.powerUp().verdict.hasPrefix("error password-spent: "))
        single.authority.answer = { _, _ in .issue }
        single.settings = ["challenge=another"]
        #expect(try single.powerUp().verdict == "done")
        #expect(single.authority.asked.count == 2)
    }

    /// Old servers take GET alone: said by their capabilities, or by the status of a POST.
    @Test(arguments: [true, false]) func serverThatTakesNoPostIsSentGET(saysSo: Bool) throws {
        let life = try DeviceLife()
        life.authority.takesPost = false
        if saysSo { life.authority.capabilities = ["AES", "SHA-256"] }
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations.count == (saysSo ? 3 : 4))
        #expect(life.authority.asked.count == 1)
    }

    /// A server that answers the request with nothing of use gets a new one after five times, where no password is in it.
    @Test func requestThatIsNotTakenIsMadeAnew() throws {
        let life = try DeviceLife("retries=20", "retry=1", "retry-cap=1")
        life.authority.answer = { number, _ in number <= 5 ? .status(500) : .issue }
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        let identifiers = life.authority.asked.map(\.transactionID)
        #expect(identifiers.count == 6)
        #expect(Set(identifiers.prefix(5)).count == 1 && identifiers[5] != identifiers[0])
        // The first may be since the CA has other certificates.
        #expect(run.operations.filter { $0 == "GetCACert" }.count > 1)
        #expect(try life.holdsMatchingPair())

        let single = try DeviceLife("retries=8", "retry=1", "retry-cap=1", "challenge=4711-secret")
        single.authority.answer = { _, _ in .status(500) }
        #expect(try single.powerUp().verdict.hasPrefix("error http-status: "))
        #expect(Set(single.authority.asked.map(\.transactionID)).count == 1)
    }

    /// What would fail again is not tried again.
    @Test func wrongFingerprintEndsTheRun() throws {
        let life = try DeviceLife("retries=5")
        life.fingerprint = try OpenSSLIdentity.recipient.fingerprint()
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error fingerprint-mismatch: "), "\(run.verdict)")
        #expect(run.waits.isEmpty && life.authority.asked.isEmpty)
    }

    /// Waits grow from one failure to the next, and a run ends after as many as were configured.
    @Test func failuresAreTriedAgainAndThenNamed() throws {
        let life = try DeviceLife("retries=3", "retry=100")
        life.network = { _, _ in .timedOut }
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error timed-out: "))
        #expect(run.waits.count == 3)
        for (wait, cap) in zip(run.waits, [100, 200, 400] as [UInt64]) { #expect((cap / 2...cap).contains(wait)) }
        #expect(run.operations == [String](repeating: "GetCACaps", count: 4))
        #expect(run.lines.contains { $0.hasPrefix("failed: trying again in ") })
        #expect(run.events.allSatisfy { $0.hasPrefix("operation=GetCACaps outcome=failed error=timed-out ") })
    }
}
