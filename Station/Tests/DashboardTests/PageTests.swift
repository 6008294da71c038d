import Foundation
import Ledger
import Line
import StationSupport
import TestSupport
import Testing

@testable import Dashboard

@Suite("What the dashboard's pages say")
struct PageTests {
    static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'&amp;</bdi>", "\u{202E}gnp.exe", "שלום",
        "100%_\\",
        "../../etc/passwd",
    ]

    private func withSite(_ place: LedgerPlace, _ body: (Site, Ledger) throws -> Void) throws {
        try place.withLedger { ledger in
            var left = Self.hostile.map {
                PlannedDevice(serial: $0, batch: "<i>B</i>", label: "L\($0)", columns: ["x-a": $0])
            }[...]
            try ledger.plan(manifest: "m", quota: nil, by: .first) { left.popFirst() }
            for serial in Self.hostile {
                let actor = Actor(station: serial, person: serial)
                let cause = FailureCause(kind: "<u>", sentence: serial + "\u{1B}[31m\r\n", excludesCertificate: true)
                try ledger.record(.failed(cause), of: ledger.taken(serial, by: actor), by: actor)
            }
            try ledger.plan(["plain-1", "plain-2"])
            try ledger.provision("plain-1", fingerprint: "f1")
            try body(Site(ledger, station: "<s>", timeZone: .gmt), ledger)
        }
    }

    private func answer(_ site: Site, _ target: String) throws -> Answer {
        site.answer(try RequestHead([UInt8]("GET \(target) HTTP/1.1\r\nHost: a".utf8)))
    }

    /// Tags and attributes of the pages themselves, and nothing that anybody's words made.
    private func check(_ page: String) {
        for word in [
            "<script>", "<img", "onerror=alert(1)>\"", "<i>", "<u>", "<s>", "</bdi></bdi>", "\u{202E}", "\u{1B}",
        ] {
            #expect(!page.contains(word), "\(word)")
        }
        for escaped in ["&lt;p", "&lt;section", "&lt;td", "&lt;br", "&lt;a ", "&lt;span", "&lt;bdi"] {
            #expect(!page.contains(escaped), "markup was taken for text")
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func nobodysWordsAreMarkup(place: LedgerPlace) throws {
        try withSite(place) { site, _ throws in
            let pages =
                ["/", "/devices", "/devices?q=a"] + Self.hostile.map { "/device?serial=\(percentEncoded($0))" }
            for target in pages {
                let answer = try answer(site, target)
                #expect(answer.status == .ok, "\(target)")
                check(answer.body)
            }
            let page = try answer(site, "/").body
            #expect(
                page.contains("&lt;script&gt;alert(1)") && page.contains(#"\u{202e}gnp.exe"#) && page.contains("שלום"))
            #expect(page.contains("FAIL") && page.contains("PASS"))
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func whatIsSearchedForIsTakenAsItStands(place: LedgerPlace) throws {
        try withSite(place) { site, ledger throws in
            func found(_ text: String) throws -> [String] {
                try ledger.devices(matching: text, limit: 100).map(\.serial)
            }
            #expect(try found("plain") == ["plain-1", "plain-2"])
            #expect(try found("PLAIN-2") == ["plain-2"])
            for text in ["%", "_\\", "\\", "100%"] { #expect(try found(text) == ["100%_\\"]) }
            for text in ["' OR 1=1 --", "a\u{0}b", "\n"] { #expect(try found(text) == []) }
            #expect(try found("Lשלום") == ["שלום"])
            #expect(try ledger.devices(matching: "", limit: 3).count == 3)
            #expect(try ledger.device("plain-1\u{0}x") == nil)
            // What names one device leads to it, by its serial as by its label.
            for serial in Self.hostile {
                for text in [serial, "L" + serial] {
                    let answer = try answer(site, "/devices?q=\(percentEncoded(text))")
                    #expect(
                        answer.fields == ["Location: /device?serial=\(percentEncoded(serial))"]
                            && answer.status == .seeOther)
                }
            }
        }
    }

    @Test func aHugeSearchIsRefusedBeforeTheLedgerIsAsked() throws {
        try withSite(.sqlite) { site, _ throws in
            #expect(try answer(site, "/devices?q=" + String(repeating: "%25", count: 201)).status == .badRequest)
            #expect(try answer(site, "/devices?q=" + String(repeating: "%25", count: 200)).status == .ok)
            #expect(try answer(site, "/device?serial=" + String(repeating: "a", count: 5_000)).status == .notFound)
        }
    }

    @Test(arguments: [
        "/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/style.css", "//etc/passwd", "/style.css/", "/device/",
        "/./",
        "/script.js%00", "/index.html", "/device?serial=none", "/device",
    ])
    func thereIsNothingElse(target: String) throws {
        try withSite(.sqlite) { site, _ throws in #expect(try answer(site, target).status == .notFound) }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aDevicesPageHasItsWholeRecord(place: LedgerPlace) throws {
        try withSite(place) { site, ledger throws in
            try ledger.rework("plain-1", reason: "wrong label", by: .second)
            let waiting = try answer(site, "/device?serial=plain-1").body
            #expect(waiting.contains("to be reworked: wrong label") && waiting.contains("rework</span>"))
            try ledger.provision("plain-1", fingerprint: "f2", by: .second)
            let page = try answer(site, "/device?serial=plain-1").body
            for word in ["PASS", "f1", "f2", "superseded", "live", "wrong label", "reworked", "line-2", "Ada", "Bob"] {
                #expect(page.contains(word), "\(word)")
            }
        }
    }

    @Test func aLedgerThatCannotBeReadIsSaid() throws {
        try withSite(.sqlite) { site, ledger throws in
            let name = ledger.database.name
            try LedgerPlace.sqlite.tamper(name, "DROP TABLE certificates; DROP TABLE attempts")
            let answer = try answer(site, "/")
            #expect(answer.status == .unavailable && answer.body.contains("The ledger cannot be read"))
            // A run knows what it is at all the same.
            let board = Site(ledger, station: "s", timeZone: .gmt, places: { [Place(name: "job 1", outcome: .pass)] })
            let page = try self.answer(board, "/")
            #expect(page.status == .ok && page.body.contains("PASS") && page.body.contains("The ledger cannot be read"))
        }
    }
}

@Suite("What the jobs of a run show")
struct LiveBoardTests {
    private func words(_ board: LiveBoard) -> [String] { board.all.map { "\($0.serial ?? "") \($0.outcome)" } }

    @Test func aDeviceKeepsItsPlaceUntilTheNextNeedsIt() {
        let clock = TestClock()
        let board = LiveBoard(jobs: 2) { clock.now }
        board.note(.began(serial: "a"))
        board.note(.began(serial: "b"))
        board.note(.step(serial: "a", .requested))
        #expect(words(board) == ["a working(Ledger.AttemptState.requested)", "b working(Ledger.AttemptState.claimed)"])
        board.note(.ended(serial: "b", .verified))
        board.note(.ended(serial: "a", .skipped("busy")))
        #expect(words(board) == ["a left(\"busy\")", "b pass"])
        // The one that ended first makes way.
        board.note(.began(serial: "c"))
        #expect(words(board) == ["a left(\"busy\")", "c working(Ledger.AttemptState.claimed)"])
        #expect(board.all.map(\.before) == [nil, Place.Before(serial: "b", outcome: .pass)])
        board.note(.ended(serial: "d", .done))
        board.note(.ended(serial: "c", .delivered))
        #expect(words(board) == ["a left(\"busy\")", "c made"])
        #expect(board.all.map(\.name) == ["job 1", "job 2"])
    }

    @Test func aDeviceThatWaitsForTheCAMakesWayAndComesBack() {
        let clock = TestClock()
        let board = LiveBoard(jobs: 1) { clock.now }
        board.note(.began(serial: "a"))
        board.note(.began(serial: "b"))
        #expect(board.all[0].serial == "b")
        board.note(.ended(serial: "a", .verified))
        #expect(board.all[0].serial == "a" && board.all[0].outcome == .pass)
    }

    @Test func theLastNotesAreKept() {
        let board = LiveBoard(jobs: 1)
        for number in 0..<20 { board.note(.note("n\(number)")) }
        #expect(board.notes.map(\.text) == (12..<20).reversed().map { "n\($0)" })
    }
}
