import SCEP
import TestSupport
import Testing

@testable import Agent

/// What an operator wants, beside what is under way; and what several CAs, types and wishes make of each other.
@Suite struct WishTests {
    private func enrolled(_ settings: String..., days: Double = 0) throws -> DeviceLife {
        let life = try DeviceLife("jitter=0", "retries=0")
        life.settings += settings
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        life.pass(days: days)
        return life
    }

    private func other() throws -> OpenSSLIdentity {
        try OpenSSLIdentity(
            authority: "/O=Example/CN=Another CA", from: "20250701000000Z", until: "20290701000000Z")
    }

    // MARK: Under way already

    /// Going on with a renewal is as good as beginning it.
    @Test func renewalUnderWayIsTheOneThatIsAskedFor() throws {
        let life = try enrolled(days: 1)
        life.authority.answer = { number, _ in number == 2 ? .status(503) : .issue }
        #expect(try life.powerUp { $0.requestedGoal = .renew }.verdict.hasPrefix("error http-status: "))
        let run = try life.powerUp { $0.requestedGoal = .renew }
        #expect(run.verdict == "done", "\(run.lines)")
        let asked = life.authority.asked
        try #require(asked.count == 3)
        #expect(asked.map(\.messageType) == ["19", "17", "17"] && asked[1].transactionID == asked[2].transactionID)
        // Nothing is left to be gone on with, and nothing else is begun.
        let resumed = try life.powerUp { $0.requestedGoal = .resume }
        #expect(resumed.verdict == "done" && resumed.operations.isEmpty)
    }

    /// With `resume`, what is under way is gone on with, and nothing else is done, whatever is due.
    @Test func resumingBeginsNothing() throws {
        let life = try enrolled("check=crl", days: 70)
        #expect(try life.powerUp { $0.requestedGoal = .resume }.operations.isEmpty)
        life.authority.answer = { number, _ in number == 3 ? .status(503) : .issue }
        #expect(try life.powerUp { $0.requestedGoal = .renew }.verdict.hasPrefix("error http-status: "))
        let run = try life.powerUp { $0.requestedGoal = .resume }
        #expect(run.verdict == "done" && run.operations == ["GetCACaps", "PKIOperation"], "\(run.lines)")
        #expect(life.authority.asked.last?.messageType == "17")
    }

    /// Another enrolment takes the place of what is under way, with the password, whether or not that was used.
    @Test func anotherEnrolmentTakesItsPlace() throws {
        let life = try DeviceLife("retries=0", "challenge=once")
        life.authority.answer = { number, _ in number == 1 ? .status(503) : number == 2 ? .refuse : .issue }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        #expect(try life.powerUp { $0.requestedGoal = .enrol }.verdict.hasPrefix("error refused: "))
        #expect(try life.powerUp().verdict.hasPrefix("error password-spent: "))
        let run = try life.powerUp { $0.requestedGoal = .enrol }
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 3)
        for asked in life.authority.asked { #expect(try asked.requestText().contains(":once")) }
        // Retried in the same run, it is the same.
        let again = try DeviceLife("retries=2", "retry=1")
        again.authority.answer = { number, _ in number < 3 ? .status(503) : .issue }
        #expect(try again.powerUp { $0.requestedGoal = .enrol }.verdict == "done")
        #expect(Set(again.authority.asked.map(\.transactionID)).count == 1)
    }

    /// Nothing is given up where nothing is under way, and what is under way is given up once.
    @Test func givingUp() throws {
        let life = try enrolled(days: 70)
        #expect(try life.powerUp { $0.requestedGoal = .giveUp }.stored.isEmpty)
        life.authority.answer = { _, _ in .status(503) }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        let run = try life.powerUp { $0.requestedGoal = .giveUp }
        #expect(run.verdict == "done" && run.operations.isEmpty)
        #expect(run.stored == [[.privateKey, .certificate, .caCertificates, .state]])
    }

    // MARK: Several CAs

    /// Two fingerprints: where the other CA answers to a renewal, the device enrols there. Whoever asked for a renewal is
    /// told that it is none.
    @Test func renewalThatMeetsAnotherCA() throws {
        let other = try other()
        let life = try DeviceLife("jitter=0", "retries=0")
        life.fingerprint = try "\(life.fingerprint),\(other.fingerprint())"
        #expect(try life.powerUp().verdict == "done")
        life.pass(days: 70)
        life.authority.identity = other
        #expect(try life.powerUp { $0.requestedGoal = .renew }.verdict.hasPrefix("error fingerprint-mismatch: "))
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(life.authority.asked.map(\.messageType) == ["19", "19"])
        #expect(try life.record(.caCertificates) == other.der)
        #expect(try life.powerUp().operations.isEmpty)
    }

    /// Whoever wants another certificate gets it from the CA's successor, under its new fingerprint.
    @Test func enrolmentAtTheSuccessor() throws {
        let life = try enrolled("challenge=once", days: 1)
        let successor = try OpenSSLIdentity(
            authority: life.authority.identity, from: "20260101000000Z", until: "20320101000000Z")
        life.authority.identity = successor
        life.fingerprint = try successor.fingerprint()
        let run = try life.powerUp { $0.requestedGoal = .enrol }
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(life.authority.asked.map(\.messageType) == ["19", "19"])
        #expect(try life.record(.caCertificates) == successor.der)
    }

    /// A password that one CA was told is not told to another, which is known to be another when it was asked.
    @Test func noOtherCAIsToldAPasswordThatIsSpent() throws {
        let life = try enrolled("challenge=once", days: 1)
        let other = try other()
        life.authority.identity = other
        life.fingerprint = try other.fingerprint()
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error password-spent: "), "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert"] && life.authority.asked.count == 1)
        // Whoever asks for another certificate answers for it.
        #expect(try life.powerUp { $0.requestedGoal = .enrol }.verdict == "done")
        #expect(try life.record(.caCertificates) == other.der)
    }

    /// What vouched for a CA of before vouches for no other: back to its fingerprint, the device enrols.
    @Test func formerFingerprintsAreForgottenWithTheirCA() throws {
        let life = try enrolled(days: 1)
        let first = life.authority.identity
        life.authority.identity = try OpenSSLIdentity(
            authority: first, from: "20260101000000Z", until: "20320101000000Z")
        life.fingerprint = try life.authority.identity.fingerprint()
        #expect(try life.powerUp().verdict == "done" && life.authority.asked.count == 1)
        let other = try other()
        life.authority.identity = other
        life.fingerprint = try other.fingerprint()
        #expect(try life.powerUp().verdict == "done" && life.authority.asked.count == 2)
        life.authority.identity = first
        life.fingerprint = try first.fingerprint()
        #expect(try life.powerUp().verdict == "done" && life.authority.asked.count == 3)
        #expect(try life.record(.caCertificates) == first.der)
    }

    /// A move to another CA that is under way: its certificates have a place of their own, also when they are replaced, and
    /// told to come back, the device goes on with what it has.
    @Test func moveToAnotherCAThatIsUnderWay() throws {
        let life = try enrolled(days: 1)
        let (own, other) = try (life.authority.identity, other())
        let pin = life.fingerprint
        let successor = try OpenSSLIdentity(authority: other, from: "20260101000000Z", until: "20320101000000Z")
        life.authority.identity = other
        life.fingerprint = try other.fingerprint()
        life.authority.answer = { number, _ in
            if number == 3 { life.authority.identity = successor }
            return .status(number == 3 ? 500 : 503)
        }
        for certificates in [other.der, successor.der] {
            #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
            #expect(try life.record(.transactionCACertificates) == certificates)
            #expect(try life.record(.caCertificates) == own.der)
        }
        life.fingerprint = pin
        let back = try life.powerUp()
        #expect(back.verdict == "done" && back.operations.isEmpty, "\(back.lines)")
        life.fingerprint = try other.fingerprint()
        life.authority.answer = { _, _ in .issue }
        // The CA is known by what it had when it was begun, as long as a fingerprint reaches that.
        life.fingerprint = try successor.fingerprint()
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(Set(life.authority.asked.dropFirst().map(\.transactionID)).count == 1)
        #expect(try life.record(.caCertificates) == successor.der)
        #expect(try life.records() == [.privateKey, .certificate, .caCertificates, .state])
    }

    /// A CA without a key that can be encrypted to is of no use, and nothing is sent to it.
    @Test func authorityWithoutAKeyToEncryptTo() throws {
        let unusable = try OpenSSLIdentity(
            subject: "/CN=EC CA", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            extensions: ["keyUsage=critical,keyCertSign"])
        let life = try DeviceLife("retries=0", authority: unusable)
        life.hasClock = false
        let run = try life.powerUp()
        #expect(run.verdict.hasPrefix("error no-encryption: "), "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert"] && life.authority.asked.isEmpty)
    }

    // MARK: The other type of renewal

    /// Refused as a PKCSReq, a renewal is a RenewalReq from then on, also after a power-off; with the key that it had.
    @Test(arguments: ["renewal-key=new", "renewal-key=same"]) func otherTypeIsRemembered(key: String) throws {
        let life = try enrolled(key, days: 70)
        let first = try #require(life.authority.issued.first)
        life.authority.capabilities = ["AES", "SHA-256", "POSTPKIOperation", "Renewal"]
        life.authority.answer = { number, _ in number == 2 ? .refuse : number == 3 ? .status(503) : .issue }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        // A renewal, 1, of the other type, 32; with the identity's key, 8.
        #expect(try #require(try life.record(.transaction))[0] == (key == "renewal-key=same" ? 41 : 33))
        #expect(try life.powerUp().verdict == "done")
        let asked = life.authority.asked
        try #require(asked.count == 4)
        #expect(asked.map(\.messageType) == ["19", "19", "17", "17"])
        #expect(asked[2].transactionID == asked[3].transactionID && asked[1].transactionID != asked[2].transactionID)
        #expect(try life.holdsMatchingPair())
        func publicKey(_ certificate: [UInt8]) throws -> [UInt8] {
            try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-pubkey"], input: certificate)
        }
        let last = try #require(life.authority.issued.last)
        #expect(try (publicKey(first.der) == publicKey(last.der)) == (key == "renewal-key=same"))
    }

    /// What was of no use of the one type does not count against the other.
    @Test func otherTypeBeginsAnew() throws {
        let life = try enrolled(days: 70)
        life.authority.capabilities = ["AES", "SHA-256", "POSTPKIOperation", "Renewal"]
        life.authority.answer = { number, _ in number == 2 ? .status(429) : number == 3 ? .refuse : .status(503) }
        life.settings = ["jitter=0", "retries=1", "retry=1"]
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: the answer to RenewalReq is HTTP 503"))
        #expect(life.authority.asked.map(\.messageType).prefix(4) == ["19", "19", "19", "17"])
        let stored = try #require(try life.record(.transaction))
        try #require(stored.count > 78)
        #expect(stored[0] == 33 && stored[78] == 0)
    }

    // MARK: Requests

    /// All that is configured of a certificate stands in the request, of a renewal too; and a shared password.
    @Test func requestsSayAllThatIsConfigured() throws {
        let life = try enrolled(
            "key-usage=digitalSignature,keyAgreement", "extended-key-usage=clientAuth", "template=Device",
            "san=DNS:a.example,IP:192.0.2.1", "challenge=shared", "challenge-use=always", days: 70)
        #expect(try life.powerUp().verdict == "done")
        #expect(life.authority.asked.map(\.messageType) == ["19", "17"])
        for asked in life.authority.asked {
            let text = try asked.requestText()
            for words in [
                "Digital Signature, Key Agreement", "TLS Web Client Authentication", "1.3.6.1.4.1.311.20.2",
                "DNS:a.example, IP Address:192.0.2.1", ":shared", "CN = sensor",
            ] {
                #expect(text.contains(words), "\(words): \(text)")
            }
        }
        let elliptic = try DeviceLife("key=p384", "challenge=shared", "challenge-use=always")
        elliptic.authority.answer = { _, _ in .refuse }
        #expect(try elliptic.powerUp().lines.contains("making a key: P-384"))
        #expect(try #require(elliptic.authority.asked.first).requestText().contains("secp384r1"))
    }

    /// A request that is not gone on with is kept as long as no other takes its place.
    @Test func requestIsKeptUntilAnotherIsBegun() throws {
        let life = try DeviceLife("retries=1", "retry=1")
        life.authority.answer = { _, _ in .status(503) }
        #expect(try life.powerUp().verdict.hasPrefix("error http-status: "))
        life.subject = "CN=another"
        life.network = { _, _ in .timedOut }
        let failed = try life.powerUp()
        #expect(failed.verdict.hasPrefix("error timed-out: ") && !failed.stored.isEmpty)
        life.subject = "CN=sensor"
        life.network = { _, _ in nil }
        life.authority.answer = { _, _ in .issue }
        #expect(try life.powerUp().verdict == "done")
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 1)
    }

    /// What is less than perfect is said at the end of a run, and of one without an end before each look.
    @Test func warningsAreRepeatedBeforeEachLook() throws {
        let behind = "warning: the clock is behind what certificates prove; it was not used"
        let life = try DeviceLife("jitter=0", "time=\(AgentBench.epoch + 86_400)", "check-interval=3600")
        let run = try life.powerUp()
        #expect(run.verdict == "done" && run.lines.filter { $0 == behind }.count == 1, "\(run.lines)")
        life.settings.append("stay=yes")
        life.waitLimit = 2
        let staying = try life.powerUp()
        let places = staying.lines.indices.filter { staying.lines[$0].hasPrefix("nothing is due: ") }
        #expect(places.count > 1)
        for place in places.prefix(2) {
            #expect(staying.lines[..<place].suffix(2).contains(behind), "\(staying.lines)")
        }
    }

    // MARK: Counting

    /// A board that is switched on often counts what is of no use over its runs, and makes a new request after five.
    @Test func uselessAnswersAreCountedOverRuns() throws {
        let life = try DeviceLife()
        life.authority.answer = { number, _ in number < 6 ? .status(500) : .issue }
        func run() throws -> DeviceLife.Run { try life.powerUp { ($0.mayWait, $0.defers) = (false, false) } }
        for number in 1...5 as ClosedRange<UInt8> {
            #expect(try run().verdict.hasPrefix("error http-status: "))
            let stored = try life.record(.transaction)
            #expect(stored?[78] == (number < 5 ? number : nil))
        }
        #expect(try run().verdict == "done")
        let identifiers = life.authority.asked.map(\.transactionID)
        #expect(Set(identifiers.prefix(5)).count == 1 && identifiers.count == 6 && identifiers[5] != identifiers[0])
    }

    /// A CA that says PENDING has the request: what was of no use before does not count.
    @Test func pendingIsAnAnswer() throws {
        let life = try DeviceLife("polls=1", "retries=1", "retry=1")
        life.authority.answer = { number, _ in number == 1 ? .status(500) : .pending }
        #expect(try life.powerUp().verdict.hasPrefix("error still-pending: "))
        let stored = try #require(try life.record(.transaction))
        try #require(stored.count > 78)
        #expect(stored[0] == 4 && stored[78] == 0 && Array(stored[69..<72]) == [0, 0, 2])
        #expect(life.authority.asked.map(\.messageType) == ["19", "19", "20"])
    }

    /// As many tries as are configured, of one run or of several; a new run after the last has all of them again.
    @Test func triesAreCountedOverPowerCuts() throws {
        let life = try DeviceLife("retries=3", "retry=100")
        life.network = { _, _ in .timedOut }
        #expect(try life.powerUp().waits.count == 3)
        #expect(try life.powerUp().waits.count == 3)
        life.waitLimit = 1
        #expect(try life.powerUp().waits.count == 1)
        life.waitLimit = 40
        #expect(try (1...2).contains(life.powerUp().waits.count))
    }

    /// Once a question is answered, failures are forgotten: the next wait is the first again.
    @Test func answerEndsFailures() throws {
        let life = try enrolled("check=crl", "check-interval=3600", days: 1)
        life.settings = ["jitter=0", "stay=yes", "check=crl", "check-interval=3600", "retry=100", "retries=3"]
        life.authority.answer = { number, _ in number == 4 || number == 6 ? .issue : .status(503) }
        life.waitLimit = 4
        let run = try life.powerUp()
        try #require(run.waits.count == 4)
        try #require(run.waits.count > 3, "\(run.waits)")
        #expect((50...100).contains(run.waits[0]) && run.waits[1] == 3600, "\(run.waits)")
        #expect((50...100).contains(run.waits[2]) && run.waits[3] == 3600, "\(run.waits)")
    }

    /// A timer's pass that is refused leaves its renewal until later.
    @Test func refusalIsLeftUntilLater() throws {
        let life = try enrolled("retry-cap=1000", days: 70)
        life.authority.answer = { _, _ in .refuse }
        func pass() throws -> DeviceLife.Run { try life.powerUp { ($0.mayWait, $0.defers) = (false, true) } }
        #expect(try pass().verdict.hasPrefix("error refused: "))
        life.time += 400
        #expect(try pass().operations.isEmpty)
        life.time += 86_400
        #expect(try pass().verdict.hasPrefix("error refused: "))
    }

    // MARK: Answers

    /// A message is one whatever the HTTP status beside it.
    @Test func messageCountsWhateverTheStatus() throws {
        let life = try DeviceLife("retries=0")
        life.authority.statusOfMessages = 500
        #expect(try life.powerUp().verdict == "done")
        // But nothing else is.
        let ca = life.authority.identity.der
        let other = try DeviceLife("retries=0")
        other.answer = { target in
            target.contains("GetCACert")
                ? OpenSSLAuthority.Reply(status: 500, mediaType: "application/x-pki-message", body: ca) : nil
        }
        #expect(try other.powerUp().verdict.hasPrefix("error http-status: the answer to GetCACert is HTTP 500"))
    }

    /// A certificate that begins later is of no use, by a clock.
    @Test func certificateThatBeginsLater() throws {
        let life = try DeviceLife("retries=0")
        life.authority.age = -5
        #expect(try life.powerUp().verdict.hasPrefix("error not-yet-valid: "))
        #expect(try life.records() == [.caCertificates, .state])
    }

    /// A signature that is too weak can be allowed: the request stays open for that, and is not made again.
    @Test func weakCertificateKeepsTheRequestOpen() throws {
        let life = try DeviceLife("retries=0")
        life.hasClock = false
        let ca = life.authority.identity
        life.authority.answer = { _, asked in
            let certificate = try withTemporaryDirectory { directory in
                try OpenSSL.run([
                    "x509", "-req", "-sha1", "-days", "30", "-inform", "DER",
                    "-in", directory.write(asked.content, to: "csr"),
                    "-CA", directory.write(ca.certificate, to: "crt"), "-CAkey", directory.write(ca.key, to: "key"),
                ])
            }
            return .envelope(try OpenSSLIdentity.bundle([OpenSSLIdentity(key: [], pem: certificate)]))
        }
        #expect(try life.powerUp().verdict.hasPrefix("error weak-digest: the CA uses SHA-1; "))
        #expect(try life.records().contains(.transaction))
        life.settings.append("allow=sha1")
        let run = try life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.warnings.contains("SHA-1 was used, as allow=sha1 permits"))
        #expect(Set(life.authority.asked.map(\.transactionID)).count == 1)
    }

    /// A renewal is for the name that the certificate has, which the CA chose.
    @Test func renewalIsForTheNameThatTheCAChose() throws {
        let life = try DeviceLife("retries=0")
        life.hasClock = false
        let ca = life.authority.identity
        life.authority.answer = { number, asked in
            guard number == 1 else { return .pending }
            let certificate = try withTemporaryDirectory { directory in
                try OpenSSL.run([
                    "x509", "-req", "-days", "30", "-inform", "DER", "-subj", "/O=Example/CN=renamed",
                    "-in", directory.write(asked.content, to: "csr"),
                    "-CA", directory.write(ca.certificate, to: "crt"), "-CAkey", directory.write(ca.key, to: "key"),
                ])
            }
            return .envelope(try OpenSSLIdentity.bundle([OpenSSLIdentity(key: [], pem: certificate)]))
        }
        #expect(try life.powerUp().verdict == "done")
        life.settings.append("polls=1")
        #expect(try life.powerUp { $0.requestedGoal = .renew }.verdict.hasPrefix("error still-pending: "))
        let asked = life.authority.asked
        try #require(asked.count == 3)
        #expect(try asked[0].requestText().contains("Subject: CN = sensor"))
        #expect(try asked[1].requestText().contains("Subject: O = Example, CN = renamed"))
        let poll = try OpenSSL.run(["asn1parse", "-inform", "DER"], input: asked[2].content)
        #expect(String(decoding: poll, as: UTF8.self).contains(":renamed"))
    }

    // MARK: What programs are told

    /// Whether the URL is known to be right, and whether it is about an enrolment.
    @Test func eventsSayWhatTheyAreAbout() throws {
        let life = try DeviceLife("jitter=0", "retries=0")
        life.network = { _, _ in .timedOut }
        #expect(try life.powerUp().told == ["- enrolment"])
        life.network = { number, _ in number == 2 ? .timedOut : nil }
        #expect(try life.powerUp().told == ["knows enrolment"])
        life.network = { _, _ in nil }
        #expect(try life.powerUp().told == ["knows enrolment"])
        life.pass(days: 70)
        #expect(try life.powerUp().told == ["- -", "knows -"])
        // A server that says nothing of itself has not said it.
        let silent = try DeviceLife("retries=0", "allow=sha1,3des")
        silent.authority.capabilities = []
        silent.answer = { $0.contains("GetCACert") ? OpenSSLAuthority.Reply(status: 404) : nil }
        #expect(try silent.powerUp().told == ["- enrolment"])
    }

    /// What the device was told of the time counts from its first start on.
    @Test func timeThatIsConfiguredCounts() throws {
        // The CA's certificate ends on 2029-07-01.
        for (time, isExpired) in [(1_877_000_000, false), (1_877_800_000, true)] {
            let life = try DeviceLife("retries=0", "time=\(time)")
            life.hasClock = false
            #expect(try life.powerUp().verdict.hasPrefix("error ca-expired: ") == isExpired)
        }
    }

    /// An EC key that cannot be renewed is told of, where it is allowed.
    @Test func keyThatCannotBeRenewedIsToldOf() throws {
        let life = try DeviceLife("key=p256", "challenge=4711-secret", "allow=no-renewal", "retries=0")
        var cannotRenew = false
        life.authority.answer = { _, _ in .refuse }
        _ = try life.powerUp({ _ in }, { cannotRenew = $0.cannotRenew })
        #expect(cannotRenew)
        life.settings = ["key=p256", "challenge=4711-secret", "challenge-use=always", "retries=0"]
        _ = try life.powerUp({ _ in }, { cannotRenew = $0.cannotRenew })
        #expect(!cannotRenew)
        life.settings = ["challenge=4711-secret", "retries=0"]
        _ = try life.powerUp({ _ in }, { cannotRenew = $0.cannotRenew })
        #expect(!cannotRenew)
    }
}
