import Agent
import Authority
import Foundation
import LibCrypto
import Testing

/// Identity and trust belong to the CA that issued, not to the text by which it was named.
@Suite struct LifePinTests {
    /// Ways to name one CA.
    static let spellings: [@Sendable (Certificate) throws -> String] = [
        { try $0.fingerprint(.sha256).hexadecimal.uppercased() },
        { try colons($0.fingerprint(.sha256)) },
        { try $0.fingerprint(.sha512).hexadecimal },
        { try $0.fingerprint(.sha256).hexadecimal + "," + String(repeating: "ab", count: 32) },
        { try String(repeating: "ab", count: 32) + "," + $0.fingerprint(.sha512).hexadecimal },
    ]

    private static func colons(_ digest: [UInt8]) -> String {
        digest.map { [$0].hexadecimal }.joined(separator: ":")
    }

    /// An identity that was enrolled with a password for one request is renewed under any spelling, and back.
    @Test(arguments: spellings.indices)
    func identityIsRenewedHoweverItsCAIsNamed(spelling: Int) throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let first = life.settings["fingerprint"]
        for text in [try Self.spellings[spelling](life.authority.trustAnchor), first] {
            life.pass(days: 25)
            life.settings["fingerprint"] = text
            let run = life.powerUp()
            #expect(run.verdict == "done", "\(run.lines)")
            #expect(run.operations == ["GetCACaps", "GetCACert", "RenewalReq"])
        }
    }

    /// The same while a request is pending.
    @Test(arguments: spellings.indices)
    func pendingRequestIsGoneOnWithHoweverItsCAIsNamed(spelling: Int) throws {
        let life = try Life(["polls": "1", "poll": "1"]) { $0.policy = .manual }
        #expect(life.powerUp().verdict == "still-pending")
        let first = life.settings["fingerprint"]
        life.settings["fingerprint"] = try Self.spellings[spelling](life.authority.trustAnchor)
        #expect(life.powerUp().verdict == "still-pending")
        life.settings["fingerprint"] = first
        try life.authority.approve(#require(life.authority.transactions().first).transactionID)
        #expect(life.powerUp().verdict == "done")
        #expect(life.authority.transactions().count == 1)
    }

    // MARK: Another CA

    /// How the other CA deals with the request.
    enum Reply: CaseIterable { case pending, refused, lost }

    /// To another CA and back: the identity stays whole and in use, and is renewed by the CA that it has.
    @Test(arguments: Reply.allCases)
    func deviceComesBackFromAnotherCA(answer: Reply) throws {
        let life = try Life(["polls": "1", "poll": "1"])
        #expect(life.powerUp().verdict == "done")
        let identity = try #require(try life.identity())
        let (first, firstPin) = (life.authority, life.settings["fingerprint"])
        let other = try life.makeAuthority {
            $0.name = "Another CA"
            $0.policy =
                answer == .pending ? .manual : answer == .refused ? .refuse(.init(.badRequest, "no")) : .automatic
            $0.challenge = .shared("other")
        }
        let otherPin = try other.trustAnchor.fingerprint(.sha256).hexadecimal
        for round in 0..<2 {
            life.replaceAuthority(other)
            life.settings["fingerprint"] = otherPin
            life.settings["challenge"] = "other-\(round)"
            if answer == .lost { life.loses = { $0 > 2 ? .request : nil } }
            _ = life.powerUp()
            life.loses = { _ in nil }
            #expect(try life.identity() == identity || round == 1)

            life.replaceAuthority(first)
            life.settings["fingerprint"] = firstPin
            life.pass(days: 25)
            let back = life.powerUp()
            #expect(back.verdict == "done", "\(back.lines)")
            #expect(back.operations == ["GetCACaps", "GetCACert", "RenewalReq"])
            try OpenSSLCheck.verify(#require(try life.identity()), of: first)
        }
    }

    /// The old identity stays, with the certificates of its CA, until the new one is there; then all of it is replaced.
    @Test func anotherCATakesThePlaceOfTheFirstInOneStep() throws {
        let life = try Life(["polls": "1", "poll": "1"])
        #expect(life.powerUp().verdict == "done")
        let before = try life.records()
        let other = try life.makeAuthority {
            $0.name = "Another CA"
            $0.policy = .manual
        }
        life.replaceAuthority(other)
        life.settings["fingerprint"] = try other.trustAnchor.fingerprint(.sha256).hexadecimal
        life.settings["challenge"] = try other.addPassword(device: "")
        #expect(life.powerUp().verdict == "still-pending")
        let during = try life.records()
        for number in [1, 2, 3] as [UInt8] { #expect(during[number] == before[number], "\(number)") }
        #expect(during[10] == other.trustAnchor.der)
        try other.approve(#require(other.transactions().first).transactionID)
        #expect(life.powerUp().verdict == "done")
        let after = try life.records()
        #expect(after[3] == other.trustAnchor.der && after[10] == nil)
        try OpenSSLCheck.verify(#require(try life.identity()), of: other)
        life.pass(days: 25)
        #expect(life.powerUp().operations.prefix(3) == ["GetCACaps", "GetCACert", "RenewalReq"])
    }

    // MARK: The CA's successor

    /// A CA whose certificate was renewed with its key, or by a link certificate, is the same CA: under the fingerprint
    /// of before, of now, of both, in any order of time.
    @Test(arguments: CARenewal.allCases, ["old", "new", "both", "sha512"])
    func renewedCAIsFollowed(renewal: CARenewal, pins: String) throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let old = life.authority.trustAnchor
        try life.authority.renewCertificate(renewal)
        let new = life.authority.trustAnchor
        switch pins {
        case "new": life.settings["fingerprint"] = try new.fingerprint(.sha256).hexadecimal
        case "both":
            life.settings["fingerprint"] =
                try old.fingerprint(.sha256).hexadecimal + "," + new.fingerprint(.sha256).hexadecimal
        case "sha512": life.settings["fingerprint"] = try old.fingerprint(.sha512).hexadecimal
        default: break
        }
        for _ in 0..<2 {
            life.pass(days: 25)
            let run = life.powerUp()
            #expect(run.verdict == "done", "\(run.lines)")
            #expect(run.operations.last == "RenewalReq", "\(run.operations)")
        }
        // And from there to the other one's fingerprint.
        life.settings["fingerprint"] = try (pins == "new" ? old : new).fingerprint(.sha256).hexadecimal
        life.pass(days: 25)
        let run = life.powerUp()
        #expect(run.verdict == "done" && run.operations.last == "RenewalReq", "\(run.lines)")
        #expect(life.authority.ledger.entries.filter { $0.challenge != nil }.count == 1)
    }

    /// A CA of the same name that nothing ties to the one before is another one.
    @Test func impostorOfTheSameNameIsNotFollowed() throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let identity = try life.identity()
        life.pass(days: 25)
        life.replaceAuthority(try life.makeAuthority { _ in })
        #expect(life.powerUp().verdict == "fingerprint-mismatch")
        #expect(try life.identity() == identity)
    }

    /// After a rollover the fingerprint of the new CA is as good as that of the old one.
    @Test func fingerprintOfTheNextCAIsTakenAfterARollover() throws {
        let life = try Rollover.life()
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 45)
        #expect(life.powerUp().verdict == "done")
        let old = life.settings["fingerprint"]
        let new = try #require(life.authority.nextTrustAnchor).fingerprint(.sha256).hexadecimal
        // Before its time too.
        life.settings["fingerprint"] = new
        #expect(life.powerUp().exchanges.isEmpty)
        life.pass(days: 6)
        try life.authority.rollOver()
        #expect(life.powerUp().events.map(\.outcome) == ["current", "taken-over"])
        for pin in [old, new] {
            life.settings["fingerprint"] = pin
            life.pass(days: 20)
            let run = life.powerUp()
            #expect(run.verdict == "done", "\(run.lines)")
        }
    }
}

extension LifePinTests {
    /// A 404, which nobody signed, and a detour of the network.
    @Test func aPasswordForOneRequestGoesToOneOfTwoPinnedCAs() throws {
        let life = try Life(["retries": "3", "retry": "1"])
        let first = life.authority
        let other = try life.makeAuthority { $0.name = "Another CA" }
        life.settings["fingerprint"]? += "," + (try other.trustAnchor.fingerprint(.sha256).hexadecimal)
        var count = 0
        life.intercepts = { [unowned life] request in
            guard request.operation == .pkiOperation, count == 0 else { return nil }
            count = 1
            _ = first.answer(request)
            life.replaceAuthority(other)
            return Answer(status: 404, text: "no")
        }
        _ = life.powerUp()
        #expect(first.issuedCertificates().count + other.issuedCertificates().count == 1)
    }

    /// The same with an identity: a renewal goes to the second CA, which refuses; then only the first is pinned.
    @Test func aSecondPinIsAddedAndTakenAwayAgain() throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let (first, pin) = (life.authority, life.settings["fingerprint"] ?? "")
        let others = try (0..<2).map { number in try life.makeAuthority { $0.name = "Another CA \(number)" } }
        life.pass(days: 25)
        for other in others {
            life.settings["fingerprint"] = pin + "," + (try other.trustAnchor.fingerprint(.sha256).hexadecimal)
            life.replaceAuthority(other)
            _ = life.powerUp()
        }
        life.settings["fingerprint"] = pin
        life.replaceAuthority(first)
        let back = life.powerUp()
        #expect(back.operations.last == "RenewalReq" && back.verdict == "done")
    }

    /// Both are pinned, the second one refuses a renewal; then the second one alone is pinned: it is another CA.
    @Test func anIdentityOfTheFirstPinIsNotTheSecondOnes() throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let other = try life.makeAuthority { $0.name = "Another CA" }
        let pin = try other.trustAnchor.fingerprint(.sha256).hexadecimal
        life.pass(days: 21)
        life.settings["fingerprint"]? += "," + pin
        life.replaceAuthority(other)
        _ = life.powerUp()
        life.settings["fingerprint"] = pin
        life.settings["challenge"] = try other.addPassword(device: "")
        let moved = life.powerUp()
        #expect(moved.operations.last == "PKCSReq" && moved.verdict == "done")
    }
}

extension LifePinTests {
    /// A leniency that is taken back: who was trusted by it alone is trusted no longer, though known.
    @Test func anUnmarkedRAIsNotTrustedOnceNoLeniencyTakesIt() throws {
        let life = try Life(["allow": "unmarked-ra"]) {
            $0.registrationAuthority = .single
            $0.registrationAuthorityMark = nil
        }
        #expect(life.powerUp().verdict == "done")
        let identity = try life.identity()
        life.settings["allow"] = nil
        life.pass(days: 21)
        let run = life.powerUp()
        #expect(run.verdict == "unmarked-ra" && run.messages.isEmpty, "\(run.lines)")
        #expect(try life.identity() == identity)
        life.settings["allow"] = "unmarked-ra"
        #expect(life.powerUp().verdict == "done")
        #expect(try life.identity() != identity)
    }

    /// The same while a request is pending: it answers no more.
    @Test func anUnmarkedRADoesNotAnswerOnceNoLeniencyTakesIt() throws {
        let life = try Life(["allow": "unmarked-ra", "polls": "1", "poll": "1"]) {
            $0.registrationAuthority = .single
            $0.registrationAuthorityMark = nil
            $0.policy = .manual
        }
        #expect(life.powerUp().verdict == "still-pending")
        life.settings["allow"] = nil
        let run = life.powerUp()
        #expect(run.verdict == "unmarked-ra", "\(run.lines)")
        life.settings["allow"] = "unmarked-ra"
        #expect(life.powerUp().verdict == "still-pending")
    }
}
