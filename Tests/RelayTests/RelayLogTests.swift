import Board
import Relay
import RelayHost
import TestSupport
import Testing

@Suite struct RelayLogTests {
    static func lines(_ line: SimulatedLine) -> [String] {
        line.events.compactMap { if case .line(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { nil } }
    }

    @Test(arguments: [0, 1, 239, 240, 241, 479, 480]) func aLineComesAsItIs(count: Int) {
        let line = SimulatedLine()
        let device = SimulatedDevice(line)
        let text = String(repeating: "x", count: count)
        device.write(text)
        device.write("next")
        #expect(Self.lines(line) == [text, "next"])
    }

    @Test func whatIsLongerThanALineIsCutOff() {
        let line = SimulatedLine()
        let device = SimulatedDevice(line)
        device.write(String(repeating: "x", count: 700))
        #expect(Self.lines(line) == [String(repeating: "x", count: Line.capacity)])
    }

    @Test func withoutAStationALineTakesHalfASecond() {
        let line = SimulatedLine()
        line.isStationAway = true
        let device = SimulatedDevice(line)
        for _ in 0..<10 { device.write("nobody listens") }
        #expect(4900...5200 ~= line.now)
        line.isStationAway = false
        #expect(device.greet())
        device.write("somebody does")
        #expect(Self.lines(line) == ["somebody does"])
    }

    /// Lines and messages share the line; of what gets lost nothing comes twice, in part, or out of order.
    @Test(arguments: 0..<30) func linesOverABadLine(seed: Int) throws {
        let line = SimulatedLine(seed: UInt64(seed))
        line.answer = HTTPServer.answer
        line.faults = seed % 2 == 0 ? .some : .many
        let device = SimulatedDevice(line)
        var written: [String] = []
        for number in 0..<30 {
            let text = "line \(number) " + String(repeating: "·", count: number * 7)
            written.append(String(decoding: text.utf8.prefix(Line.capacity), as: UTF8.self))
            device.write(text)
            if number % 10 == 9 { _ = try? device.exchange([UInt8(number)]) }
        }
        var rest = written[...]
        for text in Self.lines(line) {
            guard let place = rest.firstIndex(of: text) else {
                Issue.record("out of order, or of nobody: \(text)")
                continue
            }
            rest = rest[(place + 1)...]
        }
        #expect(seed % 2 == 1 || Self.lines(line).count >= 25)
        line.faults = .none
        #expect(device.greet())
        device.write("the last one")
        #expect(Self.lines(line).last == "the last one")
    }
}
