import Relay
import TestSupport
import Testing

@Suite struct RelayLinkTests {
    /// One side, which sends numbered payloads, and takes note of those that come.
    private final class End {
        private(set) var link: RelayLink
        let side: RelayLink.Side
        var number: UInt32 = 0
        var payload: [UInt8] = []
        /// Those that were acknowledged, and those that came in this session.
        var delivered: [UInt32] = []
        var received: [UInt32] = []
        private var sessionsEnded: UInt32 = 0

        var isUp: Bool { link.isUp }
        var counts: RelayLink.Counts { link.counts }

        init(_ side: RelayLink.Side, session: UInt64) {
            self.side = side
            let serial: [UInt8] = side == .device ? [0x41] : []
            link = RelayLink(side, session: session, serial: serial.span)
        }

        func take(_ byte: UInt8) {
            let wasSending = link.isSending
            let frame = link.receive(byte)
            if link.sessionsEnded != sessionsEnded {
                sessionsEnded = link.sessionsEnded
            } else if wasSending, !link.isSending {
                delivered.append(number)
            }
            guard let frame, frame != .greeting else { return }
            let bytes = link.payload.array
            link.discard()
            received.append(bytes[..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
            #expect(bytes == RelayLinkTests.payload(received.last ?? 0))
        }

        func step(_ now: UInt64) -> [UInt8] {
            if link.isUp, !link.isSending {
                number += 1
                payload = RelayLinkTests.payload(number)
                let hasBegun = link.begin(side == .device ? .line : .data, at: now)
                #expect(hasBegun)
            }
            var sent: [UInt8] = []
            var frame = [UInt8](repeating: 0, count: RelayFrame.capacity)
            while true {
                var output = frame.mutableSpan
                let count = link.output(payload.span, at: now, into: &output)
                guard count > 0 else { return sent }
                sent += frame[..<count]
            }
        }
    }

    private static func payload(_ number: UInt32) -> [UInt8] {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        return bytes + SeededGenerator.bytes(Int(number % 237)).map { $0 & 0x0F }
    }

    private static func spoil(_ bytes: [UInt8], _ random: inout SeededGenerator, oneIn: UInt64) -> [UInt8] {
        bytes.flatMap { byte -> [UInt8] in
            guard oneIn > 0, random.oneIn(oneIn) else { return [byte] }
            switch random.next() % 4 {
            case 0: return []
            case 1: return [byte, byte]
            case 2: return [UInt8(truncatingIfNeeded: random.next()), byte]
            default: return [byte ^ 1 << UInt8(random.next() % 8)]
            }
        }
    }

    /// What comes is what was sent, each once and in order; what was acknowledged came.
    @Test(arguments: 0..<24) func bothSendOverABadLine(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let oneIn: UInt64 = [0, 3000, 1000, 300][seed % 4]
        let device = End(.device, session: random.next())
        let station = End(.station, session: random.next())
        var now: UInt64 = 0
        while min(device.delivered.count, station.delivered.count) < 100 {
            now += 1
            guard now < 1_000_000 else {
                Issue.record("a frame takes ten seconds")
                break
            }
            for byte in Self.spoil(device.step(now), &random, oneIn: oneIn) { station.take(byte) }
            for byte in Self.spoil(station.step(now), &random, oneIn: oneIn) { device.take(byte) }
        }
        Self.check(device.delivered, station.received)
        Self.check(station.delivered, device.received)
    }

    private static func check(_ delivered: [UInt32], _ received: [UInt32]) {
        #expect(zip(received, received.dropFirst()).allSatisfy { $0 < $1 }, "once, and in order")
        #expect(Set(delivered).isSubset(of: Set(received)), "what is acknowledged is there")
    }

    /// Either side is started anew again and again, and bytes of before are still on the line.
    @Test(arguments: 0..<20) func eitherSideIsStartedAnew(seed: Int) {
        var random = SeededGenerator(seed: UInt64(1000 + seed))
        var device = End(.device, session: random.next())
        var station = End(.station, session: random.next())
        var (up, down): ([UInt8], [UInt8]) = ([], [])
        var (deviceNumber, stationNumber): (UInt32, UInt32) = (0, 0)
        var (fromDevice, fromStation): ([UInt32], [UInt32]) = ([], [])
        for now: UInt64 in 1...10_000 {
            up += device.step(now)
            down += station.step(now)
            for byte in up.prefix(11) { station.take(byte) }
            for byte in down.prefix(11) { device.take(byte) }
            up.removeFirst(min(11, up.count))
            down.removeFirst(min(11, down.count))
            guard now < 8_000, random.oneIn(500) else { continue }
            if random.oneIn(2) {
                fromStation += device.received
                deviceNumber = device.number
                device = End(.device, session: random.next())
                device.number = deviceNumber
            } else {
                fromDevice += station.received
                stationNumber = station.number
                station = End(.station, session: random.next())
                station.number = stationNumber
            }
        }
        fromStation += device.received
        fromDevice += station.received
        // Numbers go on from one life to the next, so that a frame of the one before would be seen.
        #expect(zip(fromDevice, fromDevice.dropFirst()).allSatisfy { $0 < $1 })
        #expect(zip(fromStation, fromStation.dropFirst()).allSatisfy { $0 < $1 })
        #expect(device.isUp && station.isUp)
        #expect(fromDevice.last == device.number || fromDevice.last == device.number - 1)
    }

    @Test func aLineThatEchoesIsNoStation() {
        let device = End(.device, session: 5)
        for now: UInt64 in 0..<5000 {
            for byte in device.step(now) { device.take(byte) }
        }
        #expect(!device.isUp)
        #expect(device.counts.damaged == 5)
        let station = End(.station, session: 5)
        for now: UInt64 in 0..<5000 {
            for byte in station.step(now) { station.take(byte) }
        }
        #expect(!station.isUp)
        #expect(station.counts.damaged == 5)
    }

    @Test func numbersPassOverThatOfTheGreeting() {
        let device = End(.device, session: 5)
        let station = End(.station, session: 6)
        for now: UInt64 in 1...2000 {
            for byte in device.step(now) { station.take(byte) }
            for byte in station.step(now) { device.take(byte) }
            // HELLO again, in the middle.
            if now % 7 == 0 { for byte in HandmadeFrame.who(6).bytes { device.take(byte) } }
        }
        #expect(station.received == Array(1...UInt32(station.received.count)))
        #expect(station.received.count > 600)
        #expect(device.counts.repeats == 0)
    }

    /// What is said between frames, or in place of them, is passed over.
    @Test func aConsoleOnTheSameLine() {
        let device = End(.device, session: 5)
        let station = End(.station, session: 6)
        for now: UInt64 in 1...100 {
            for byte in Array("Booting…\r\n".utf8) + device.step(now) + [0x24, 0x20] { station.take(byte) }
            for byte in station.step(now) { device.take(byte) }
        }
        #expect(station.received.count > 40)
        #expect(station.counts.duplicates == 0)
        // Text up to the zero in front of a frame counts as one piece.
        #expect(station.counts.damaged > 40)
    }
}
