import Agent
import Authority
import Foundation
import Testing

import enum SCEP.SCEPError

/// Clocks that are not there, wrong, or go backwards.
@Suite struct ClockTests {
    /// 2106-02-07T06:28:16Z: one more than 32 bits hold.
    private static let year2106: Int64 = 4_294_967_296

    /// Sets a device's clock to `time`, now.
    private func set(_ life: Life, _ time: Int64) { life.clock = time - Int64(life.now / 1000) }

    @Test func deviceOf1970DoesNotEnrolUntilItsClockIsRight() throws {
        let life = try Life()
        set(life, 60)
        let run = life.powerUp()
        guard case .scep(.getCACert, .caCertificateNotYetValid, _) = run.error else { throw try #require(run.error) }
        #expect(run.verdict == "ca-not-yet-valid" && run.messages.isEmpty)
        life.clock = 0
        #expect(life.powerUp().verdict == "done")
    }

    @Test func deviceOf2106DoesNotEnrolUntilItsClockIsRight() throws {
        let life = try Life()
        set(life, Self.year2106)
        let run = life.powerUp()
        guard case .scep(.getCACert, .caCertificateExpired, _) = run.error else { throw try #require(run.error) }
        #expect(run.verdict == "ca-expired" && run.messages.isEmpty)
        life.clock = 0
        #expect(life.powerUp().verdict == "done")
    }

    /// The operator's word is enough to tell that 1970 is wrong.
    @Test func clockBehindTheOperatorsWordIsNotUsed() throws {
        let life = try Life(["time": "\(Life.epoch - 3600)"])
        set(life, 60)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.lines.contains { $0.hasPrefix("warning: the clock is behind") })
        #expect(run.lines.contains { $0.hasPrefix("warning: the time is not certain") })
    }

    /// With an identity, the certificate proves that it is not 1970; the CA's Date says when to renew.
    @Test func deviceOf1970WithAnIdentityRenewsInTime() throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let before = try #require(try life.identity())
        life.pass(days: 10)
        set(life, 60)
        let early = life.powerUp()
        #expect(early.verdict == "done" && early.operations == ["GetCACaps"], "\(early.lines)")
        #expect(early.lines.contains { $0.hasPrefix("warning: the clock is behind") })
        #expect(try life.identity() == before)
        life.pass(days: 15)
        set(life, 60)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(try life.identity() != before)
    }

    /// In 2106 all is over, the CA included; what the device had it has, and nothing of that time is remembered.
    @Test func deviceOf2106KeepsItsIdentityAndComesBack() throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        let before = try #require(try life.identity())
        set(life, Self.year2106)
        let run = life.powerUp()
        #expect(run.verdict == "ca-expired", "\(run.lines)")
        #expect(run.messages.isEmpty)
        #expect(try life.identity() == before)
        life.clock = 0
        let again = life.powerUp()
        #expect(again.verdict == "done" && again.exchanges.isEmpty, "\(again.lines)")
        #expect(!again.lines.contains { $0.hasPrefix("warning") })
        life.pass(days: 25)
        #expect(life.powerUp().verdict == "done")
        #expect(try life.identity() != before)
    }

    /// A Date that nobody has signed is believed for one run at most.
    @Test(arguments: ["Sun, 07 Feb 2106 06:28:16 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Tomorrow"])
    func dateThatIsWrongDoesNoLastingHarm(date: String) throws {
        let life = try Life()
        life.clock = nil
        #expect(life.powerUp().verdict == "done")
        let before = try #require(try life.identity())
        life.date = date
        life.powerUp()
        #expect(try life.identity() == before)
        life.date = nil
        let run = life.powerUp()
        #expect(run.verdict == "done" && run.operations == ["GetCACaps"], "\(run.lines)")
        #expect(try life.identity() == before)
        life.pass(days: 25)
        #expect(life.powerUp().verdict == "done")
        #expect(try life.identity() != before)
    }

    /// Neither clock nor Date: enrolled, and what could not be checked is said; nobody can tell when to renew.
    @Test func deviceThatKnowsNoTimeSaysSo() throws {
        let life = try Life { $0.personality.http.date = .absent }
        life.clock = nil
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.lines.contains { $0.hasPrefix("warning: the time is not certain") })
        life.pass(days: 25)
        let late = life.powerUp()
        #expect(late.verdict == "done" && late.messages.isEmpty)
        // The operator can.
        life.settings["time"] = "\(Life.epoch + 25 * Life.day)"
        let told = life.powerUp()
        #expect(told.verdict == "done" && told.operations.last == "RenewalReq", "\(told.lines)")
    }

    /// A clock that was right and was set back by days is worse than none: what certificates prove counts.
    @Test func clockThatGoesBackwardsIsNotUsed() throws {
        let life = try Life()
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 25)
        #expect(life.powerUp().verdict == "done")
        let second = try #require(try life.identity())
        life.clock = -Int64(20 * Life.day)
        let run = life.powerUp()
        #expect(run.lines.contains { $0.hasPrefix("warning: the clock is behind") }, "\(run.lines)")
        #expect(run.verdict == "done")
        #expect(try life.identity() == second)
    }
}
