import Authority
import Foundation
import LibCrypto
import TestSupport
import Testing

@Suite struct AuthorityLifecycleTests {
    @Test func aPendingRequestIsApproved() throws {
        let authority = try makeAuthority { $0.policy = .manual }
        let client = try Client()
        let first = try authority.enrol(client)
        #expect(first.status == .pending)
        #expect(first.signed.content == nil)
        try OpenSSLCheck.verify(first.encoded, root: authority.trustAnchor, absent: true)
        #expect(try authority.enrol(client).status == .pending)
        #expect(try authority.poll(client).status == .pending)
        #expect(authority.transactions().map(\.state) == ["pending"])

        let serial = try authority.approve("1")
        let issued = try authority.poll(client).certificates(for: client)
        #expect(issued.map(\.serialText) == [serial])
        #expect(try authority.enrol(client).certificates(for: client) == issued)
        #expect(authority.transactions().map(\.state) == ["issued \(serial)"])
        #expect(throws: AdministrationError.self) { try authority.approve("1") }
    }

    @Test func aPendingRequestIsRefused() throws {
        let authority = try makeAuthority { $0.policy = .manual }
        let client = try Client()
        _ = try authority.enrol(client)
        let refusal = Refusal(.badRequest, "who is this?")
        try authority.refuse("1", refusal)
        #expect(try authority.poll(client).refusal == refusal)
        #expect(throws: AdministrationError.self) { try authority.approve("1") }
        #expect(throws: AdministrationError.self) { try authority.approve("2") }
    }

    @Test func pollsAloneCanApprove() throws {
        let authority = try makeAuthority { $0.policy = .afterPolls(3) }
        let client = try Client()
        #expect(try authority.enrol(client).status == .pending)
        let statuses = try (1...4).map { _ in try authority.poll(client).status }
        #expect(statuses == [.pending, .pending, .success, .success])
    }

    @Test func onlyTheRequesterPolls() throws {
        let authority = try makeAuthority { $0.policy = .manual }
        _ = try authority.enrol(Client())
        #expect(
            try authority.poll(Client(key: Keys.device(1))).refusal
                == Refusal(.badRequest, "the poll is signed with another key than the request was"))
    }

    enum Renewal: CaseIterable {
        case newKey
        case sameKey
    }

    @Test(arguments: [CAMessageType.renewalReq, .pkcsReq], Renewal.allCases)
    func anIssuedCertificateIsRenewed(_ type: CAMessageType, _ renewal: Renewal) throws {
        let log = LogBook()
        let authority = try makeAuthority(log: log) { $0.challenge = .shared("secret") }
        let client = try Client()
        let old = try #require(try authority.enrol(client, challenge: "secret").certificates(for: client).first)
        let renewing = try Client(renewing: old, of: client, key: renewal == .sameKey ? client.key : nil)
        // A transactionID made from the key stays the same when the key does.
        let reply = try authority.enrol(renewing, type, transactionID: renewal == .sameKey ? "1" : "2")
        let new = try #require(try reply.certificates(for: renewing).first)
        #expect(new.serial != old.serial)
        #expect(try new.publicKey == renewing.key.publicKey())
        #expect(new.subject == old.subject)
        try OpenSSLCheck.verify(new, root: authority.trustAnchor)
        #expect(log.events.last?.notes == (type == .pkcsReq ? ["a renewal as PKCSReq"] : []))
    }

    @Test func whatMayNotBeRenewedIsRefused() throws {
        let clock = Clock()
        let authority = try makeAuthority {
            $0.lifetime = 3600
            $0.clock = { clock.now }
        }
        let client = try Client()
        let certificate = try #require(try authority.enrol(client).certificates(for: client).first)
        let stranger = try Client("somebody else", key: Keys.device(1)).renaming(certificate, signedBy: client)
        #expect(
            try authority.enrol(stranger, .renewalReq, transactionID: "2").refusal
                == Refusal(.badRequest, "a renewal must keep the subject CN=device"))

        let renewing = try Client(renewing: certificate, of: client)
        clock.advance(3601)
        #expect(
            try authority.enrol(renewing, .renewalReq, transactionID: "3").refusal
                == Refusal(.badRequest, "certificate \(certificate.serialText) has expired"))
        clock.advance(-3601)
        try authority.revoke(serial: certificate.serialText)
        #expect(
            try authority.enrol(renewing, .renewalReq, transactionID: "4").refusal
                == Refusal(.badRequest, "certificate \(certificate.serialText) is revoked"))
    }

    @Test(arguments: [(false, false), (true, false), (false, true)])
    func expiredCertificatesAreRenewedByOption(_ isAccepted: Bool, _ cameInTime: Bool) throws {
        let authority = try makeAuthority {
            $0.lifetime = 3600
            $0.acceptsExpiredRenewals = isAccepted
            $0.policy = .manual
        }
        let client = try Client()
        _ = try authority.enrol(client)
        try authority.approve("1")
        let old = try #require(try authority.poll(client).certificates(for: client).first)
        let renewing = try Client(renewing: old, of: client)
        if cameInTime { #expect(try authority.enrol(renewing, .renewalReq, transactionID: "2").status == .pending) }
        authority.moveClock(by: 3601)
        let reply = try authority.enrol(renewing, .renewalReq, transactionID: "2")
        guard isAccepted || cameInTime else {
            #expect(reply.refusal == Refusal(.badRequest, "certificate \(old.serialText) has expired"))
            return
        }
        #expect(reply.status == .pending)
        try authority.approve("2")
        let new = try #require(
            try authority.enrol(renewing, .renewalReq, transactionID: "2").certificates(for: renewing).first)
        #expect(new.notAfter > old.notAfter)
        #expect(try authority.poll(renewing, transactionID: "2").certificates(for: renewing) == [new])
    }

    @Test func aRenewalNeedsAPasswordByOption() throws {
        let authority = try makeAuthority {
            $0.challenge = .oneTime(["a", "b"].map { OneTimePassword(device: "", password: $0) })
            $0.renewalsNeedChallenge = true
        }
        let client = try Client()
        let old = try #require(try authority.enrol(client, challenge: "a").certificates(for: client).first)
        let renewing = try Client(renewing: old, of: client)
        let attempts: [(password: String?, refusal: String?)] = [
            (nil, "a challengePassword is needed"), ("a", "the challengePassword was used already"), ("b", nil),
        ]
        for attempt in attempts {
            let reply = try authority.enrol(renewing, .renewalReq, transactionID: "2", challenge: attempt.password)
            #expect(reply.refusal == attempt.refusal.map { Refusal(.badRequest, $0) })
        }
    }

    @Test func unknownRequestsAreRefusedByOption() throws {
        let authority = try makeAuthority { $0.profile.messageTypes = [.pkcsReq] }
        let client = try Client()
        let old = try #require(try authority.enrol(client).certificates(for: client).first)
        let renewing = try Client(renewing: old, of: client)
        #expect(
            try authority.enrol(renewing, .renewalReq, transactionID: "2").refusal
                == Refusal(.badRequest, "messageType 17 is not served"))
        #expect(
            try authority.poll(client).refusal == Refusal(.badRequest, "messageType 20 is not served"))
        #expect(try authority.enrol(renewing, .pkcsReq, transactionID: "3").status == .success)
    }

    /// The same key, request and transactionID, years later.
    @Test func anExpiredCertificateIsNotGivenAgain() throws {
        let authority = try makeAuthority { $0.lifetime = 3600 }
        let client = try Client()
        let first = try #require(try authority.enrol(client).certificates(for: client).first)
        authority.moveClock(by: 3600)
        let second = try #require(try authority.enrol(client).certificates(for: client).first)
        #expect(second.serial != first.serial)
        #expect(second.notAfter > first.notAfter)
        #expect(try authority.enrol(client).certificates(for: client) == [second])
    }

    @Test func theCAsEndIsTheCertificatesEnd() throws {
        let authority = try makeAuthority { $0.authorityLifetime = 86_400 }
        let client = try Client()
        let certificate = try #require(try authority.enrol(client).certificates(for: client).first)
        #expect(certificate.notAfter == authority.trustAnchor.notAfter)
        #expect(
            try OpenSSLCheck.describe(certificate, ["-enddate"])
                == OpenSSLCheck.describe(authority.trustAnchor, ["-enddate"]))
    }

    @Test func aNextCAOfTheFutureIssuesForTheFuture() throws {
        let authority = try makeAuthority {
            $0.clock = { Date(timeIntervalSince1970: 1_767_225_600) }
            $0.hasNextCA = true
            $0.nextCABeginsIn = 86_400
            $0.lifetime = 3600
        }
        let next = try #require(authority.nextTrustAnchor)
        #expect(try OpenSSLCheck.describe(next, ["-startdate"]) == "notBefore=Jan  1 23:59:00 2026 GMT\n")
        let client = try Client()
        let reply = try authority.exchange(
            client.message(.pkcsReq, client.request(), transactionID: "early", for: next))
        let certificate = try #require(try reply.certificates(for: client).first)
        #expect(
            try OpenSSLCheck.describe(certificate, ["-dates"])
                == "notBefore=Jan  1 23:59:00 2026 GMT\nnotAfter=Jan  2 00:59:00 2026 GMT\n")
    }

    @Test func whatWaitedIsTheNewCAsToIssue() throws {
        let authority = try makeAuthority {
            $0.policy = .manual
            $0.hasNextCA = true
        }
        let client = try Client()
        _ = try authority.enrol(client)
        try authority.rollOver()
        try authority.approve("1")
        let certificate = try #require(try authority.poll(client).certificates(for: client).first)
        try OpenSSLCheck.verify(certificate, root: authority.trustAnchor)
    }

    @Test(arguments: [false, true])
    func certificatesAndListsAreFetched(_ hasIntermediate: Bool) throws {
        let authority = try makeAuthority {
            $0.hasIntermediate = hasIntermediate
            $0.registrationAuthority = .split
            $0.crlDistributionPoint = "http://127.0.0.1/crl"
        }
        let client = try Client()
        let certificate = try #require(try authority.enrol(client).certificates(for: client).first)
        let points = try OpenSSLCheck.describe(certificate, ["-ext", "crlDistributionPoints"])
        #expect(points.contains("URI:http://127.0.0.1/crl"))
        let name = IssuerAndSerialNumber(issuer: certificate.issuer, serial: certificate.serial)
        func ask(_ type: CAMessageType, _ name: IssuerAndSerialNumber, _ id: String) throws -> Reply {
            try authority.exchange(
                client.message(type, name.der(), transactionID: id, for: authority.recipient))
        }
        #expect(try ask(.getCert, name, "2").certificates(for: client) == [certificate])
        let missing = IssuerAndSerialNumber(issuer: certificate.issuer, serial: [9])
        #expect(try ask(.getCert, missing, "3").refusal == Refusal(.badCertId, "there is no such certificate"))
        let foreign = IssuerAndSerialNumber(issuer: client.subject, serial: certificate.serial)
        #expect(try ask(.getCert, foreign, "4").refusal == Refusal(.badCertId, "there is no such certificate"))
        #expect(try ask(.getCRL, foreign, "5").refusal == Refusal(.badCertId, "no CA of that name is here"))

        let before = try ask(.getCRL, name, "6")
        #expect(try before.certificates(for: client).isEmpty)
        let empty = try #require(try before.lists(for: client).first)
        let root = authority.trustAnchor
        let others = authority.publishedCertificates
        try OpenSSLCheck.verify(certificate, root: root, intermediates: others, lists: [empty.der])
        try authority.revoke(serial: certificate.serialText, reason: .keyCompromise)
        let list = try #require(try ask(.getCRL, name, "7").lists(for: client).first)
        #expect(try list.serials() == [certificate.serial])
        let text = String(
            decoding: try OpenSSL.run(["crl", "-inform", "DER", "-noout", "-text"], input: list.der), as: UTF8.self)
        #expect(text.contains("Key Compromise"))
        let failure = #expect(throws: OpenSSL.Failure.self) {
            try OpenSSLCheck.verify(certificate, root: root, intermediates: others, lists: [list.der])
        }
        #expect(failure?.description.contains("certificate revoked") == true)
        #expect(throws: AdministrationError.self) { try authority.revoke(serial: certificate.serialText) }
    }

    @Test(arguments: [RegistrationAuthority.none, .split])
    func theCARollsOver(_ registration: RegistrationAuthority) throws {
        let authority = try makeAuthority {
            $0.hasNextCA = true
            $0.registrationAuthority = registration
        }
        let old = authority.trustAnchor
        let next = try #require(authority.nextTrustAnchor)
        let answer = authority.get("GetNextCACert")
        #expect(answer.mediaType == "application/x-x509-next-ca-cert")
        let content = try OpenSSLCheck.verify(answer.body, root: old)
        let published = try CertificatesOnly.decode(content).certificates
        #expect(published.last == next)

        // An envelope for the next CA asks for its certificate (RFC 8894, section 5.1, figure 9).
        let client = try Client()
        let reply = try authority.exchange(
            client.message(.pkcsReq, client.request(), transactionID: "early", for: #require(published.first)))
        try OpenSSLCheck.verify(reply.encoded, root: next)
        let early = try #require(try reply.certificates(for: client).first)
        try OpenSSLCheck.verify(early, root: next)

        let oldRecipient = authority.recipient
        try authority.rollOver()
        #expect(authority.trustAnchor == next)
        #expect(authority.get("GetNextCACert").status == 404)
        #expect(throws: AdministrationError.self) { try authority.rollOver() }
        let late = try authority.exchange(
            client.message(.pkcsReq, client.request(), transactionID: "late", for: oldRecipient))
        #expect(
            late.refusal
                == Refusal(
                    .badRequest, "the envelope is for another certificate than the CA's; has it rolled over?"))
        #expect(try authority.enrol(client, transactionID: "new").status == .success)
        #expect(try authority.prepareNextCA() != next)
    }

    /// A certificate of the old CA is renewed by the next one, before and after the hand-over.
    @Test(arguments: [false, true], [false, true])
    func anOldCertificateIsRenewedByTheNextCA(_ hasRolledOver: Bool, _ keepsName: Bool) throws {
        let authority = try makeAuthority {
            $0.hasNextCA = true
            $0.nextCAKeepsName = keepsName
        }
        let old = authority.trustAnchor
        let next = try #require(authority.nextTrustAnchor)
        #expect((next.subject == old.subject) == keepsName)
        let client = try Client()
        let certificate = try #require(try authority.enrol(client).certificates(for: client).first)
        if hasRolledOver { try authority.rollOver() }
        let renewing = try Client(renewing: certificate, of: client)
        let reply = try authority.exchange(
            renewing.message(.renewalReq, renewing.request(), transactionID: "2", for: next))
        try OpenSSLCheck.verify(reply.encoded, root: next)
        let renewed = try #require(try reply.certificates(for: renewing).first)
        try OpenSSLCheck.verify(renewed, root: next)
        #expect(throws: OpenSSL.Failure.self) { try OpenSSLCheck.verify(renewed, root: old) }

        // Each CA has a list of its own.
        try authority.revoke(serial: certificate.serialText)
        for (certificate, root, count) in [(certificate, old, 1), (renewed, next, 0)] {
            let name = IssuerAndSerialNumber(issuer: certificate.issuer, serial: certificate.serial)
            let reply = try authority.exchange(
                client.message(.getCRL, name.der(), transactionID: "crl", for: authority.recipient))
            let list = try #require(try reply.lists(for: client).first)
            #expect(try list.serials().count == count)
            guard count == 0 else { continue }
            try OpenSSLCheck.verify(certificate, root: root, lists: [list.der])
        }
    }

    @Test func theFolderKeepsEverything() throws {
        try withTemporaryDirectory { directory in
            func start() throws -> Authority {
                try makeAuthority {
                    $0.directory = directory
                    $0.hasIntermediate = true
                    $0.registrationAuthority = .split
                    $0.hasNextCA = true
                    $0.challenge = .oneTime([OneTimePassword(device: "", password: "once")])
                }
            }
            let client = try Client()
            let (published, next, issued) = try {
                let authority = try start()
                let issued = try authority.enrol(client, challenge: "once").certificates(for: client)
                try authority.revoke(serial: #require(issued.first).serialText)
                return (authority.publishedCertificates, authority.nextTrustAnchor, issued)
            }()

            let second = try start()
            #expect(second.publishedCertificates == published)
            #expect(second.nextTrustAnchor == next)
            #expect(try second.enrol(client, challenge: "once").certificates(for: client) == issued)
            #expect(
                try second.enrol(client, transactionID: "2", challenge: "once").refusal?.text
                    == "the challengePassword was used already")
            #expect(try second.revocationList().serials() == issued.map(\.serial))
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            #expect(names == ["ca-1", "ca-2", "ca.pem", "crl.der", "register.log"])
            let modes = try ["register.log", "ca-1/root.key"].map { name in
                try FileManager.default.attributesOfItem(atPath: directory.path + "/" + name)[.posixPermissions] as? Int
            }
            #expect(modes == [0o600, 0o600])
        }
    }

    @Test func theLogIsReadableAndHoldsNoPassword() throws {
        let log = LogBook()
        let authority = try makeAuthority(log: log) { $0.challenge = .shared("s3cr3t") }
        let client = try Client("a\u{1b}[31mb")
        _ = try authority.enrol(client, transactionID: "0123456789abcdef01", challenge: "s3cr3t")
        _ = try authority.enrol(client, transactionID: "2", challenge: "guess")
        _ = authority.get("GetCACaps")
        let lines = log.events.map(\.description)
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { !$0.contains("s3cr3t") && !$0.contains("guess") && !$0.contains("\u{1b}") })
        try #require(lines.count > 2)
        #expect(lines[0].contains("POST PKIOperation PKCSReq 0123456789ab… CN=a"))
        #expect(lines[0].contains("-> SUCCESS serial "))
        #expect(lines[1].contains("-> FAILURE badRequest: the challengePassword is wrong ("))
        #expect(lines[2].contains("GET GetCACaps -> 200 (0 B in, 69 B out)"))
        #expect(log.events.first?.notes.isEmpty == true)
    }
}

extension Client {
    /// This client, asking for its own name with somebody's certificate and key.
    fileprivate func renaming(_ certificate: Certificate, signedBy other: Client) -> Client {
        var result = self
        result.certificate = certificate
        result.signingKey = other.key
        return result
    }
}

/// A clock that a test sets.
private final class Clock: @unchecked Sendable {
    private let lock = NSLock()
    private var time = Date()

    var now: Date { lock.withLock { time } }
    func advance(_ seconds: TimeInterval) { lock.withLock { time += seconds } }
}
