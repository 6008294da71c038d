import Testing

@testable import Board

@Suite struct LineTests {
    @Test(arguments: [
        (0, "0"), (7, "7"), (-12, "-12"), (Int.max, "9223372036854775807"), (Int.min, "-9223372036854775808"),
    ])
    func decimals(value: Int, text: String) {
        var line = Board.Line()
        line.append(decimal: value)
        #expect(string(line.span) == text)
    }

    @Test func hexadecimals() {
        var line = Board.Line()
        line.append(hex: 0x0001_F0AB as UInt32)
        line.append(" ")
        line.append(hex: [0, 0xC3].span)
        #expect(string(line.span) == "0001f0ab 00c3")
    }

    /// Each byte that is not printable ASCII is escaped: controls of ISO 6429 in 7 and 8 bits, bidirectional ones of
    /// Unicode (UAX #9), letters of other languages, and what is no UTF-8.
    @Test(arguments: [
        ("a\r\ndone\u{1B}[2J\u{7F}".utf8.map { $0 }, #"a\0D\0Adone\1B[2J\7F"#),
        ([0x1F, 0x20, 0x7E, 0x7F], #"\1F ~\7F"#), ([0x9B, 0x61, 0xC2, 0x9B, 0x32], #"\9Ba\C2\9B2"#),
        ("\u{202E}x\u{2066}".utf8.map { $0 }, #"\E2\80\AEx\E2\81\A6"#),
        ("Ü€".utf8.map { $0 }, #"\C3\9C\E2\82\AC"#), ([0xFF, 0xC3], #"\FF\C3"#), ("a\\b ~".utf8.map { $0 }, #"a\b ~"#),
    ])
    func whatCouldForgeALineIsEscaped(bytes: [UInt8], text: String) {
        var line = Board.Line()
        line.append(bytes.span)
        #expect(string(line.span) == text)
    }

    @Test func whatDoesNotFitIsCutOff() {
        var line = Board.Line()
        for _ in 0..<100 { line.append("0123456789") }
        #expect(line.span.count == Board.Line.capacity)
        line.clear()
        #expect(line.span.count == 0)
    }
}
