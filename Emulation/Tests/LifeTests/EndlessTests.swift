import Agent
import Authority
import Foundation
import LibCrypto
import Testing

/// A device neither stops for what may pass, nor goes round for what will not.
@Suite struct EndlessTests {
    // MARK: A device that stays on

    /// What somebody in between, or a server in trouble, can make of every answer for a day.
    static let troubles: [Fault] = [
        .status(503), .status(404), .status(302), .status(500), .status(401), .html, .emptyBody, .close, .unknownSigner,
        .brokenSignature, .wrongRecipientNonce, .truncated(300),
    ]

    /// - Parameter faults: from the first hour of the device's renewal on, for a day.
    private func staying(_ faults: [FaultRule], _ settings: [String: String] = [:]) throws -> Life {
        let life = try Life(["stay": "yes", "retries": "5"].merging(settings) { $1 }) {
            $0.lifetime = TimeInterval(30 * Life.day)
        }
        let (begin, end) = (Life.epoch + 20 * Life.day - 3600, Life.epoch + 21 * Life.day)
        life.comesToPass = { [unowned life] now in life.authority.setFaults((begin..<end).contains(now) ? faults : []) }
        return life
    }

    @Test(arguments: troubles)
    func deviceThatStaysGoesOnForAsLongAsItTakes(fault: Fault) throws {
        let life = try staying([FaultRule(fault, operations: Set(CAOperation.allCases))])
        life.end = (Life.epoch + 25 * Life.day) * 1000
        let run = life.powerUp()
        // Ended by its power alone.
        #expect(run.verdict == "storage-failed" || run.verdict == "unreachable", "\(run.lines.suffix(4))")
        life.end = .max
        #expect(run.events.filter { $0.outcome == "issued" }.count == 2, "\(run.lines.suffix(8))")
        let asked = run.exchanges.filter {
            $0.time > Life.epoch + 20 * Life.day + 7200 && $0.time < Life.epoch + 21 * Life.day
        }
        #expect((10...100).contains(asked.count), "\(asked.count) exchanges in a day")
    }

    /// One lie, told once, while a request of its is open.
    @Test(arguments: troubles)
    func oneLieDoesNotEndIt(fault: Fault) throws {
        let life = try Life(["stay": "yes", "retries": "0"])
        life.end = (Life.epoch + 3 * Life.day) * 1000
        let run = life.powerUp(FaultRule(fault, operations: [.pkiOperation], times: 1))
        life.end = .max
        #expect(run.events.contains { $0.outcome == "issued" }, "\(run.lines)")
    }

    /// A refusal that the CA signed is another matter for a device that has nothing yet.
    @Test func refusalEndsADeviceWithoutIdentity() throws {
        let life = try Life(["stay": "yes"]) { $0.policy = .refuse(.init(.badRequest, "not this one")) }
        #expect(life.powerUp().verdict == "refused")
    }

    // MARK: Certificates without end

    /// Passes of a timer, each hour, at a CA whose certificates are of no use here.
    private func passes(_ count: Int, _ life: Life, _ faults: [FaultRule] = []) -> [Life.Run] {
        (life.mayWait, life.defers) = (false, true)
        return (0..<count).map { _ in
            life.pass(days: 1 / 24)
            return life.powerUp(faults)
        }
    }

    @Test(arguments: [Fault.validityNotExtended, .obsoleteAlgorithms, .expiredCertificate, .unknownIssuer])
    func uselessCertificatesAreAskedForEverLessOften(fault: Fault) throws {
        let life = try Life(["retries": "5"])
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 20.5)
        let runs = passes(72, life, [FaultRule(fault)])
        let requests = runs.flatMap(\.operations).filter { $0 == "RenewalReq" }.count
        // After 1, 2, 4, 8, 16 hours, then once a day: each less by chance.
        #expect((4...12).contains(requests), "\(requests)")
        let left = runs.filter { $0.exchanges.isEmpty }
        #expect(left.allSatisfy { $0.verdict == "done" })
        // A person who asks is not put off.
        (life.requestedGoal, life.defers) = (.renew, false)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
    }

    /// All its certificates end on one day, and begin long before they are made: a renewal is due as soon as it is done.
    @Test func certificatesThatAreDueWhenTheyComeAreNotRenewedForEver() throws {
        let life = try Life {
            $0.backdating = TimeInterval(100 * Life.day)
            $0.authorityLifetime = TimeInterval(30 * Life.day)
            $0.lifetime = TimeInterval(100 * Life.day)
        }
        #expect(life.powerUp().verdict == "done")
        let first = try #require(try life.identity())
        let runs = passes(24 * 29, life)
        #expect(runs.allSatisfy { $0.verdict == "done" })
        let issued = life.authority.issuedCertificates().count
        #expect((2...8).contains(issued), "\(issued)")
        #expect(try life.identity()?.notAfter == first.notAfter)
    }

    /// A CA that expires no later than the device's certificate may have more to give than its own certificate says.
    @Test func renewalIsAskedForThoughTheCAEndsNoLater() throws {
        let life = try Life {
            $0.authorityLifetime = TimeInterval(30 * Life.day)
            $0.lifetime = TimeInterval(30 * Life.day)
        }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 25)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations.contains("RenewalReq"))
    }

    // MARK: The type of a renewal

    /// Servers that list Renewal without SCEPStandard, and take RenewalReq alone.
    @Test func otherTypeIsTriedOnce() throws {
        let life = try Life { $0.profile.capabilities = ["AES", "POSTPKIOperation", "Renewal", "SHA-256"] }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 25)
        let run = life.powerUp(FaultRule(.failure(.init(.badRequest, "19 is for enrolments")), times: 1))
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert", "PKCSReq", "RenewalReq"])
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)

        life.pass(days: 25)
        let refused = life.powerUp(FaultRule(.failure(.init(.badRequest, "no")), times: 2))
        #expect(refused.verdict == "refused", "\(refused.lines)")
        #expect(refused.operations == ["GetCACaps", "GetCACert", "PKCSReq", "RenewalReq"])
    }

    /// By an HTTP status as well; and not where the configuration or the capabilities say which it is.
    @Test func otherTypeIsNotTriedWhereTheTypeIsCertain() throws {
        let life = try Life { $0.profile.capabilities = ["AES", "POSTPKIOperation", "Renewal", "SHA-256"] }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 25)
        let run = life.powerUp(FaultRule(.status(400), times: 1))
        #expect(run.operations == ["GetCACaps", "GetCACert", "PKIOperation", "RenewalReq"], "\(run.lines)")
        life.settings["renewal-type"] = "19"
        life.pass(days: 25)
        #expect(life.powerUp(FaultRule(.failure(.init(.badRequest, "no")), times: 1)).verdict == "refused")

        let certain = try Life()
        #expect(certain.powerUp().verdict == "done")
        certain.pass(days: 25)
        let once = certain.powerUp(FaultRule(.failure(.init(.badRequest, "no")), times: 1))
        #expect(once.operations.filter { $0.hasSuffix("Req") } == ["RenewalReq"], "\(once.lines)")
    }

    // MARK: A Date that nobody signed

    /// A device without a clock takes the next identity by a Date, and renews it, since it is told that this is due
    /// too; and goes back when it was a lie.
    @Test func forgedDateDoesNotMoveADeviceForGood() throws {
        let life = try Rollover.life()
        life.clock = nil
        #expect(life.powerUp().verdict == "done")
        let first = try #require(try life.identity())
        life.pass(days: 45)
        #expect(life.powerUp().events.contains { $0.outcome == "issued-early" })
        life.date = "Wed, 01 Apr 2026 00:00:00 GMT"
        #expect(life.powerUp().events.contains { $0.outcome == "taken-over" })
        #expect(try life.identity() != first)
        life.date = nil
        let back = life.powerUp()
        #expect(back.verdict == "done", "\(back.lines)")
        #expect(try life.identity() == first)
        // And when its time has come, it is taken over all the same.
        life.pass(days: 6)
        try life.authority.rollOver()
        #expect(life.powerUp().events.contains { $0.outcome == "taken-over" })
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
    }

    // MARK: A key that could not be renewed

    @Test func ellipticKeyWithAPasswordForOneRequestIsRefusedUnlessAskedFor() throws {
        let life = try Life(["key": "p256"])
        let run = life.powerUp()
        #expect(run.verdict == "cannot-renew", "\(run.lines)")
        #expect(run.messages.isEmpty)
        life.settings["allow"] = "no-renewal"
        #expect(life.powerUp().verdict == "done")
    }

    // MARK: Three years

    /// With default retries: through a day of 503, a replaced registration authority, a CA that was renewed with its
    /// key, and fingerprints that were edited.
    @Test func threeYears() throws {
        let life = try Life(["stay": "yes", "jitter": "5"]) {
            $0.lifetime = TimeInterval(90 * Life.day)
            $0.registrationAuthority = .single
        }
        life.settings["retries"] = nil
        let year = 365 * Life.day
        let first = life.authority.trustAnchor
        func until(_ days: UInt64) -> Life.Run {
            life.end = (Life.epoch + days * Life.day) * 1000
            defer { life.end = .max }
            return life.powerUp()
        }
        // The first renewal is due on day 60: its day has nothing but 503.
        life.comesToPass = { [unowned life] now in
            let day = (now - Life.epoch) / Life.day
            life.authority.setFaults(
                (60...65).contains(day) ? [FaultRule(.status(503), operations: Set(CAOperation.allCases))] : [])
        }
        var runs = [until(200)]
        try life.authority.replaceRegistrationAuthority()
        life.settings["fingerprint"] = life.settings["fingerprint"]?.uppercased()
        runs.append(until(365))
        try life.authority.renewCertificate(.sameKey)
        runs.append(until(600))
        life.settings["fingerprint"] = try first.fingerprint(.sha512).hexadecimal
        try life.authority.renewCertificate(.link)
        runs.append(until(800))
        life.settings["fingerprint"] = try life.authority.trustAnchor.fingerprint(.sha256).hexadecimal
        runs.append(until(3 * year / Life.day))
        let identity = try #require(try life.identity())
        #expect(identity.notAfter > life.authority.now)
        let issued = runs.flatMap(\.events).filter { $0.outcome == "issued" }
        #expect((17...21).contains(issued.count), "\(issued.count): \(runs.map { $0.lines.suffix(3) })")
        #expect(issued.filter { $0["operation"] == "PKCSReq" }.count == 1)
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
    }
}

extension EndlessTests {
    /// The CA is past its share of life and has no next one: it is that time, which is past, that is slept for.
    @Test func certificatesOfHalfADayAreRenewedInTime() throws {
        let life = try Life(["stay": "yes", "retries": "5"]) {
            $0.authorityLifetime = TimeInterval(60 * Life.day)
            $0.lifetime = TimeInterval(Life.day / 2)
        }
        life.pass(days: 38)
        life.end = (Life.epoch + 44 * Life.day) * 1000
        _ = life.powerUp()
        life.end = .max
        #expect(try #require(try life.identity()).notAfter > life.authority.now)
    }

    /// One forged 405 makes a device that stays on use GET, which its server does not take.
    @Test func aForged405IsNotRememberedForEver() throws {
        let life = try Life(["stay": "yes", "retries": "5"])
        var forged = false
        life.intercepts = { request in
            guard request.operation == .pkiOperation else { return nil }
            if request.method == "GET" { return Answer(status: 414, text: "URI too long") }
            if !forged {
                forged = true
                return Answer(status: 405, text: "no")
            }
            return nil
        }
        life.end = (Life.epoch + 10 * Life.day) * 1000
        _ = life.powerUp()
        life.end = .max
        #expect(try life.identity() != nil, "ten days later it is still refused")
    }

    /// One forged 404 and one GetCACert with the RA left out: the set in RAM stays the forged one.
    @Test func aForgedSetIsNotKeptOverARetry() throws {
        let life = try Life(["poll": "60", "poll-cap": "3600"])
        #expect(life.powerUp().verdict == "done")
        life.settings["stay"] = "yes"
        #expect(try life.identity() != nil)
        let other = try life.makeAuthority {
            $0.name = "Another CA"
            $0.policy = .manual
            $0.challenge = .shared("other-2b9e-5d21")
            $0.key = .p256
            $0.registrationAuthority = .split
        }
        life.replaceAuthority(other)
        life.settings["fingerprint"] = try other.trustAnchor.fingerprint(.sha256).hexadecimal
        life.settings["challenge"] = "other-2b9e-5d21"
        var lies = 0
        life.intercepts = { [unowned life] request in
            guard life.now / 1000 > Life.epoch + 2 * Life.day, lies < 2 else { return nil }
            if lies == 0, request.operation == .pkiOperation {
                lies = 1
                return Answer(status: 404, text: "no")
            }
            if lies == 1, request.operation == .getCACert {
                lies = 2
                return Answer(mediaType: "application/x-x509-ca-cert", body: other.trustAnchor.der)
            }
            return nil
        }
        var approved = false
        life.comesToPass = { now in
            guard now > Life.epoch + 3 * Life.day, !approved, let open = other.transactions().first else { return }
            approved = true
            try other.approve(open.transactionID)
        }
        life.end = (Life.epoch + 8 * Life.day) * 1000
        let run = life.powerUp()
        life.end = .max
        #expect(run.events.contains { $0.outcome == "issued" }, "approved for five days, and not fetched")
    }
}
