import Foundation
import Ledger
import Signing
import StationSupport
import TestSupport
import Testing

@testable import Reports

@Suite("A batch's report")
struct ReportTests {
    /// Words of people and of CAs that somebody else's program might take for more than words.
    static let hostile = [
        "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "\"'&<>", "a,b\"c", "\u{202E}gnp.exe", "+1", "-2", "@SUM(1)",
        "  =1", "＝1",
    ]

    /// Ten devices: four verified at once, one in its second attempt, one with a second try, one failed, one scrapped, one handed over,
    /// one not begun.
    static func withBatch(_ place: LedgerPlace, _ body: (Ledger, StationKey) throws -> Void) throws {
        let clock = TestClock()
        try withTemporaryDirectory { folder in
            try place.withLedger(clock) { ledger in
                var left = (0..<10).map { number in
                    PlannedDevice(
                        serial: "s\(number)", batch: "B1", label: hostile[number],
                        columns: number % 2 == 0 ? ["subject": "CN=s", "x-site": hostile[number]] : ["x-line": "1"])
                }[...]
                try ledger.plan(manifest: "m", quota: nil, by: .first) { left.popFirst() }
                try ledger.plan(["other"], batch: "B2")
                for number in 0..<4 {
                    let attempt = try ledger.taken("s\(number)", by: number == 0 ? .second : .first)
                    clock.move(seconds: 10 * (number + 1))
                    try finish(ledger, attempt, number == 0 ? .second : .first)
                }
                try fail(ledger, "s4", "refused")
                try finish(ledger, ledger.taken("s4"), .first)
                _ = try ledger.taken("s5")
                try finish(ledger, ledger.taken("s5"), .first)
                try fail(ledger, "s6", "silent")
                try ledger.scrap("s7", reason: "fell", by: .first)
                var attempt = try ledger.taken("s8")
                for step in AttemptStep.whole("f8").dropLast() {
                    attempt = try ledger.record(step, of: attempt, by: .first)
                }
                try body(ledger, try StationKey(file: folder.appending(path: "key")))
            }
        }
    }

    private static func finish(_ ledger: Ledger, _ attempt: Attempt, _ actor: Actor) throws {
        var attempt = attempt
        for step in AttemptStep.whole("f\(attempt.serial)") {
            attempt = try ledger.record(step, of: attempt, by: actor)
        }
    }

    private static func fail(_ ledger: Ledger, _ serial: String, _ kind: String) throws {
        let cause = FailureCause(kind: kind, sentence: "<b>no</b>\n=1\u{1B}[31m", excludesCertificate: true)
        try ledger.record(.failed(cause), of: ledger.taken(serial), by: .first)
    }

    private func text(_ format: Report.Format, _ ledger: Ledger, _ key: StationKey) throws -> String {
        var text = ""
        try Report(of: "B1", in: ledger, key: key, by: .first).write(format) { text += $0 }
        return text
    }

    @Test(arguments: LedgerPlace.allCases)
    func theFiguresAreThoseOfTheBatch(place: LedgerPlace) throws {
        try Self.withBatch(place) { ledger, _ in
            let figures = try #require(try ledger.readBatch("B1") { try $0.figures() })
            #expect(figures.states == ["verified": 6, "failed": 1, "scrapped": 1, "delivered": 1, "planned": 1])
            #expect(figures.planned == 10 && figures.verified == 6 && figures.ended == 8)
            #expect(figures.firstPass == 4 && figures.retries == 1 && figures.attempts == 9)
            #expect(figures.causes.map { "\($0.name) \($0.count)" } == ["refused 1", "silent 1"])
            #expect(
                figures.stations.map { "\($0.name) \($0.attempts) \($0.verified) \($0.failed)" } == [
                    "line-1 8 5 2", "line-2 1 1 0",
                ])
            #expect(figures.people.map(\.name) == ["Ada", "Bob"] && figures.ports.map(\.name) == ["p1"])
            // By nearest rank of 6: the third, and the last, of which those of 10 to 40 s are the longest four.
            let cycle = try #require(figures.cycle)
            #expect(cycle.median / 1000 == 10 && cycle.percentile95 / 1000 == 40)
            #expect(try ledger.readBatch("B9") { try $0.figures() } == nil)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func aDeviceThatIsRetiredLaterStaysInTheYieldAndInTheTimes(place: LedgerPlace) throws {
        try Self.withBatch(place) { ledger, _ in
            let before = try ledger.readBatch("B1") { try $0.figures() }
            try ledger.retire("s0", reason: "sold", by: .first)
            let after = try ledger.readBatch("B1") { try $0.figures() }
            #expect(after?.verified == 6 && after?.firstPass == 4 && after?.cycle == before?.cycle)
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func theTableIsReadBackByAnotherReader(place: LedgerPlace) throws {
        try Self.withBatch(place) { ledger, key in
            let csv = try text(.csv, ledger, key)
            let program = """
                import csv, io, json, sys
                text = io.TextIOWrapper(sys.stdin.buffer, "utf-8", newline="")
                print(json.dumps(list(csv.reader(text, strict=True))))
                """
            let output = try runProgram("/usr/bin/python3", ["-c", program], input: [UInt8](csv.utf8)).output
            let rows = try JSONDecoder().decode([[String]].self, from: Data(output))
            #expect(rows.count == 11 && rows.allSatisfy { $0.count == rows[0].count })
            #expect(
                rows[0].suffix(6) == [
                    "label", "verified_by", "verified_station", "verified_operator", "x-line", "x-site",
                ])
            // One device a line, whatever is in its values.
            #expect(csv.split(separator: "\r\n").count == 11 && !csv.unicodeScalars.contains("\u{1B}"))
            for (number, row) in rows.dropFirst().enumerated() {
                for cell in row {
                    let first = cell.first { $0 != " " }
                    #expect(!"=+-@＝＋－＠".contains(first ?? "x"), "\(cell)")
                }
                let label = printable(Self.hostile[number])
                #expect(row[14] == label || row[14] == "'" + label)
            }
            #expect(rows[5][1...3] == ["verified", "2", "2"])
            #expect(rows[1][15...17] == ["event", "line-2", "Bob"] && rows[2][15...17] == ["event", "line-1", "Ada"])
            #expect(rows[9][1] == "delivered" && rows[9][15...17] == ["", "", ""])
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func theLinesHaveAllValuesAsTheyAre(place: LedgerPlace) throws {
        try Self.withBatch(place) { ledger, key in
            let lines = try text(.ndjson, ledger, key).split(separator: "\n")
            #expect(lines.count == 10)
            for (number, line) in lines.enumerated() {
                let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                #expect(
                    object["serial"] as? String == "s\(number)" && object["label"] as? String == Self.hostile[number])
            }
            #expect(lines[6].contains(#""sentence":"<b>no</b>\n=1\u001b[31m""#))
        }
    }

    @Test(arguments: LedgerPlace.allCases)
    func thePageEscapesWhatItShowsAndLoadsNothing(place: LedgerPlace) throws {
        try Self.withBatch(place) { ledger, key in
            let page = try text(.html, ledger, key)
            #expect(!page.contains("<script") && !page.contains("<b>no") && !page.contains("\u{202E}"))
            #expect(!page.unicodeScalars.contains("\u{1B}") && page.contains(#"\u{202e}gnp.exe"#))
            #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("&lt;b&gt;no&lt;/b&gt;"))
            for loading in ["src=", "href=", "url(", "@import"] { #expect(!page.contains(loading), "\(loading)") }
            #expect(!page.contains("&lt;br") && !page.contains("&lt;p"), "markup was taken for text")
            #expect(page.contains("<dd>75 %</dd>") && page.contains("<dd>50 %</dd>"))
            // The checkpoint on it holds for the ledger.
            let jws = try #require(page.firstMatch(of: /<p class="code">([^<]+)</)).1
            let checkpoint = try Checkpoint(String(jws), by: key.verifier)
            #expect(try ledger.verifyAudit(against: [checkpoint.head]).sequence > 0)
        }
    }

    @Test func aBatchThatIsNotThereIsSaid() throws {
        try Self.withBatch(.sqlite) { ledger, key in
            for format in Report.Format.allCases {
                #expect(throws: ReportError.noBatch("B9")) {
                    try Report(of: "B9", in: ledger, key: key, by: .first).write(format) { _ in
                        Issue.record("\(format) wrote something")
                    }
                }
            }
        }
    }

    @Test(arguments: [
        (0, 0, "–"), (0, 5, "0 %"), (1, 3, "33.3 %"), (5, 5, "100 %"), (9_999, 10_000, "> 99.9 %"),
        (1, 10_000, "< 0.1 %"),
    ])
    func sharesAreNotRoundedToAllOrNothing(part: Int, whole: Int, text: String) {
        #expect(percent(part, of: whole) == text)
    }

    /// Of the attempt that counts: not of whom a rework took it from.
    @Test(arguments: LedgerPlace.allCases)
    func whoVerifiedADeviceIsInEachReport(place: LedgerPlace) throws {
        try Self.withBatch(place) { ledger, key in
            var attempt = try ledger.taken("s9")
            for step in AttemptStep.whole("f9").dropLast() {
                attempt = try ledger.record(step, of: attempt, by: .first)
            }
            try ledger.record(.verified(fingerprint: "f9", by: "read back at port p7"), of: attempt, by: .second)
            try ledger.rework("s0", reason: "wrong label", by: .first)
            #expect(try ledger.device("s0")?.verification == nil)
            #expect(try ledger.device("s9")?.verification?.person == "Bob")
            #expect(try text(.csv, ledger, key).contains("read back at port p7\",line-2,Bob"))
            #expect(
                try text(.ndjson, ledger, key).contains(
                    #""verification":{"by":"read back at port p7","operator":"Bob","station":"line-2"}"#))
            #expect(
                try text(.html, ledger, key).contains("verified by <bdi>read back at port p7</bdi>: <bdi>Bob</bdi>"))
        }
    }
}
