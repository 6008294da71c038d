import Foundation
import Testing

@testable import Output

/// The two forms of a report, the JSON checked by Foundation's parser.
@Suite struct ReportTests {
    private func make(_ form: Report.Form) -> String {
        var report = Report(form)
        report.field("name", text: Array("a \"b\" \\ c".utf8))
        report.field("count", number: -3)
        report.field("flag", isTrue: true)
        report.field("time", time: 1_800_000_000)
        report.beginList("items")
        for number in 1...2 {
            report.beginItem()
            report.field("hex", hex: ([1, 0xAB] as [UInt8]).span)
            report.beginObject("inner")
            report.field("number", number: number)
            report.endObject()
            report.endItem()
        }
        report.endList()
        report.beginList("words")
        report.item("x")
        report.item("y")
        report.endList()
        report.beginList("none")
        report.endList()
        return String(decoding: report.finish(), as: UTF8.self)
    }

    @Test func lines() {
        #expect(
            make(.lines) == """
                name: a "b" \\ c
                count: -3
                flag: yes
                time: 2027-01-15T08:00:00Z
                items:
                  - hex: 01ab
                    inner:
                      number: 1
                  - hex: 01ab
                    inner:
                      number: 2
                words:
                  - x
                  - y
                none:

                """)
    }

    @Test func json() throws {
        let parsed = try JSONSerialization.jsonObject(with: Data(make(.json).utf8)) as? NSDictionary
        #expect(
            parsed == [
                "name": "a \"b\" \\ c", "count": -3, "flag": true, "time": "2027-01-15T08:00:00Z",
                "items": [
                    ["hex": "01ab", "inner": ["number": 1]], ["hex": "01ab", "inner": ["number": 2]],
                ],
                "words": ["x", "y"], "none": [] as [Any],
            ] as NSDictionary)
    }

    /// Words of the far side can neither forge a line, command a terminal nor break the JSON.
    @Test(
        arguments: [
            [0x0A, 0x1B, 0x5B, 0x32, 0x4A], [0xC2, 0x9B], [0x80], [0xFF, 0xFE], [0xC0, 0xAF], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x7F, 0x00, 0x22, 0x5C],
            [0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80],
        ] as [[UInt8]])
    func hostileWordsDoNoHarm(_ bytes: [UInt8]) throws {
        var lines = Report(.lines)
        lines.field("text", text: bytes)
        let line = lines.finish()
        #expect(line.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        #expect(line.filter { $0 == 0x0A }.count == 1)
        var json = Report(.json)
        json.field("text", text: bytes)
        let parsed = try JSONSerialization.jsonObject(with: Data(json.finish())) as? [String: String]
        // How many marks stand for bytes that are no text is left to whoever decodes them.
        func collapsed(_ text: String?) -> String? { text?.replacing(/\u{FFFD}+/, with: "\u{FFFD}") }
        #expect(collapsed(parsed?["text"]) == collapsed(String(decoding: bytes, as: UTF8.self)))
    }

    @Test func euroSignsSurvive() throws {
        var json = Report(.json)
        json.field("text", text: Array("CN=Müller €".utf8))
        #expect(String(decoding: json.finish(), as: UTF8.self) == "{\"text\":\"CN=Müller €\"}\n")
    }
}
