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
    }

    @Test func whatDoesNotFitIsCutOff() {
        var line = Board.Line()
        for _ in 0..<100 { line.append("0123456789") }
        #expect(line.span.count == Board.Line.capacity)
        line.clear()
        #expect(line.span.count == 0)
    }
}
