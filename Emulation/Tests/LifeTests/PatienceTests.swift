import Authority
import Foundation
import TestSupport
import Testing

/// Waiting: for a CA that decides later, for a network that comes back.
@Suite struct PatienceTests {
    /// Days of PENDING, over power-offs: one transaction, one key, one password, polls that become rarer.
    @Test func transactionIsPendingForDays() throws {
        let life = try Life(["poll": "60", "poll-cap": "3600", "polls": "20"]) { $0.policy = .manual }
        let first = life.powerUp()
        #expect(first.verdict == "still-pending")
        #expect(first.operations == ["GetCACaps", "GetCACert", "PKCSReq"] + Array(repeating: "CertPoll", count: 20))
        #expect(first.sleeps.prefix(8).map { $0 / 1000 } == [60, 120, 240, 480, 960, 1920, 3600, 3600])
        let pending = try #require(first.events.first { $0.outcome == "pending" })
        #expect(pending["next"] == "poll" && pending["in"] == "60")
        let transactionID = try #require(life.authority.transactions().first?.transactionID)
        #expect(pending["transactionID"] == transactionID)
        let key = try life.records()[5]
        for _ in 0..<4 {
            life.pass(days: 1)
            let run = life.powerUp()
            // Asked once at each start, since the limit is reached.
            #expect(run.verdict == "still-pending" && run.operations.last == "CertPoll", "\(run.lines)")
            #expect(try life.records()[5] == key)
        }
        #expect(life.authority.transactions().map(\.transactionID) == [transactionID])
        try life.authority.approve(transactionID)
        let last = life.powerUp()
        #expect(last.verdict == "done" && last.events.last?.outcome == "issued", "\(last.lines)")
        #expect(try life.records()[1] == key)
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
        #expect(life.authority.ledger.entries.count == 1)
    }

    /// A CertPoll is a message like the others: checked by openssl.
    @Test(arguments: ["rsa2048", "p256", "p384"])
    func certPollIsSignedAndEncrypted(key: String) throws {
        let life = try Life(["key": key, "poll": "1", "allow": "no-renewal"]) { $0.policy = .afterPolls(1) }
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations.suffix(2) == ["PKCSReq", "CertPoll"])
        let (request, poll) = (run.messages[0], run.messages[1])
        #expect(try OpenSSLCheck.signer(of: request) == OpenSSLCheck.signer(of: poll))
        let content = try OpenSSL.structure(OpenSSLCheck.open(poll, life))
        #expect(content.contains("EmbeddedSCEP Test CA") && content.contains("sensor-7"))
    }

    /// What was refused has ended, and so is the password that went into it.
    @Test func refusedPasswordIsNotUsedAgain() throws {
        let life = try Life(["poll": "1", "polls": "1"]) { $0.policy = .manual }
        #expect(life.powerUp().verdict == "still-pending")
        let transaction = try #require(life.authority.transactions().first)
        try life.authority.refuse(transaction.transactionID, Refusal(.badRequest, "not this one"))
        let refused = life.powerUp()
        #expect(refused.verdict == "refused" && refused.lines.last?.contains("it says: not this one") == true)
        let again = life.powerUp()
        #expect(again.verdict == "password-spent" && again.exchanges.isEmpty)
        life.settings["challenge"] = try life.authority.addPassword(device: "")
        #expect(life.powerUp().verdict == "still-pending")
        let entries = life.authority.ledger.entries
        #expect(entries.count == 2 && Set(entries.map(\.key)).count == 2)
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
    }

    /// Waits that double, up to a cap, each between half of that and all of it; then the device gives up.
    @Test func retriesBecomeRarer() throws {
        let life = try Life(["retry": "10", "retry-cap": "100", "retries": "7"])
        life.loses = { _ in .request }
        let run = life.powerUp()
        #expect(run.verdict == "timed-out")
        #expect(run.operations == Array(repeating: "lost", count: 8))
        let whole: [UInt64] = [10, 20, 40, 80, 100, 100, 100]
        #expect(run.sleeps.count == whole.count)
        for (slept, limit) in zip(run.sleeps, whole) {
            #expect((limit * 500...limit * 1000).contains(slept), "\(slept) ms of \(limit) s")
        }
        let events = run.events
        #expect(events.count == 8)
        #expect(events.allSatisfy { $0["error"] == "timed-out" })
        #expect(events.dropLast().allSatisfy { $0.outcome == "failed" && $0["next"] == "retry" })
        life.loses = { _ in nil }
        #expect(life.powerUp().verdict == "done")
    }

    /// Each message of an enrolment and of a renewal lost once, on its way there or back: the same request again, byte
    /// for byte.
    @Test(arguments: 1...3, [Life.Loss.request, .reply])
    func lostMessageIsMadeGood(number: Int, loss: Life.Loss) throws {
        let life = try Life(["retries": "3"])
        for enrols in [true, false] {
            life.loses = { $0 == number ? loss : nil }
            let run = life.powerUp()
            #expect(run.verdict == "done", "\(run.lines)")
            #expect(run.sleeps.count == 1)
            if number == 3 {
                #expect(run.messages.count == 2)
                #expect(run.messages[0] == run.messages[1])
            }
            try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
            #expect(life.authority.ledger.entries.count == (enrols ? 1 : 2))
            #expect(life.authority.issuedCertificates().count == (enrols ? 1 : 2))
            life.pass(days: 25)
        }
    }

    /// Lost, and then switched off: still the same request.
    @Test func requestOutlivesAPowerOff() throws {
        let life = try Life()
        life.loses = { $0 == 3 ? .reply : nil }
        let first = life.powerUp()
        #expect(first.verdict == "timed-out")
        life.pass(days: 3)
        life.loses = { _ in nil }
        let second = life.powerUp()
        #expect(second.verdict == "done")
        #expect(second.operations == ["GetCACaps", "PKCSReq"])
        #expect(first.messages == second.messages)
    }

    /// An answer ends a row of failures, of which byte 22 of the state is the number (Docs/Storage.md).
    @Test func answersEndARowOfFailures() throws {
        let life = try Rollover.life()
        life.settings["retries"] = "3"
        life.loses = { $0 < 3 ? .request : nil }
        #expect(life.powerUp().verdict == "done")
        #expect(try life.records()[7]?[22] == 0)
        life.pass(days: 45)
        let run = life.powerUp()
        #expect(run.events.contains { $0.outcome == "issued-early" }, "\(run.lines)")
        #expect(try life.records()[7]?[22] == 0)
    }

    /// So does the answer to a question.
    @Test func answeredQuestionsEndARowOfFailures() throws {
        let life = try Life(["retries": "1", "check": "crl,certificate"])
        life.loses = { _ in nil }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 1)
        // The first time that each of the two is asked.
        life.loses = { [2, 6].contains($0) ? .request : nil }
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(
            run.operations == ["GetCACaps", "lost", "GetCACaps", "GetCRL", "GetCACaps", "lost", "GetCACaps", "GetCert"])
        #expect(run.sleeps.count == 2)
    }

    /// A renewal that could not be had is not left until the next look in a day, when the certificate may be over.
    @Test func overdueRenewalIsTriedAgainWithinTheHour() throws {
        let life = try Life(["stay": "yes", "retries": "2", "retry": "1", "challenge-use": "always"]) {
            $0.challenge = .shared(Life.password)
            $0.lifetime = 7200
        }
        life.loses = { $0 > 3 ? .request : nil }
        life.end = life.now + 7_200_000
        let run = life.powerUp()
        let tries = run.exchanges.dropFirst(3).map(\.time)
        #expect(tries.count > 3, "\(run.lines)")
        let gaps = zip(tries, tries.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { $0 <= 3600 }, "\(gaps)")
        #expect(!run.lines.suffix(3).contains { $0.hasPrefix("nothing is due") }, "\(run.lines.suffix(5))")
    }

    /// A device that stays on, for three years: servers that are away for days, CAs that follow one another.
    @Test func deviceLivesForYears() throws {
        let life = try Life([
            "stay": "yes", "jitter": "5", "retries": "100000", "retry-cap": "43200",
            "check": "crl", "check-interval": "604800",
        ]) {
            $0.lifetime = TimeInterval(90 * Life.day)
            $0.authorityLifetime = TimeInterval(1200 * Life.day)
            $0.crlLifetime = TimeInterval(30 * Life.day)
        }
        // Away for ten days of every forty.
        life.losesAt = { time in (time - Life.epoch) / Life.day % 40 >= 30 ? .request : nil }
        life.end = (Life.epoch + 3 * 365 * Life.day) * 1000
        let run = life.powerUp()
        #expect(run.verdict == "storage-failed", "\(run.lines.suffix(5))")
        life.end = .max
        let identity = try #require(try life.identity())
        try OpenSSLCheck.verify(identity, of: life.authority)
        let issued = run.events.filter { $0.outcome == "issued" }
        #expect((17...20).contains(issued.count))
        #expect(Set(issued.map { $0["serial"] }).count == issued.count)
        #expect(run.events.filter { $0.outcome == "not-revoked" }.count > 50)
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
        #expect(life.authority.ledger.challengesOfSeveralTransactions.isEmpty)
        // Never a day without a valid one: each begins before the one before it expires.
        let ends = try issued.map { try Date(#require($0["notAfter"]), strategy: .iso8601) }
        for (old, new) in zip(ends, ends.dropFirst()) {
            #expect(new > old && new.addingTimeInterval(-90 * Double(Life.day)) < old)
        }
    }
}
