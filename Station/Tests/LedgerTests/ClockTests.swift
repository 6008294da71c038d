import Ledger
import StationSupport
import TestSupport
import Testing

@Suite("Clocks that are wrong")
struct ClockTests {
    /// Two stations, and the clock of one is set while it works. Neither takes the other's device, nor loses its own.
    @Test(arguments: LedgerPlace.allCases, [3_600, -3_600, 365 * 86_400])
    func aClockThatJumpsStealsAndLosesNothing(place: LedgerPlace, seconds: Int) throws {
        try place.withAddress { address in
            let clocks = [TestClock(), TestClock()]
            let first = try place.openAsAStation(address, clocks[0])
            let second = try place.openAsAStation(address, clocks[1])
            try first.plan(["s1", "s2", "s3"])
            var held = try first.taken("s1", lease: 600)
            let other = try second.taken("s2", by: .second, lease: 600)
            clocks[0].jump(seconds: seconds)
            #expect(try first.claim("s2", port: nil, lease: 600, by: .first) == .busy(other))
            #expect(try second.claim("s1", port: nil, lease: 600, by: .second) == .busy(held))
            // What it takes and keeps from now on is its own for as long as it asked for.
            held = try first.extend(held, lease: 600)
            let late = try first.taken("s3", lease: 600)
            #expect(try second.claim("s1", port: nil, lease: 600, by: .second) == .busy(held))
            #expect(try second.claim("s3", port: nil, lease: 600, by: .second) == .busy(late))
            #expect(throws: ReworkError.underWay(held)) { try first.rework("s1", reason: "r", by: .first) }
            #expect(throws: ReworkError.underWay(other)) { try first.scrap("s2", reason: "r", by: .first) }
            for step in AttemptStep.whole("f1") { held = try first.record(step, of: held, by: .first) }
            #expect(held.state == .verified)
            #expect(try first.latestAttempts(limit: 9).underWay.map(\.serial).sorted() == ["s2", "s3"])
            _ = try second.verifyAudit()
        }
    }

    /// A station that is cut off from the ledger counts on by the time that its machine has run.
    @Test(arguments: [3_600, -3_600])
    func aClockThatJumpsWhileTheLedgerIsAwayLosesNothing(seconds: Int) throws {
        try LedgerPlace.postgreSQL.withAddress { address in
            try withTemporaryDirectory { folder in
                let clock = TestClock()
                let database = AwayDatabase(try PostgreSQLDatabase(address: address))
                let shared = try Ledger(database, now: { clock.now })
                try shared.plan(["s1"])
                let ledger = try LeasedLedger(
                    shared, journal: folder.appending(path: "j").path, maxUnsynced: 48 * 3600, ahead: 0,
                    upcoming: { nil }, report: { _ in })
                guard case .begun(let held) = try ledger.claim("s1", port: "p1", lease: 600, by: .first) else {
                    Issue.record("it was not begun")
                    return
                }
                database.mode = .away
                clock.jump(seconds: seconds)
                guard case .resumed = try ledger.claim("s1", port: "p1", lease: 600, by: .first) else {
                    Issue.record("it was lost")
                    return
                }
                #expect(try ledger.record(.requested(transactionID: "t"), of: held, by: .first).state == .requested)
            }
        }
    }

    /// A machine without a battery, before it has asked anybody for the time.
    @Test(arguments: LedgerPlace.allCases)
    func aClockThatWasNeverSetIsNamed(place: LedgerPlace) throws {
        try place.withAddress { address in
            let clock = TestClock()
            let ledger = try place.openAsAStation(address, clock)
            try ledger.plan(["s1", "s3"])
            let held = try ledger.taken("s1")
            clock.jump(seconds: -1_796_040_000)
            for body in [
                { _ = try ledger.record(.requested(transactionID: "t"), of: held, by: .first) },
                { try ledger.plan(["s2"]) }, { try ledger.scrap("s3", reason: "r", by: .first) },
                { _ = try ledger.claim("s1", port: nil, lease: 1, by: .first) },
            ] {
                let error = #expect(throws: LedgerError.self) { try body() }
                #expect("\(error.map { "\($0)" } ?? "")".contains("clock says 1970-01-"))
            }
            clock.jump(seconds: 1_796_040_000)
            #expect(try ledger.record(.requested(transactionID: "t"), of: held, by: .first).state == .requested)
        }
    }
}
