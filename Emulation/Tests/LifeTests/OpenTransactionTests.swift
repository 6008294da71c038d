import Agent
import Authority
import Foundation
import LibCrypto
import Testing

/// A transaction that is open does not outlive everything: Docs/Lifecycle.md, "A transaction that is open".
@Suite struct OpenTransactionTests {
    private static func shared(_ configuration: inout CAConfiguration) {
        configuration.challenge = .shared(Life.password)
    }

    // MARK: The registration authority is replaced meanwhile

    @Test(arguments: [RegistrationAuthority.single, .split], [true, false])
    func registrationAuthorityIsReplacedWhileARequestIsPending(kind: RegistrationAuthority, waits: Bool) throws {
        let life = try Life(["polls": "1", "poll": "1"]) {
            $0.registrationAuthority = kind
            $0.policy = .manual
        }
        #expect(life.powerUp().verdict == "still-pending")
        try life.authority.replaceRegistrationAuthority()
        try life.authority.approve(#require(life.authority.transactions().first).transactionID)
        (life.mayWait, life.requestedGoal) = (waits, waits ? nil : .resume)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations.contains("GetCACert"), "\(run.operations)")
        #expect(life.authority.transactions().count == 1)
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
    }

    /// And while the reply to an enrolment or a renewal is lost.
    @Test(arguments: [RegistrationAuthority.single, .split], [false, true])
    func registrationAuthorityIsReplacedAfterAReplyIsLost(kind: RegistrationAuthority, isRenewal: Bool) throws {
        let life = try Life { $0.registrationAuthority = kind }
        if isRenewal {
            #expect(life.powerUp().verdict == "done")
            life.pass(days: 25)
        }
        life.loses = { $0 == 3 ? .reply : nil }
        let lost = life.powerUp()
        #expect(lost.verdict == "timed-out")
        life.loses = { _ in nil }
        try life.authority.replaceRegistrationAuthority()
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        // For another key it is another message: one padding for several RSA keys would give its content away.
        let contentKeys = (lost.messages + run.messages).map(ContentKey.ofRequest)
        #expect(contentKeys.count >= 2 && !contentKeys.contains(nil))
        #expect(contentKeys.first != contentKeys.last)
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
    }

    // MARK: The server answers this request, and no other, with the same status for ever

    static let statuses = [400, 401, 403, 404, 409, 410, 429, 500]

    /// - Returns: a life whose first request is answered like that from its second time on.
    private func unanswered(_ status: Int, _ configure: (inout CAConfiguration) -> Void, _ settings: [String: String])
        throws -> Life
    {
        let life = try Life(settings, configure)
        life.loses = { $0 == 3 ? .reply : nil }
        let first = life.powerUp()
        #expect(first.verdict == "timed-out")
        life.loses = { _ in nil }
        let message = try #require(first.messages.last)
        life.intercepts = { $0.message == message ? Answer(status: status, text: "no") : nil }
        return life
    }

    @Test(arguments: statuses)
    func requestThatIsNotAnsweredIsMadeAnewWhereThatIsSafe(status: Int) throws {
        let life = try unanswered(status, Self.shared, ["challenge-use": "always"])
        (life.mayWait, life.defers) = (false, true)
        var passes = 0
        while try life.identity() == nil, passes < 10 {
            passes += 1
            life.pass(days: 1)
            _ = life.powerUp()
        }
        #expect(passes == 6)
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
    }

    /// A password for one request goes into no other unasked; asked, it does.
    @Test(arguments: statuses)
    func oneTimePasswordIsNotSpentAnewUnasked(status: Int) throws {
        let life = try unanswered(status, { _ in }, [:])
        (life.mayWait, life.defers) = (false, true)
        for _ in 0..<10 {
            life.pass(days: 1)
            #expect(life.powerUp().verdict != "done")
        }
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
        life.requestedGoal = .enrol
        life.settings["challenge"] = try life.authority.addPassword(device: "")
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert", "PKCSReq"])
    }

    // MARK: What makes a request another one

    private func pending(_ settings: [String: String] = [:]) throws -> Life {
        let life = try Life(settings.merging(["polls": "1", "poll": "1"]) { $1 }) { $0.policy = .manual }
        #expect(life.powerUp().verdict == "still-pending")
        return life
    }

    /// The same, spelled otherwise, or without the password, which came from standard input.
    @Test(arguments: [
        ["challenge": nil], ["key": "rsa2048"], ["url": "http://ca.example:80/scep"], ["timeout": "20"],
        ["subject": "CN=sensor-7, O=Example"], ["challenge": "another one"],
    ])
    func pendingRequestIsGoneOnWith(changed: [String: String?]) throws {
        let life = try pending()
        for (name, value) in changed { life.settings[name] = value }
        try life.authority.approve(#require(life.authority.transactions().first).transactionID)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "CertPoll"])
        #expect(life.authority.transactions().count == 1)
    }

    @Test(arguments: [["subject": "CN=sensor-8"], ["san": "DNS:a.example"], ["key": "rsa3072"]])
    func anotherRequestIsAnother(changed: [String: String]) throws {
        let life = try pending()
        life.settings.merge(changed) { $1 }
        life.settings["challenge"] = try life.authority.addPassword(device: "")
        let run = life.powerUp()
        #expect(run.operations.contains("PKCSReq"), "\(run.lines)")
        #expect(life.authority.transactions().count == 2)
    }

    /// A lost request whose password is not there any more waits for it, and says so.
    @Test func lostRequestWaitsForItsPassword() throws {
        let life = try Life()
        life.loses = { $0 == 3 ? .request : nil }
        #expect(life.powerUp().verdict == "timed-out")
        life.loses = { _ in nil }
        life.settings["challenge"] = nil
        let run = life.powerUp()
        #expect(run.verdict == "password-needed" && run.exchanges.isEmpty, "\(run.lines)")
        life.settings["challenge"] = Life.password
        #expect(life.powerUp().verdict == "done")
    }

    // MARK: Giving up

    @Test func pendingRequestIsGivenUp() throws {
        let life = try pending()
        life.requestedGoal = .giveUp
        let run = life.powerUp()
        #expect(run.verdict == "done" && run.exchanges.isEmpty, "\(run.lines)")
        let records = try life.records()
        #expect(records[4] == nil && records[5] == nil)
        life.requestedGoal = nil
        #expect(life.powerUp().verdict == "password-spent")
        life.settings["challenge"] = try life.authority.addPassword(device: "")
        #expect(life.powerUp().verdict == "still-pending")
        #expect(life.authority.transactions().count == 2)
    }

    @Test func enrolmentThatIsAskedForTakesThePlaceOfWhatIsPending() throws {
        let life = try pending()
        life.requestedGoal = .enrol
        life.settings["challenge"] = try life.authority.addPassword(device: "")
        #expect(life.powerUp().operations.prefix(3) == ["GetCACaps", "GetCACert", "PKCSReq"])
        #expect(life.authority.transactions().count == 2)
    }
}

extension OpenTransactionTests {
    /// Docs/Storage.md: record 7 is "alone after a failure or a refusal of the first request".
    @Test func aRefusedFirstRequestLeavesCAAndState() throws {
        let life = try Life { $0.policy = .refuse(.init(.badRequest, "no")) }
        #expect(life.powerUp().verdict == "refused")
        #expect(try life.records().keys.sorted() == [3, 7])
    }

    /// The configuration names A, B, A and B, while a request is pending at B.
    @Test func pendingAtAnotherCAOutlivesAReturnToTheFirst() throws {
        let life = try Life(["polls": "1", "poll": "1"])
        #expect(life.powerUp().verdict == "done")
        let (first, firstPin) = (life.authority, life.settings["fingerprint"])
        let other = try life.makeAuthority {
            $0.name = "Another CA"
            $0.policy = .manual
        }
        let pin = try other.trustAnchor.fingerprint(.sha256).hexadecimal
        let password = try other.addPassword(device: "")
        func at(_ authority: Authority, _ fingerprint: String?) -> Life.Run {
            life.replaceAuthority(authority)
            life.settings["fingerprint"] = fingerprint
            life.settings["challenge"] = password
            return life.powerUp()
        }
        #expect(at(other, pin).verdict == "still-pending")
        // Back, and the renewal's failure is stored.
        life.pass(days: 25)
        life.loses = { _ in .request }
        _ = at(first, firstPin)
        life.loses = { _ in nil }
        try other.approve(#require(other.transactions().first).transactionID)
        let run = at(other, pin)
        #expect(run.verdict == "done")
    }

    /// Asked again, the CA may have put it right; without that, a password for one request would be lost.
    @Test(arguments: [true, false])
    func aUselessCertificateKeepsOpenOnlyWhatHasAPasswordForOneRequest(isShared: Bool) throws {
        let life = try Life(isShared ? ["challenge-use": "always"] : [:]) { if isShared { Self.shared(&$0) } }
        #expect(life.powerUp(FaultRule(.certificateForAnotherKey)).verdict == "wrong-key")
        #expect(try (life.records()[4] != nil) == !isShared)
        _ = life.powerUp()
        #expect(life.authority.transactions().count == (isShared ? 2 : 1))
    }
}
