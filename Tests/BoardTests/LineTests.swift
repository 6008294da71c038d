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

    @Test func controlCharactersFromOutsideAreReplaced() {
        var line = Board.Line()
        line.append(Array("a\r\ndone\u{1B}[2J\u{7F}é".utf8).span)
        #expect(string(line.span) == "a??done?[2J?é")
        // U+009B is ESC [ in one character, in UTF-8 and by itself.
        line.clear()
        line.append([0x9B, 0x61, 0x9B, 0x9B, 0xC2, 0x9B, 0x32].span)
        line.append(Array("Ü€\u{1F600}".utf8).span)
        let bytes = line.span.indices.map { line.span[$0] }
        #expect(bytes == Array("?a??".utf8) + [0xC2] + Array("?2Ü€\u{1F600}".utf8))
    }

    @Test func whatDoesNotFitIsCutOff() {
        var line = Board.Line()
        for _ in 0..<100 { line.append("0123456789") }
        #expect(line.span.count == Board.Line.capacity)
        line.clear()
        #expect(line.span.count == 0)
    }
}
