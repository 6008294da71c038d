import Authority
import Foundation
import LibCrypto
import Testing

/// A CA of 60 days whose next one begins after 50.
enum Rollover {
    static func life(
        _ settings: [String: String] = [:], _ configure: (inout CAConfiguration) -> Void = { _ in }
    ) throws -> Life {
        try Life(settings) {
            $0.authorityLifetime = TimeInterval(60 * Life.day)
            $0.lifetime = TimeInterval(100 * Life.day)
            $0.nextCABeginsIn = TimeInterval(50 * Life.day)
            $0.hasNextCA = true
            configure(&$0)
        }
    }
}

/// From one CA to the next.
@Suite struct LifeRolloverTests {
    static let settings: [[String: String]] = [[:], ["renewal-key": "same"], ["renewal-type": "19"]]

    @Test(arguments: settings)
    func deviceFollowsItsCA(settings: [String: String]) throws {
        let life = try Rollover.life(settings)
        let request = settings["renewal-type"] == nil ? "RenewalReq" : "PKCSReq"
        #expect(life.powerUp().verdict == "done")
        let old = try #require(try life.identity())
        let oldCA = life.authority.trustAnchor
        let nextCA = try #require(life.authority.nextTrustAnchor)

        // The CA is as far in its life as a device would renew: the next one is fetched, and issues early.
        life.pass(days: 45)
        let early = life.powerUp()
        #expect(early.verdict == "done", "\(early.lines)")
        #expect(early.operations == ["GetCACaps", "GetNextCACert", "GetCACaps", request])
        #expect(early.events.map(\.outcome) == ["current", "next-ca", "issued-early"])
        #expect(early.events.last?["next"] == "take-over")
        #expect(try life.identity() == old)
        let records = try life.records()
        #expect(records[9] != nil && records[6] != nil && records[8] != nil)
        let next = try Certificate(der: #require(records[9]))
        #expect(next.isSigned(by: nextCA.publicKey) && next.notBefore > life.authority.now)
        #expect(early.events.last?["serial"] == next.serialText)

        // Both are trusted side by side, and nothing more is asked.
        #expect(life.powerUp().exchanges.isEmpty)

        life.pass(days: 6)
        try life.authority.rollOver()
        let late = life.powerUp()
        #expect(late.verdict == "done", "\(late.lines)")
        #expect(late.events.map(\.outcome) == ["current", "taken-over"])
        #expect(late.exchanges.isEmpty)
        #expect(try life.identity() == next)
        try OpenSSLCheck.verify(next, of: life.authority)
        let left = try life.records()
        #expect([4, 5, 6, 8, 9].allSatisfy { left[$0] == nil })
        #expect(left[3].map { !$0.contains(sequence: oldCA.der) && $0.contains(sequence: nextCA.der) } == true)

        // The next one's own time: renewed from it, under the fingerprint of the first.
        life.pass(days: 30)
        let renewed = life.powerUp()
        #expect(renewed.verdict == "done", "\(renewed.lines)")
        #expect(life.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
    }

    /// A next CA whose time has come already issues at once.
    @Test func nextCAThatHasBegunTakesOverAtOnce() throws {
        let life = try Rollover.life {
            $0.hasNextCA = false
            $0.nextCABeginsIn = 0
        }
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 45)
        try life.authority.prepareNextCA()
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.events.map(\.outcome) == ["current", "next-ca", "issued"])
        let nextCA = try #require(life.authority.nextTrustAnchor)
        #expect(try #require(try life.identity()).isSigned(by: nextCA.publicKey))
        #expect(try life.records()[6] == nil)
    }

    /// A device without a clock, which a reply's Date has told that the next CA's time has come.
    private func takenOverByADate() throws -> Life {
        let life = try Rollover.life()
        life.clock = nil
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 45)
        #expect(life.powerUp().events.contains { $0.outcome == "issued-early" })
        life.pass(days: 6)
        try life.authority.rollOver()
        let run = life.powerUp()
        #expect(run.events.contains { $0.outcome == "taken-over" }, "\(run.lines)")
        return life
    }

    /// A device without a clock is told by the Date of a reply that the next CA's time has come.
    @Test func deviceWithoutAClockTakesOver() throws {
        let life = try takenOverByADate()
        try OpenSSLCheck.verify(#require(try life.identity()), of: life.authority)
    }

    /// A CA that has no next one yet is asked again, and the device renews from the one that there is.
    @Test func caWithoutANextOneStaysInService() throws {
        let life = try Rollover.life {
            $0.hasNextCA = false
            $0.lifetime = TimeInterval(10 * Life.day)
        }
        life.pass(days: 38)
        #expect(life.powerUp().verdict == "done")
        life.pass(days: 7)
        let run = life.powerUp()
        #expect(run.verdict == "done", "\(run.lines)")
        #expect(run.operations == ["GetCACaps", "GetCACaps", "GetCACert", "RenewalReq"])
        // At its end, all that it gives ends with it: new keys, at ever shorter intervals, but not at each start.
        life.pass(days: 7)
        #expect(life.powerUp().verdict == "done")
        let last = try #require(try life.identity())
        let count = life.authority.issuedCertificates().count
        for _ in 0..<7 * 24 {
            life.pass(days: 1 / 24)
            #expect(life.powerUp().verdict == "done")
        }
        #expect(try life.identity()?.notAfter == last.notAfter)
        let more = life.authority.issuedCertificates().count - count
        #expect((1...6).contains(more), "\(more)")
    }
}

extension LifeRolloverTests {
    /// A clockless device takes over by a Date. Its renewals keep the former identity, which may come back, with its CA's
    /// certificates, and not these alone as those of the "next" CA; the next CA's take their place.
    @Test func formerCAIsNotTheNextOneOfADeviceWithoutAClock() throws {
        let life = try takenOverByADate()
        let former = try #require(life.records()[9])
        let formerCA = try #require(life.records()[6])
        for _ in 0..<5 {
            life.pass(days: 10)
            _ = life.powerUp()
            let records = try life.records()
            #expect((records[6] == formerCA) == (records[9] == former) && (records[9] == nil) == (records[8] == nil))
        }
        #expect(try #require(try life.identity()).notAfter > life.authority.now)
    }

    @Test func aDeviceWithoutAClockOutlivesARollover() throws {
        let life = try Rollover.life { $0.lifetime = TimeInterval(10 * Life.day) }
        life.clock = nil
        for day in 0..<95 {
            _ = life.powerUp()
            life.pass(days: 1)
            if day == 50 { try life.authority.rollOver() }
        }
        #expect(try #require(try life.identity()).notAfter > life.authority.now)
    }
}
