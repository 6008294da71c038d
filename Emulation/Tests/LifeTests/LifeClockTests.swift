import Agent
import Authority
import Foundation
import Testing

import enum SCEP.SCEPError

/// Clocks that are not there, wrong, or go backwards.
@Suite struct LifeClockTests {
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

    /// In 2106 all has expired, the CA included; what the device had it has, and nothing of that time is remembered.
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
        let life = try Life { $0.profile.http.date = .absent }
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

extension LifeClockTests {
    @Test(arguments: [true, false])
    func aClockThatWasAheadOnceDelaysNothing(isTimer: Bool) throws {
        let life = try Life(["retries": "5"])
        #expect(life.powerUp().verdict == "done")
        if isTimer { (life.mayWait, life.defers) = (false, true) } else { life.settings["stay"] = "yes" }
        life.pass(days: 2)
        // Five years ahead for one run, in which the server is busy.
        life.clock = Int64(5 * 365 * Life.day)
        life.end = isTimer ? .max : life.now + 60_000
        _ = life.powerUp(FaultRule(.status(503), operations: Set(CAOperation.allCases)))
        life.clock = 0
        life.end = .max
        if isTimer {
            var asked = 0
            for _ in 0..<30 {
                life.pass(days: 1)
                asked += life.powerUp().exchanges.count
            }
            #expect(asked > 0, "no pass in 30 days did anything")
        } else {
            life.end = (Life.epoch + 32 * Life.day) * 1000
            let run = life.powerUp()
            life.end = .max
            #expect(run.events.contains { $0.outcome == "issued" })
        }
        #expect(try #require(try life.identity()).notAfter > life.authority.now)
    }

    /// One forged Date at enrolment, on a device without a clock, never to be repeated: the renewal after.
    @Test func aForgedDateAtEnrolmentDelaysNoRenewal() throws {
        let life = try Life()
        life.clock = nil
        // One minute before the certificate's end, 30 days on.
        life.date = "Fri, 30 Jan 2026 23:58:00 GMT"
        let first = life.powerUp()
        #expect(first.verdict == "done", "\(first.lines)")
        life.date = nil
        var requests = 0
        for _ in 0..<29 {
            life.pass(days: 1)
            let run = life.powerUp()
            requests += run.operations.filter { $0 == "RenewalReq" }.count
        }
        #expect(requests > 0, "on day 29 of 30 it was not renewed")
        life.pass(days: 2)
        let late = life.powerUp()
        #expect(late.verdict == "done")
    }

    /// One forged Date ends a device that stays on, without an identity.
    @Test func aForgedDateEndsNoDeviceThatStays() throws {
        let life = try Life(["stay": "yes"])
        life.clock = nil
        life.date = "Tue, 01 Jan 2030 00:00:00 GMT"
        life.comesToPass = { [unowned life] now in if now > Life.epoch + 600 { life.date = nil } }
        life.end = (Life.epoch + 3 * Life.day) * 1000
        let run = life.powerUp()
        life.end = .max
        #expect(run.verdict != "expired")
    }

    /// One forged Date, once, stops a device that stays on from renewing for good.
    @Test func aForgedDateStopsNoRenewalOfADeviceThatStays() throws {
        let life = try Life(["stay": "yes"])
        life.clock = nil
        life.end = (Life.epoch + 40 * Life.day) * 1000
        var forged = false
        life.comesToPass = { [unowned life] now in
            let lies = now > Life.epoch + 15 * Life.day && !forged
            if lies { forged = true }
            life.date = lies ? "Tue, 01 Jan 2030 00:00:00 GMT" : nil
        }
        life.settings["check"] = "crl"
        _ = life.powerUp()
        life.end = .max
        #expect(try #require(try life.identity()).notAfter > life.authority.now)
    }
}
