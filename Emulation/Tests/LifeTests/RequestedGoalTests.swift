import Agent
import Authority
import Foundation
import Testing

/// What an operator asks for at once, and runs that may not wait: how the gateway's commands use the agent.
@Suite struct RequestedGoalTests {
    /// A device with an identity, and a CA whose time has moved on so that a new certificate is a later one.
    private func enrolled(_ settings: [String: String] = [:]) throws -> Life {
        let life = try Life(settings)
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 1)
        return life
    }

    @Test func renewalIsDoneThoughItIsNotDueAndNothingElseIs() throws {
        let life = try enrolled(["check": "crl,certificate"])
        let before = try #require(try life.identity()).der
        life.requestedGoal = .renew
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert", "RenewalReq"])
        #expect(try #require(try life.identity()).der != before)
    }

    @Test(arguments: [
        (Goal.revocationList, ["GetCACaps", "GetCRL"]), (.certificate, ["GetCACaps", "GetCert"]),
        (.nextCA, ["GetCACaps", "GetNextCACert"]), (.resume, []),
        (.enrol, ["GetCACaps", "GetCACert", "PKCSReq"]),
    ])
    func whatIsAskedForIsDoneAlone(_ requestedGoal: Goal, _ operations: [String]) throws {
        let life = try Life(["challenge-use": "always"]) {
            $0.challenge = .shared(Life.password)
            $0.hasNextCA = true
        }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 25)
        life.requestedGoal = requestedGoal
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == operations)
    }

    /// A renewal whose reply was lost is the one that was asked for: the next run does not add another.
    @Test func transactionUnderWayIsWhatWasAskedFor() throws {
        let life = try enrolled()
        life.requestedGoal = .renew
        life.mayWait = false
        life.loses = { $0 == 3 ? .reply : nil }
        #expect(life.powerUp().verdict == "timed-out")
        life.loses = { _ in nil }
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "RenewalReq"])
        #expect(life.authority.issuedCertificates().count == 2)
    }

    @Test func pendingEndsARunThatMayNotWaitAndIsAskedAboutAtOnceByTheNext() throws {
        let life = try Life(["poll": "3600", "polls": "100"]) { $0.policy = .manual }
        life.mayWait = false
        let first = life.powerUp()
        #expect(first.verdict == "still-pending" && first.sleeps.isEmpty, "\(first.lines)")
        for _ in 0..<2 {
            let next = life.powerUp()
            #expect(next.verdict == "still-pending" && next.sleeps.isEmpty, "\(next.lines)")
            #expect(next.operations == ["GetCACaps", "CertPoll"])
        }
        try life.authority.approve(#require(life.authority.transactions().first).transactionID)
        #expect(life.powerUp().verdict == "done")
    }

    /// Neither does it wait for a retry that a run before it had scheduled.
    @Test func failureEndsARunThatMayNotWait() throws {
        let life = try Life(["retry": "3600", "retries": "3"])
        life.loses = { _ in .request }
        life.mayWait = false
        let run = life.powerUp()
        #expect(run.verdict == "timed-out" && run.sleeps.isEmpty, "\(run.lines)")
        life.mayWait = true
        life.end = life.now + 1_000_000
        _ = life.powerUp()
        life.loses = { _ in nil }
        life.end = .max
        life.mayWait = false
        let last = life.powerUp()
        #expect(last.verdict == "done" && last.sleeps.isEmpty, "\(last.lines)")
    }

    /// A run that may not wait ends though the device is told to stay.
    @Test func stayingIsWaiting() throws {
        let life = try enrolled()
        life.settings["stay"] = "yes"
        life.mayWait = false
        let run = life.powerUp()
        #expect(run.verdict == "done" && run.sleeps.isEmpty, "\(run.lines)")
    }

    /// A renewal that cannot be gone on with, since its key is lost, does not stand in the way of another enrolment.
    @Test func enrolmentThatIsAskedForTakesThePlaceOfARenewal() throws {
        let life = try Life(["challenge-use": "always"]) { $0.challenge = .shared(Life.password) }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 1)
        life.mayWait = false
        life.requestedGoal = .renew
        life.loses = { $0 == 3 ? .request : nil }
        #expect(life.powerUp().verdict == "timed-out")
        life.loses = { _ in nil }
        life.requestedGoal = .enrol
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACert", "PKCSReq"])
        #expect(try life.records()[4] == nil)
    }
}

extension RequestedGoalTests {
    @Test func anewSendsAPasswordInOneTransactionOnly() throws {
        let life = try Life(["retries": "3", "retry": "1"])
        life.requestedGoal = .enrol
        life.loses = { $0 == 3 ? .reply : nil }
        let run = life.powerUp()
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
        #expect(run.verdict == "done")
    }

    /// A request that is given up while the configuration names another CA, or none of it, ends.
    @Test func whatIsGivenUpUnderAnotherPinIsOver() throws {
        let life = try Life(["polls": "1", "poll": "1"]) { $0.policy = .manual }
        #expect(life.powerUp().verdict == "still-pending")
        let pin = life.settings["fingerprint"]
        life.settings["fingerprint"] = String(repeating: "ab", count: 32)
        life.requestedGoal = .giveUp
        _ = life.powerUp()
        #expect(try life.records()[4] == nil, "it is still there")
        life.requestedGoal = nil
        life.settings["fingerprint"] = pin
        let back = life.powerUp()
        #expect(!back.operations.contains("CertPoll"), "what was given up is gone on with")
    }
}
