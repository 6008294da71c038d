import Foundation
import Ledger
import TestSupport
import Testing

@Suite("JSON is written in the form of RFC 8785")
struct CanonicalJSONTests {
    // RFC 8785, section 3.2.2 and 3.2.3, and what its rules say of controls.
    @Test(arguments: [
        ("\u{20AC}$\u{F}\nA'B\"\\\\\"/", #""€$\u000f\nA'B\"\\\\\"/""#),
        ("\u{8}\u{C}\t\r\u{1F}\u{7F}", "\"\\b\\f\\t\\r\\u001f\u{7F}\""),
        ("", "\"\""), ("😂", "\"😂\""),
    ])
    func text(value: String, written: String) {
        #expect(JSON.text(value).description == written)
    }

    @Test func namesAreInTheOrderOfTheirUTF16CodeUnits() {
        // The table of section 3.2.3.
        let value = JSON.object([
            "\u{20AC}": "Euro Sign", "\r": "Carriage Return", "\u{FB33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1F600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{F6}": "Latin Small Letter O With Diaeresis",
        ])
        let order = [
            "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
            "Emoji: Grinning Face",
            "Hebrew Letter Dalet With Dagesh",
        ]
        let places = order.compactMap { value.description.range(of: "\"\($0)\"")?.lowerBound }
        #expect(places.count == order.count && places == places.sorted())
    }

    @Test func pythonReadsWhatIsWrittenAndWritesItTheSame() throws {
        let value: JSON = [
            "a": .array([1, .null, .bool(true), .number(-9_007_199_254_740_991), "ü\n\"\\\u{1}"]), "": [:],
            "ß": .array([]),
        ]
        let program =
            "import json,sys;print(json.dumps(json.load(sys.stdin),ensure_ascii=False,separators=(',',':'),sort_keys=True),end='')"
        let output = try runProgram("/usr/bin/python3", ["-X", "utf8", "-c", program], input: value.encoding).output
        #expect(output == value.encoding)
    }
}
