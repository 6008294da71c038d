import Authority
import Interference
import Testing

@testable import PowerCuts

/// Somebody between the device and its CA.
@Suite struct InterferenceSweepTests {
    static let honest = Array("HTTP/1.0 200 OK\r\n\r\nabc".utf8)

    @Test func namesReadBack() {
        var all: [Interference] = [
            .requestLost, .cut(0), .broken(17), .stalled(3), .flipped(1034), .delayed(5), .trickled, .doubled,
        ]
        all += Interference.Replay.allCases.map(Interference.replayed) + Forgery.all.map(Interference.forged)
        for interference in all { #expect(Interference("\(interference)") == interference) }
        #expect(Set(all.map(\.description)).count == all.count)
        for text in ["", "cut", "cut-", "cut--1", "flip-x", "sideways", "html-1"] { #expect(Interference(text) == nil) }
    }

    /// An interference that does not reach the device would prove nothing.
    @Test func repliesAreWhatTheyAreMeantToBe() {
        func deliver(_ interference: Interference) -> [UInt8]? {
            var heard = Interference.Recordings()
            heard[.stale, .getCACert] = [1, 2, 3]
            return interference.deliver(Self.honest, to: .getCACert, heard)?.bytes
        }
        #expect(deliver(.requestLost) == nil)
        #expect(deliver(.cut(5)) == Array("HTTP/".utf8))
        #expect(deliver(.flipped(0))?.first == UInt8(ascii: "H") ^ 0x80)
        #expect(deliver(.flipped(8 * Self.honest.count - 1))?.last == UInt8(ascii: "c") ^ 1)
        #expect(deliver(.replayed(.stale)) == [1, 2, 3])
        #expect(deliver(.replayed(.swapped)) == Self.honest)
        #expect(deliver(.doubled) == Self.honest + Self.honest)
        let bits = (0..<8 * Self.honest.count).map { deliver(.flipped($0)) }
        #expect(Set(bits).count == bits.count && !bits.contains(Self.honest))
    }

    @Test func everyPlaceIsTriedOnceOverAllOffsets() {
        var cuts: [Int] = []
        var flips: [Int] = []
        for offset in 0..<7 {
            for interference in InterferenceSweep(stride: 7, offset: offset).interferences(100) {
                if case .cut(let count) = interference { cuts.append(count) }
                if case .flipped(let bit) = interference { flips.append(bit) }
            }
        }
        #expect(cuts.sorted() == Array(0..<100) && flips.sorted() == Array(0..<800))
    }

    /// A sample of every kind, on all exchanges. What the device does not notice is what tells it nothing.
    @Test(arguments: ["enrolment", "ec-renewal"])
    func nothingComesOfIt(name: String) async throws {
        let flows = Flow.all.filter { $0.name == name }
        let rows = try await InterferenceSweep(flows: flows, stride: 509, offset: .random(in: 0..<509)).run(workers: 2)
        #expect(rows.map(\.operation) == [.getCACaps, .getCACert, .pkiOperation])
        #expect(rows.flatMap(\.failures).map { "\($0.id): \($0.reason)" } == [])
        func unnoticed(_ row: InterferenceSweep.Row) -> Set<String> {
            Set(
                row.taken.map(\.description).filter {
                    !$0.hasPrefix("cut-") && !$0.hasPrefix("flip-")
                })
        }
        for row in rows { #expect(row.others > 40 && row.flips > 0) }
        // Behind the length that the head gives, nothing is read; and a minute is within the time limit.
        try #require(rows.count > 2)
        #expect(unnoticed(rows[2]) == ["double", "delay-60"])
        // The CA's certificates are the same for all.
        #expect(unnoticed(rows[1]).isSubset(of: ["double", "delay-60", "stale", "swapped"]))
        // Nobody signs capabilities: what is left of them has to be enough.
        let weaker: Set = ["double", "delay-60", "stale", "swapped", "foreign", "downgrade-renewal", "downgrade-post"]
        #expect(unnoticed(rows[0]).isSubset(of: weaker))
    }
}
