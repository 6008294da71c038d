import Testing

@testable import Emulator

@Suite struct EmulatorConsoleTests {
    @Test(arguments: [
        "report", "report ", "report flash", "report flash=", "report flash=x", "report flash=-1", "report flash=1 ",
        "report flash=1 flash=2", "report size=1", "reports flash=1", " report flash=1",
        "report flash=99999999999999999999",
    ])
    func malformedReportIsNone(line: String) {
        #expect(Report(line: line) == nil)
    }

    @Test func reportLeavesOutWhatABoardCannotKnow() throws {
        let report = try #require(Report(line: "report messages=4 ms=120"))
        #expect(report[.messages] == 4)
        #expect(report[.milliseconds] == 120)
        #expect(report[.stack] == nil)
    }

    @Test(arguments: ["", "Done", "done.", "done ", "error", "error x", "error : y", "error Kind: y", "error a b: c"])
    func otherLinesAreNoVerdict(line: String) {
        #expect(Verdict(line: line) == nil)
    }

    @Test func sentenceMayHoldAColon() {
        #expect(
            Verdict(line: "error wrong-key: at http://ca/: no")
                == .failed(kind: "wrong-key", sentence: "at http://ca/: no"))
    }

    @Test func linesAreCutWhereverTheBytesAreSplit() {
        let bytes = Array("one\r\ntwo\n\nthree".utf8)
        for cut in 0...bytes.count {
            var splitter = LineSplitter()
            let lines = splitter.push(Array(bytes[..<cut])) + splitter.push(Array(bytes[cut...]))
            #expect(lines == ["one", "two", ""])
            #expect(splitter.finish() == "three")
            #expect(splitter.finish() == nil)
        }
    }

    @Test func endlessLineIsCut() {
        var splitter = LineSplitter()
        let lines = splitter.push([UInt8](repeating: 65, count: LineSplitter.longestLine * 2 + 1))
        #expect(lines.map(\.utf8.count) == [LineSplitter.longestLine, LineSplitter.longestLine])
        #expect(splitter.finish() == "A")
    }
}
