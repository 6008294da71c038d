import Ledger
import StationSupport
import Testing

@Suite("What came out in a shift")
struct ShiftTests {
    @Test(arguments: LedgerPlace.allCases)
    func devicesAreCountedInTheirIntervals(place: LedgerPlace) throws {
        let clock = TestClock()
        try place.withLedger(clock) { ledger in
            let start = clock.now
            try ledger.plan(["s1", "s2", "s3", "s4"])
            try ledger.provision("s1", fingerprint: "f1")
            clock.move(seconds: 600)
            try ledger.provision("s2", fingerprint: "f2")
            let cause = FailureCause(kind: "refused", sentence: "no", excludesCertificate: true)
            try ledger.record(.failed(cause), of: ledger.taken("s3"), by: .first)
            clock.move(seconds: 1200)
            try ledger.scrap("s4", reason: "fell", by: .first)
            // What is retired was verified all the same.
            try ledger.retire("s2", reason: "sold", by: .first)
            let rates = try ledger.rate(since: start, interval: 600)
            #expect(rates.map { "\($0.issued) \($0.verified) \($0.failed)" } == ["1 1 0", "1 1 1", "0 0 0", "0 0 0"])
            #expect(rates[0].from <= start && rates[1].from.milliseconds - rates[0].from.milliseconds == 600_000)
            #expect(try ledger.causes(since: start) == [NamedCount(name: "refused", count: 1)])
            #expect(try ledger.causes(since: clock.now) == [])
            // A clock that was set back: what is recorded lies in the future, and is not counted anywhere.
            clock.move(seconds: -1500)
            #expect(try ledger.rate(since: start, interval: 600).count == 1)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func whoIsAtWorkIsTold(place: LedgerPlace) throws {
        let clock = TestClock()
        try place.withLedger(clock) { ledger in
            try ledger.plan(["s1", "s2", "s3", "s4"])
            try ledger.provision("s1", fingerprint: "f1")
            try ledger.provision("s2", fingerprint: "f2")
            _ = try ledger.taken("s3", lease: 60)
            _ = try ledger.taken("s4", by: .second, lease: 600)
            var (underWay, ended) = try ledger.latestAttempts(limit: 10)
            #expect(underWay.map(\.serial) == ["s3", "s4"] && ended.map(\.serial) == ["s2", "s1"])
            // A station that is gone is not at work.
            clock.move(seconds: 61)
            (underWay, ended) = try ledger.latestAttempts(limit: 1)
            #expect(underWay.map(\.serial) == ["s4"] && ended.map(\.serial) == ["s2"])
        }
    }

    /// A person who takes a device away from a station that is gone says nothing of the device, or of who failed.
    @Test(arguments: LedgerPlace.allCases)
    func whatAReworkGaveUpIsNoFailure(place: LedgerPlace) throws {
        let clock = TestClock()
        try place.withLedger(clock) { ledger in
            let start = clock.now
            try ledger.plan(["s1", "s2"])
            _ = try ledger.record(.key(publicKey: "k", isHere: true), of: ledger.taken("s1", lease: 5), by: .first)
            let silent = FailureCause(kind: "silent", sentence: "no", excludesCertificate: false)
            try ledger.record(.failed(silent), of: ledger.taken("s2"), by: .first)
            clock.move(seconds: 60)
            for serial in ["s1", "s2"] { try ledger.rework(serial, reason: "line-1 burnt", by: .second) }
            let one = [NamedCount(name: "silent", count: 1)]
            let figures = try #require(try ledger.readBatch("B1") { try $0.figures() })
            #expect(figures.causes == one && figures.states == ["rework": 2])
            #expect(figures.stations.map { "\($0.name) \($0.failed)" } == ["line-1 1"])
            #expect(try ledger.causes(since: start) == one)
            #expect(try ledger.rate(since: start, interval: 600).map(\.failed).reduce(0, +) == 1)
            #expect(try ledger.batches().map(\.states) == [["rework": 2]])
            #expect(try ["s1", "s2"].map { try ledger.device($0)?.state } == ["rework", "rework"])
            // Of neither there is anything to be seen at a port.
            let latest = try ledger.latestAttempts(limit: 9)
            #expect(latest.underWay.isEmpty && latest.ended.isEmpty)
            #expect(try ledger.provision("s1", fingerprint: "f1", by: .second).number == 2)
            #expect(try ledger.device("s1")?.state == "verified")
        }
    }
}
