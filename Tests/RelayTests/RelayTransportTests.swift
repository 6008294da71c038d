import Board
import HTTP
import Relay
import RelayHost
import TestSupport
import Testing

@Suite struct RelayTransportTests {
    static func line(seed: UInt64 = 1) -> SimulatedLine {
        let line = SimulatedLine(seed: seed)
        line.answer = HTTPServer.answer
        return line
    }

    /// What was sent to the CA in each stream, as bodies as far as they were whole.
    static func bodies(_ line: SimulatedLine) -> [[UInt8]] {
        line.requests.sorted { $0.key < $1.key }.compactMap { HTTPServer.body($0.value) }
    }

    @Test(arguments: [0, 1, 239, 240, 241, 480, 4000]) func anExchange(size: Int) throws {
        let line = Self.line()
        let device = SimulatedDevice(line)
        var random = SeededGenerator(seed: UInt64(size))
        let body = random.bytes(size)
        #expect(try device.exchange(body) == HTTPServer.reply(to: body))
        #expect(Self.bodies(line) == [body])
        #expect(line.events.first == .hello(serial: "SN-0007"))
        #expect(
            line.events.last == .closed(stream: 1)
                || line.events.last.map { if case .data = $0 { true } else { false } } ?? false)
        #expect(line.wentWell)
        #expect(device.counts == RelayLink.Counts())
    }

    @Test func oneExchangeAfterAnother() throws {
        let line = Self.line()
        let device = SimulatedDevice(line)
        for number in UInt8(0)..<40 {
            let body = [UInt8](repeating: number, count: Int(number) * 50)
            #expect(try device.exchange(body) == HTTPServer.reply(to: body))
        }
        #expect(line.events.count { if case .open = $0 { true } else { false } } == 40)
        #expect(line.events.count { if case .hello = $0 { true } else { false } } == 1)
        #expect(line.wentWell)
    }

    @Test func theStationSaysWhyTheCACannotBeReached() throws {
        let line = Self.line()
        let device = SimulatedDevice(line)
        var number: UInt8 = 1
        while let error = TransportError(rawValue: number) {
            line.refusal = error
            #expect(throws: ExchangeError.connecting(error)) { try device.exchange([1]) }
            number += 1
        }
        #expect(number > 20)
        line.refusal = nil
        #expect(try device.exchange([1]) == HTTPServer.reply(to: [1]))
    }

    @Test func withoutAStationItEndsAtTheDeadline() throws {
        let line = Self.line()
        line.isStationAway = true
        let device = SimulatedDevice(line)
        #expect(throws: ExchangeError.connecting(.unreachable)) { try device.exchange([1], within: 30_000) }
        #expect(30_000...30_100 ~= line.now)
        line.isStationAway = false
        #expect(try device.exchange([1]) == HTTPServer.reply(to: [1]))
    }

    /// A port that takes longer to send than a frame waits for its acknowledgement.
    @Test func aSlowLineIsOnlySlow() throws {
        let line = Self.line()
        line.millisecondsPerWrite = 50
        let device = SimulatedDevice(line)
        #expect(try device.exchange([1, 2, 3]) == HTTPServer.reply(to: [1, 2, 3]))
        #expect(line.events.count { if case .hello = $0 { true } else { false } } == 1)
    }

    /// Noise without end, at the line's full speed.
    @Test func noiseDoesNotKeepADevice() throws {
        let line = Self.line()
        line.isStationAway = true
        let device = SimulatedDevice(line)
        var random = SeededGenerator(seed: 9)
        line.inject(toDevice: random.bytes(40_000))
        #expect(throws: ExchangeError.connecting(.unreachable)) { try device.exchange([1], within: 3000) }
        #expect(line.now < 3100)
        line.isStationAway = false
        #expect(try device.exchange([1]) == HTTPServer.reply(to: [1]))
        #expect(device.counts.damaged > 100)
    }

    /// An adapter that carries bytes one way only.
    @Test func aDeviceThatHearsNothingIsNoticed() throws {
        let line = Self.line()
        line.isDeafening = true
        let device = SimulatedDevice(line)
        #expect(throws: ExchangeError.connecting(.unreachable)) { try device.exchange([1], within: 10_000) }
        #expect(line.events.isEmpty)
        #expect(10...11 ~= line.station.counts.unasked)
        line.isDeafening = false
        #expect(try device.exchange([1]) == HTTPServer.reply(to: [1]))
    }

    @Test func aStationThatFallsSilentIsNotWaitedForForEver() throws {
        let line = Self.line()
        let device = SimulatedDevice(line)
        for end in stride(from: 100, to: 6000, by: 400) {
            let end = line.byteCount + end
            line.answer = { request in
                if line.byteCount > end { line.isStationAway = true }
                return HTTPServer.answer(request)
            }
            let start = line.now
            _ = try? device.exchange([UInt8](repeating: 7, count: 3000), within: 20_000)
            #expect(line.now - start < 20_000 + RelayLink.patience + 100)
            line.isStationAway = false
            line.answer = HTTPServer.answer
            #expect(try device.exchange([9]) == HTTPServer.reply(to: [9]))
        }
    }

    @Test func aCAThatNeverAnswersIsWaitedForUntilTheDeadline() throws {
        let line = Self.line()
        line.answer = { _ in nil }
        let device = SimulatedDevice(line)
        #expect(throws: ExchangeError.receiving(.timedOut)) { try device.exchange([1], within: 20_000) }
        #expect(20_000...20_100 ~= line.now)
        #expect(line.events.last == .closed(stream: 1))
        #expect(line.wentWell)
    }

    @Test func aStreamThatBreaksSaysSo() throws {
        let line = Self.line()
        let device = SimulatedDevice(line)
        line.answer = { request in
            guard HTTPServer.body(request) != nil else { return nil }
            line.ask {
                $0.send([UInt8]("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8), on: 1)
                $0.close(1, .reset)
            }
            return nil
        }
        #expect(throws: ExchangeError.receiving(.reset)) { try device.exchange([1]) }
        line.answer = HTTPServer.answer
        #expect(try device.exchange([2]) == HTTPServer.reply(to: [2]))
    }

    /// A reader of few bytes at a time, as TLS is, and a server that speaks before it has heard all.
    @Test(arguments: [1, 5, 100, 239]) func aReplyIsReadInPieces(size: Int) throws {
        let line = Self.line()
        let device = SimulatedDevice(line)
        let reply = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        line.answer = { $0.count == 240 ? reply : nil }
        let request = [UInt8](repeating: 1, count: 1000)
        let deadline: UInt64 = 60_000
        try device.transport.connect(host: Span(), port: 80, deadline: deadline)
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: size)
        func receive() throws -> Int {
            var span = buffer.mutableSpan
            let count = try device.transport.receive(into: &span, deadline: deadline)
            received += buffer.prefix(count)
            return count
        }
        try device.transport.send(request.span.extracting(0..<300), deadline: deadline)
        _ = try receive()
        // What it has of a part it keeps while it sends.
        try device.transport.send(request.span.extracting(300..<1000), deadline: deadline)
        while try receive() > 0 {}
        #expect(received == reply)
        #expect(try receive() == 0)
        device.transport.close()
        device.transport.close()
        #expect(throws: TransportError.reset) { try receive() }
        #expect(line.requests[1] == Array(request.prefix(240)), "it said all it wanted then")
        #expect(line.now < deadline)
    }

    /// Whatever the line does, a reply is right or there is none; the CA gets what was said to it and nothing else; and once
    /// the line is good again, so is the relay.
    @Test(arguments: 0..<40) func aBadLine(seed: Int) throws {
        let line = Self.line(seed: UInt64(seed))
        let device = SimulatedDevice(line)
        var random = SeededGenerator(seed: UInt64(seed))
        var sent: [[UInt8]] = []
        var answered = 0
        line.faults = seed % 2 == 0 ? .some : .many
        for number in 0..<6 {
            if number == 5 { line.faults = .none }
            let body = random.bytes(Int(random.next() % 3000))
            sent.append(body)
            let start = line.now
            do throws(ExchangeError) {
                #expect(try device.exchange(body) == HTTPServer.reply(to: body))
                answered += 1
            } catch {
                #expect(number < 5, "\(error)")
            }
            #expect(line.now - start < 30_000 + RelayLink.patience + 100)
        }
        // Each stream is the beginning of a request, in their order.
        var rest = sent[...]
        for request in line.requests.sorted(by: { $0.key < $1.key }).map(\.value) {
            guard let body = HTTPServer.body(request) else { continue }
            #expect(!body.isEmpty || sent.contains([]))
            guard let place = rest.firstIndex(of: body) else {
                Issue.record("the CA got what nobody sent")
                continue
            }
            rest = rest[place...]
        }
        #expect(seed % 2 == 1 || answered >= 3)
    }

    /// Bytes that an exchange of this body takes on the line, both ways.
    private static let body = [UInt8](repeating: 0x5A, count: 300)
    private static let byteCount = {
        let line = Self.line()
        _ = try? SimulatedDevice(line).exchange(body)
        return line.byteCount
    }()

    @Test(arguments: 0..<8) func theStationIsStartedAnewAtAnyByte(part: Int) throws {
        for end in stride(from: 1 + part, to: Self.byteCount, by: 8) {
            let line = Self.line(seed: UInt64(end))
            let device = SimulatedDevice(line)
            line.stationEnd = end
            do throws(ExchangeError) {
                #expect(try device.exchange(Self.body) == HTTPServer.reply(to: Self.body), "at byte \(end)")
            } catch {
                // What was only asked for is asked for again.
                if case .connecting = error { Issue.record("\(error) at byte \(end)") }
            }
            #expect(line.now < 10_000, "at byte \(end)")
            // The last bytes are the device's.
            if line.stationEnd != .max { line.startStation() }
            #expect(throws: Never.self, "at byte \(end)") { try Self.again(device) }
            #expect(Self.bodies(line).allSatisfy { $0 == Self.body || $0 == [1, 2] })
        }
    }

    @Test(arguments: 0..<8) func theDeviceIsStartedAnewAtAnyByte(part: Int) throws {
        for end in stride(from: 1 + part, to: Self.byteCount, by: 8) {
            let line = Self.line(seed: UInt64(end))
            // Some have no randomness.
            let session: UInt64? = part % 2 == 0 ? nil : 5
            let first = SimulatedDevice(line, session: session)
            line.deviceEnd = end
            _ = try? first.exchange(Self.body)
            let second = SimulatedDevice(line, session: session)
            #expect(throws: Never.self, "at byte \(end)") { try Self.again(second) }
            #expect(Self.bodies(line).allSatisfy { $0 == Self.body || $0 == [1, 2] })
            #expect(line.now < 10_000, "at byte \(end)")
        }
    }

    /// A station that was started when an exchange had begun breaks that one, but no other.
    private static func again(_ device: SimulatedDevice) throws {
        _ = try? device.exchange([1, 2])
        #expect(try device.exchange([1, 2]) == HTTPServer.reply(to: [1, 2]))
    }
}
