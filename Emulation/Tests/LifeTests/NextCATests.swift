import Agent
import Authority
import Foundation
import LibCrypto
import Testing

/// Whatever becomes of the next CA, the certificate of the current one is kept alive.
@Suite struct NextCATests {
    /// A device with a certificate of ten days, on the 38th of its CA's 60.
    private func enrolled(_ settings: [String: String] = [:]) throws -> Life {
        let life = try Rollover.life(settings) { $0.lifetime = TimeInterval(10 * Life.day) }
        life.pass(days: 38)
        #expect(life.powerUp().verdict == "done")
        return life
    }

    /// Passes of a timer, four a day.
    private func passes(_ days: Int, _ life: Life, _ faults: [FaultRule] = []) -> [Life.Run] {
        (life.mayWait, life.defers) = (false, true)
        return (0..<days * 4).map { _ in
            life.pass(days: 0.25)
            return life.powerUp(faults)
        }
    }

    @Test(
        arguments: [Fault.status(500), .html, .close, .unknownSigner, .brokenSignature, .truncated(200)], [true, false])
    func aQuestionWithoutAnAnswerDoesNotKeepFromRenewing(fault: Fault, isPass: Bool) throws {
        let life = try enrolled(["check": "crl"])
        let old = try life.identity()
        life.pass(days: 7)
        (life.mayWait, life.defers) = (!isPass, isPass)
        let run = life.powerUp(FaultRule(fault, operations: [.getNextCACert]))
        #expect(run.operations.contains("RenewalReq") && run.operations.contains("GetCRL"), "\(run.operations)")
        #expect(try life.identity() != old)
        // It is told all the same that something had no answer.
        #expect(run.verdict != "done" && run.events.contains { $0["operation"] == "GetNextCACert" }, "\(run.lines)")
    }

    /// What failed in between, and went well when it was tried again, is not what the run ends with.
    @Test func theQuestionIsWhatTheRunEndsWith() throws {
        let life = try enrolled(["retries": "2"])
        life.pass(days: 7)
        let run = life.powerUp(
            FaultRule(.unknownSigner, operations: [.getNextCACert]),
            FaultRule(.status(503), operations: [.pkiOperation], times: 1))
        #expect(run.events.contains { $0.outcome == "issued" }, "\(run.lines)")
        #expect(run.verdict == "next-ca-unsigned", "\(run.lines)")
    }

    /// It was published, and does not issue before its time: the current one does.
    @Test(arguments: [500, 404, 502], ["passes", "stays", "is switched on daily"])
    func theCurrentCARenewsWhileTheNextOneDoesNotIssue(status: Int, way: String) throws {
        let life = try enrolled()
        let serial = try #require(life.authority.nextTrustAnchor).serial
        var count = 0
        life.intercepts = { request in
            guard let message = request.message, message.contains(sequence: serial) else { return nil }
            count += 1
            return Answer(status: status, text: "no")
        }
        switch way {
        case "passes": _ = passes(11, life)
        case "stays":
            life.settings.merge(["stay": "yes", "retry": "3600", "retry-cap": "43200", "check-interval": "43200"]) {
                $1
            }
            life.end = (Life.epoch + 49 * Life.day) * 1000
            life.powerUp()
            life.end = .max
        default:
            for _ in 0..<11 {
                life.pass(days: 1)
                life.powerUp()
            }
        }
        #expect(count > 2)
        let identity = try #require(try life.identity())
        #expect(identity.notAfter > life.authority.now, "\(identity.notAfter)")
        #expect(identity.isSigned(by: life.authority.trustAnchor.publicKey))
        // Nor is the CA asked for more than it takes.
        #expect((2...3).contains(life.authority.issuedCertificates().count))
    }

    /// The other way about: the current one issues no longer, and the next one does.
    @Test func theNextCAIsAskedWhereTheCurrentOneDoesNotRenew() throws {
        let life = try enrolled(["retries": "3"])
        life.pass(days: 7)
        let serial = life.authority.trustAnchor.serial
        life.intercepts = { request in
            guard let message = request.message, message.contains(sequence: serial) else { return nil }
            return Answer(status: 500, text: "no")
        }
        let runs = passes(3, life)
        #expect(runs.contains { $0.events.contains { $0.outcome == "issued-early" } }, "\(runs.flatMap(\.lines))")
    }

    /// The next CA issues early, for a time after the current certificate has expired.
    @Test func anIdentityForLaterDoesNotKeepFromRenewing() throws {
        let life = try enrolled()
        life.pass(days: 5)
        let early = life.powerUp()
        #expect(early.events.last?.outcome == "issued-early", "\(early.lines)")
        let next = try #require(life.records()[9])
        _ = passes(6, life)
        let identity = try #require(try life.identity())
        #expect(identity.notAfter > life.authority.now)
        #expect(identity.isSigned(by: life.authority.trustAnchor.publicKey))
        #expect(try life.records()[9] == next && life.records()[8] != nil)
        // Which it takes when its time comes.
        life.pass(days: 2)
        try life.authority.rollOver()
        let run = life.powerUp()
        #expect(run.events.contains { $0.outcome == "taken-over" }, "\(run.lines)")
        #expect(try life.identity() == Certificate(der: next))
    }
}
