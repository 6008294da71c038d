import Foundation
import Ledger
import StationSupport
import TestSupport
import Testing

@Suite("A station works on while the shared ledger is away")
struct LeasedLedgerTests {
    private final class Notes: @unchecked Sendable {
        private let lock = NSLock()
        private var texts: [String] = []
        func add(_ text: String) { lock.withLock { texts.append(text) } }
        var all: [String] { lock.withLock { texts } }
    }

    private struct Bench {
        let database: AwayDatabase
        let shared: Ledger
        let clock: TestClock
        let journal: String
        let notes = Notes()

        func ledger(ahead: Int = 2, upcoming: [String] = []) throws -> LeasedLedger {
            var left = upcoming[...]
            return try LeasedLedger(
                shared, journal: journal, maxUnsynced: 48 * 3600, ahead: ahead, upcoming: { left.popFirst() },
                report: { notes.add($0) })
        }
    }

    private func withBench(_ place: LedgerPlace, _ body: (Bench) throws -> Void) throws {
        let clock = TestClock()
        try place.withAddress { address in
            try withTemporaryDirectory { folder in
                let database = AwayDatabase(
                    place == .sqlite ? try SQLiteDatabase(file: address) : try PostgreSQLDatabase(address: address))
                let shared = try Ledger(database, now: { clock.now }, leases: clock.leases)
                try shared.plan((1...6).map { "s\($0)" })
                try body(
                    Bench(database: database, shared: shared, clock: clock, journal: folder.appending(path: "j").path))
            }
        }
    }

    private func begun(_ result: ClaimResult) throws -> Attempt {
        switch result {
        case .begun(let attempt), .resumed(let attempt): return attempt
        default: throw UnexpectedClaim(result: "\(result)")
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func whatWasDoneMeanwhileGoesUpInOrder(place: LedgerPlace) throws {
        try withBench(place) { bench in
            let ledger = try bench.ledger(upcoming: ["s2", "s3"])
            var first = try begun(ledger.claim("s1", port: nil, lease: 600, by: .first))
            bench.database.mode = .away
            for step in AttemptStep.whole("f1") { first = try ledger.record(step, of: first, by: .first) }
            #expect(first.state == .verified)
            // The two that it took ahead, and no other.
            var second = try begun(ledger.claim("s2", port: nil, lease: 600, by: .first))
            for step in AttemptStep.whole("f2") { second = try ledger.record(step, of: second, by: .first) }
            #expect(try ledger.claim("s1", port: nil, lease: 600, by: .first) == .verified(first))
            #expect(throws: LedgerError.self) { try ledger.claim("s4", port: nil, lease: 600, by: .first) }
            #expect(try ledger.unsynced() == 12)

            bench.database.mode = .here
            let third = try #require(try bench.shared.lastAttempt(of: "s3"))
            #expect(try bench.shared.claim("s3", port: nil, lease: 1, by: .second) == .busy(third))
            // Another program begins, after a crash of the first.
            let again = try bench.ledger()
            #expect(try again.synchronize() == Array(repeating: .recorded, count: 12))
            #expect(try again.unsynced() == 0 && bench.shared.lastAttempt(of: "s2")?.fingerprint == "f2")
            #expect(
                try bench.shared.auditEntries(of: "s1").map(\.action) == [
                    "claimed", "key", "requested", "pending", "issued", "delivered", "verified",
                ])
            _ = try bench.shared.verifyAudit()
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func anAnswerThatWasLostRecordsNothingTwice(place: LedgerPlace) throws {
        try withBench(place) { bench in
            let ledger = try bench.ledger()
            var attempt = try begun(ledger.claim("s1", port: nil, lease: 600, by: .first))
            for step in AttemptStep.whole("f1") {
                bench.database.mode = .answerLost
                attempt = try ledger.record(step, of: attempt, by: .first)
                bench.database.mode = .here
                _ = try ledger.synchronize()
            }
            #expect(attempt.state == .verified)
            #expect(
                try bench.shared.auditEntries(of: "s1").count == 7 && bench.shared.certificates(of: "s1").count == 1)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func theLineStopsWhenItWasCutOffForTooLong(place: LedgerPlace) throws {
        try withBench(place) { bench in
            let ledger = try bench.ledger()
            var attempt = try begun(ledger.claim("s1", port: nil, lease: 600, by: .first))
            bench.database.mode = .away
            attempt = try ledger.record(.requested(transactionID: "t"), of: attempt, by: .first)
            bench.clock.move(seconds: 48 * 3600 + 1)
            let error = #expect(throws: LedgerError.self) { try ledger.record(.pending, of: attempt, by: .first) }
            if case .unsynced = error {} else { Issue.record("\(String(describing: error))") }
            bench.database.mode = .here
            attempt = try ledger.record(.pending, of: attempt, by: .first)
            #expect(try bench.shared.lastAttempt(of: "s1")?.state == .pending)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func whatAnotherStationTookOverIsAnsweredSo(place: LedgerPlace) throws {
        try withBench(place) { bench in
            let ledger = try bench.ledger()
            let attempt = try begun(ledger.claim("s1", port: "p1", lease: 600, by: .first))
            bench.database.mode = .away
            _ = try ledger.record(.requested(transactionID: "t"), of: attempt, by: .first)
            bench.database.mode = .here
            bench.clock.move(seconds: 601)
            let other = try begun(bench.shared.claim("s1", port: nil, lease: 600, by: .second))
            let answers = try ledger.synchronize()
            #expect(answers == [.refused(serial: "s1", "\(StepError.lost(other))")])
            #expect(bench.notes.all.contains { $0.contains("line-2") })
            #expect(try ledger.unsynced() == 0)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func whatWasTakenAheadIsGivenBack(place: LedgerPlace) throws {
        try withBench(place) { bench in
            let ledger = try bench.ledger(upcoming: ["s2", "s3"])
            _ = try ledger.claim("s1", port: nil, lease: 600, by: .first)
            try ledger.release()
            for serial in ["s2", "s3"] { _ = try begun(bench.shared.claim(serial, port: nil, lease: 1, by: .second)) }
        }
    }

    /// What a station does without the ledger, the ledger does not know: nobody else takes the device over meanwhile, in all the
    /// time for which the station may work on.
    @Test(arguments: LedgerPlace.allCases)
    func nobodyTakesADeviceWhoseStationMayWorkOn(place: LedgerPlace) throws {
        try withBench(place) { bench in
            let ledger = try bench.ledger(upcoming: ["s2"])
            for serial in ["s1", "s2"] {
                let attempt = try begun(ledger.claim(serial, port: nil, lease: 600, by: .first))
                try ledger.extend(attempt, lease: 600)
                bench.database.mode = .away
                _ = try ledger.record(.requested(transactionID: "t"), of: attempt, by: .first)
                bench.database.mode = .here
                bench.clock.move(seconds: 3600)
                let other = try bench.shared.claim(serial, port: nil, lease: 600, by: .second)
                if case .busy = other {} else { Issue.record("\(serial): \(other)") }
            }
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func nothingIsAskedOfTheCAOnceTheLeaseIsOver(place: LedgerPlace) throws {
        try withBench(place) { bench in
            let ledger = try bench.ledger()
            let attempt = try begun(ledger.claim("s1", port: nil, lease: 600, by: .first))
            bench.clock.move(seconds: 48 * 3600 + 1)
            let other = try begun(bench.shared.claim("s1", port: nil, lease: 600, by: .second))
            #expect(other.tries == 2)
            bench.database.mode = .away
            #expect(throws: LedgerError.self) {
                try ledger.record(.key(publicKey: "k", isHere: true), of: attempt, by: .first)
            }
            #expect(throws: LedgerError.self) {
                try ledger.record(.requested(transactionID: "t"), of: attempt, by: .first)
            }
        }
    }
}
