import Agent
import Board
import Relay
import RelayHost
import SimulatedStorage
import TestSupport
import Testing

@Suite struct RelayStationTests {
    static let session: (UInt64, UInt64) = (0xD1D2, 0x5152)

    /// A station that has heard HELLO, and the time.
    static func station(hears serial: String = "A") -> (RelayStation, [RelayStation.Event]) {
        let station = RelayStation(session: session.1)
        _ = station.step(at: 0)
        let outcome = station.step(HandmadeFrame.hello(session.0, to: session.1, Array(serial.utf8)).bytes, at: 1)
        return (station, outcome.events)
    }

    static func frame(_ type: UInt8, _ number: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
        HandmadeFrame(type: type, number: number, payload: payload, session: session).bytes
    }

    static func acknowledgement(_ number: UInt8) -> [UInt8] { frame(0x82, number) }

    @Test func itAsksOnceASecondUntilSomebodyAnswers() {
        let station = RelayStation(session: 7)
        var asked: [UInt64] = []
        for now: UInt64 in 0..<5500 {
            let outcome = station.step(at: now)
            #expect(outcome.events.isEmpty)
            guard !outcome.bytes.isEmpty else { continue }
            #expect(outcome.bytes == HandmadeFrame.who(7).bytes)
            asked.append(now)
            #expect(station.due == now + 1000)
        }
        #expect(asked == [0, 1000, 2000, 3000, 4000, 5000])
        let outcome = station.step(HandmadeFrame.hello(9, to: 7, Array("SN 1".utf8)).bytes, at: 5600)
        #expect(outcome.events == [.hello(serial: "SN 1")])
        #expect(outcome.bytes == HandmadeFrame(type: 0x82, number: 0, session: (9, 7)).bytes)
        #expect(station.due == nil)
    }

    /// Bytes that were on the line before it was asked: of a device that is gone.
    @Test func whatWasSaidBeforeItAskedIsNoAnswer() {
        let station = RelayStation(session: 7)
        for other: UInt64 in [0, 6, 8, 7 << 8] {
            let outcome = station.step(HandmadeFrame.hello(9, to: other, [0x41]).bytes, at: 0)
            #expect(outcome.events.isEmpty)
            #expect(outcome.bytes == HandmadeFrame.who(7).bytes)
            #expect(!station.hasDevice)
        }
        #expect(station.counts.unasked == 4)
    }

    @Test func everyPrintableCharacterMayStandInASerialNumber() {
        let serial = [UInt8](0x20...0x5F)
        let other = [UInt8](0x60...0x7E)
        for (number, text) in [serial, other].enumerated() {
            let station = RelayStation(session: 7)
            let outcome = station.step(HandmadeFrame.hello(UInt64(number), to: 7, text).bytes, at: 0)
            #expect(outcome.events == [.hello(serial: String(decoding: text, as: UTF8.self))])
        }
    }

    /// One without randomness.
    @Test func aDeviceThatStartsAnewWithTheSameValueIsANewOne() {
        let (station, _) = Self.station()
        #expect(station.step(Self.frame(0x06, 1, [0x78]), at: 2).events == [.line([0x78])])
        #expect(station.step(HandmadeFrame.hello(Self.session.0, to: 0, [0x41]).bytes, at: 3).events == [.lost])
        let hello = HandmadeFrame.hello(Self.session.0, to: Self.session.1, [0x41]).bytes
        #expect(station.step(hello, at: 4).events == [.hello(serial: "A")])
        #expect(station.step(Self.frame(0x06, 1, [0x79]), at: 5).events == [.line([0x79])])
    }

    @Test func whatComesTwiceIsAcknowledgedTwice() {
        let (station, _) = Self.station()
        for now: UInt64 in 2...4 {
            let outcome = station.step(Self.frame(0x06, 1, [0x78]), at: now)
            #expect(outcome.events == (now == 2 ? [.line([0x78])] : []))
            #expect(outcome.bytes == Self.acknowledgement(1))
        }
        #expect(station.counts.duplicates == 2)
    }

    /// 0 stands for a station that is not known.
    @Test func aSessionValueIsNeverZero() {
        #expect(RelayStation(session: 0).step(at: 0).bytes == HandmadeFrame.who(1).bytes)
        let station = RelayStation(session: .max)
        _ = station.step(HandmadeFrame.hello(9, to: .max, [0x41]).bytes, at: 0)
        station.run()
        var bytes: [UInt8] = []
        for now: UInt64 in stride(from: 0, through: 30_000, by: 500) { bytes = station.step(at: now).bytes }
        #expect(bytes == HandmadeFrame.who(1).bytes)
    }

    @Test(arguments: [
        HandmadeFrame.hello(9, to: 7, []), .hello(9, to: 7, [UInt8](repeating: 0x41, count: 65)),
        .hello(9, to: 7, [0x41, 0x0A]), .hello(9, to: 7, [0x1B, 0x5B]), .hello(9, to: 7, [0xC3, 0xA4]),
        .hello(9, to: 7, [0x7F]), .hello(9, to: 7, [0x41], version: 0), HandmadeFrame(type: 0x01, number: 0),
        HandmadeFrame(type: 0x01, number: 0, payload: [1, 9]),
    ]) func aGreetingThatIsNone(frame: HandmadeFrame) {
        let station = RelayStation(session: 7)
        let outcome = station.step(frame.bytes, at: 0)
        #expect(outcome.events.isEmpty || outcome.events == [.unsupported(version: 0)])
        #expect(!station.hasDevice)
        #expect(station.counts.excess == 1)
        #expect(station.counts.damaged == 0)
    }

    @Test func anotherVersionIsToldOnce() {
        let station = RelayStation(session: 7)
        let hello = HandmadeFrame.hello(9, to: 7, [0x41], version: 2).bytes
        #expect(station.step(hello, at: 0).events == [.unsupported(version: 2)])
        #expect(station.step(hello, at: 0).events.isEmpty)
        #expect(!station.hasDevice)
    }

    @Test func anotherDeviceInTheMiddle() {
        let (station, events) = Self.station(hears: "A")
        #expect(events == [.hello(serial: "A")])
        #expect(station.step(Self.frame(0x03, 1), at: 2).events == [.open(stream: 1)])
        station.opened(1)
        station.send([1, 2, 3], on: 1)
        _ = station.step(at: 3)
        // It was plugged in, and greets whom it does not know.
        let outcome = station.step(HandmadeFrame.hello(0xB, to: 0, [0x42]).bytes, at: 4)
        #expect(outcome.events == [.closed(stream: 1), .lost])
        #expect(outcome.bytes == HandmadeFrame.who(Self.session.1).bytes)
        station.send([4], on: 1)
        station.close(1)
        #expect(station.step(at: 5).bytes.isEmpty, "what was for one is not said to the other")
        let answer = station.step(HandmadeFrame.hello(0xB, to: Self.session.1, [0x42]).bytes, at: 6)
        #expect(answer.events == [.hello(serial: "B")])
        // What is left of the first.
        #expect(station.step(Self.frame(0x06, 2, [0x78]), at: 7).events.isEmpty)
        #expect(station.counts.damaged == 1)
        let line = HandmadeFrame(type: 0x06, number: 1, payload: [0x79], session: (0xB, Self.session.1)).bytes
        #expect(station.step(line, at: 8).events == [.line([0x79])])
    }

    /// A device that does not wait for acknowledgements.
    @Test func aFloodingDeviceIsHeardOneFrameAStep() {
        let (station, _) = Self.station()
        let flood = (1...200).flatMap { Self.frame(0x06, $0, [0x78]) }
        let outcome = station.step(flood, at: 2)
        #expect(outcome.events == [.line([0x78])])
        #expect(outcome.bytes == Self.acknowledgement(1))
        #expect(station.counts.excess == 199)
        var greetings: [UInt8] = []
        for number: UInt64 in 1...200 {
            greetings += HandmadeFrame.hello(number, to: Self.session.1, [0x41]).bytes
            greetings += HandmadeFrame.hello(number, to: 1, [0x41]).bytes
        }
        let other = station.step(greetings, at: 3)
        #expect(other.events.count { if case .hello = $0 { true } else { false } } <= 1)
        #expect(other.bytes.count < 100)
    }

    @Test func noiseIsCountedAndNothingElse() {
        let (station, _) = Self.station()
        var random = SeededGenerator(seed: 3)
        var count = 0
        for now: UInt64 in 2..<300 {
            let noise = random.bytes(1000)
            count += noise.count
            let outcome = station.step(noise, at: now)
            #expect(outcome.events.isEmpty && outcome.bytes.isEmpty)
        }
        _ = station.step([0], at: 300)
        #expect(station.counts.damagedBytes > UInt32(count) * 98 / 100 && station.counts.damagedBytes <= UInt32(count))
        _ = station.step([UInt8](repeating: 0x55, count: 100_000), at: 301)
        #expect(station.counts.damagedBytes > 390_000, "noise without a zero counts too")
        #expect(station.step([0] + Self.frame(0x06, 1, [0x78]), at: 302).events == [.line([0x78])])
    }

    @Test func aLineWithoutAnEndIsNotKept() {
        let (station, _) = Self.station()
        let part = [UInt8](repeating: 0x78, count: 240)
        var number: UInt8 = 0
        for now: UInt64 in 2..<600 {
            number = number == 255 ? 1 : number + 1
            #expect(station.step(Self.frame(0x06, number, part), at: now).events.isEmpty)
        }
        let outcome = station.step(Self.frame(0x06, number + 1, [0x79]), at: 600)
        #expect(outcome.events == [.line([UInt8](repeating: 0x78, count: 480))])
        #expect(station.counts.excess == 597)
    }

    @Test func aCertificateThatNobodyAskedForIsNone() {
        let (station, _) = Self.station()
        #expect(station.step(Self.frame(0x07, 1, [0x30]), at: 2).events.isEmpty)
        #expect(station.counts.excess == 1)
        station.readCertificate()
        station.readCertificate()
        #expect(station.step(at: 3).bytes == Self.frame(0x87, 1))
        #expect(station.step(Self.frame(0x02, 1), at: 4).bytes.isEmpty, "it is asked once")
        #expect(station.step(Self.frame(0x07, 2, [0x30]), at: 5).events == [.certificate([0x30])])
        #expect(station.step(Self.frame(0x07, 3, [0x30]), at: 6).events.isEmpty)
    }

    @Test(arguments: [16_383, 16_384, 16_385, 40_000]) func aCertificateHasALimit(count: Int) {
        let (station, _) = Self.station()
        let certificate = SeededGenerator.bytes(count)
        station.readCertificate()
        var events: [RelayStation.Event] = []
        var number: UInt8 = 0
        for start in stride(from: 0, through: count, by: 240) {
            number = number == 255 ? 1 : number + 1
            let part = Array(certificate[start..<min(start + 240, count)])
            events += station.step(Self.frame(0x07, number, part), at: 2).events
        }
        #expect(events == [.certificate(count <= RelayStation.certificateLimit ? certificate : nil)])
    }

    /// It is told of when it is too long, and not when its device has had enough.
    @Test func aCertificateWithoutAnEndIsNone() {
        let (station, _) = Self.station()
        station.readCertificate()
        let part = [UInt8](repeating: 0x30, count: 240)
        var number: UInt8 = 0
        var events: [RelayStation.Event] = []
        for now: UInt64 in 2..<200 {
            number = number == 255 ? 1 : number + 1
            events += station.step(Self.frame(0x07, number, part), at: now).events
        }
        #expect(events == [.certificate(nil)])
        #expect(station.counts.excess > 100)
    }

    @Test func aSilentDeviceIsGivenUp() {
        let (station, _) = Self.station()
        station.readCertificate()
        var now: UInt64 = 2
        var sent = 0
        var events: [RelayStation.Event] = []
        while events.isEmpty, now < 100_000 {
            let outcome = station.step(at: now)
            sent += outcome.bytes.isEmpty ? 0 : 1
            events = outcome.events
            if events.isEmpty { now = station.due ?? .max }
        }
        #expect(events == [.lost])
        #expect(now == 30_002)
        #expect(sent == 61, "sixty times, and then WHO")
        #expect(station.counts.repeats == 59)
        #expect(station.counts.losses == 1)
        // What it was asked then is no answer to what is asked now.
        let outcome = station.step(HandmadeFrame.hello(Self.session.0, to: Self.session.1, [0x41]).bytes, at: now)
        #expect(outcome.events.isEmpty)
        #expect(outcome.bytes == HandmadeFrame.who(Self.session.1 + 1).bytes)
    }

    /// A device that is not there any more when it has sent CLOSE must have heard what was under way to it.
    @Test func closeIsAcknowledgedBehindWhatIsUnderWay() {
        let (station, _) = Self.station()
        _ = station.step(Self.frame(0x03, 1), at: 2)
        station.opened(1)
        #expect(station.step(at: 2).bytes == Self.frame(0x83, 1, [0]))
        _ = station.step(Self.frame(0x02, 1), at: 3)
        station.send([UInt8](repeating: 7, count: 1000), on: 1)
        #expect(station.queuedBytes == 1000)
        #expect(station.step(at: 4).bytes == Self.frame(0x84, 2, [UInt8](repeating: 7, count: 240)))
        let outcome = station.step(Self.frame(0x05, 2), at: 5)
        #expect(outcome.events == [.closed(stream: 1)])
        #expect(outcome.bytes.isEmpty)
        #expect(station.queuedBytes == 240, "what was not under way yet goes nowhere")
        #expect(station.step(Self.frame(0x05, 2), at: 6).bytes.isEmpty)
        #expect(station.step(Self.frame(0x02, 2), at: 7).bytes == Self.acknowledgement(2))
        #expect(station.step(Self.frame(0x05, 2), at: 8).bytes == Self.acknowledgement(2))
        #expect(station.queuedBytes == 0)
    }

    @Test func whatIsSaidOfAnotherStreamIsNotSaid() {
        let (station, _) = Self.station()
        _ = station.step(Self.frame(0x03, 1), at: 2)
        station.send([1], on: 1)
        station.opened(0)
        station.opened(2)
        station.close(2)
        #expect(station.step(at: 3).bytes.isEmpty)
        _ = station.step(Self.frame(0x05, 2), at: 4)
        #expect(station.step(Self.frame(0x03, 3), at: 5).events == [.open(stream: 2)])
        station.opened(1, .refused)
        #expect(station.step(at: 6).bytes.isEmpty)
        station.close(2, .refused)
        #expect(station.step(at: 7).bytes == Self.frame(0x83, 1, [TransportError.refused.rawValue]))
    }

    // MARK: What is asked of a device

    private static let geometry = StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 64, erasedValue: 0xFF)

    private static func store(certificate: [UInt8]?) throws -> IdentityStore<NORSnapshots<SimulatedFlash, 512>> {
        var store = IdentityStore(NORSnapshots<SimulatedFlash, 512>(SimulatedFlash(geometry), capacity: 8192))
        try store.open()
        guard let certificate else { return store }
        try store.begin(bodySize: 3 + certificate.count)
        try store.append(.certificate, certificate.span)
        try store.commit()
        return store
    }

    @Test(arguments: [nil, 1, 239, 240, 241, 1200, 4096, 4097]) func theCertificateIsReadBack(count: Int?) throws {
        let line = SimulatedLine()
        let device = SimulatedDevice(line)
        let certificate = count.map { SeededGenerator.bytes($0) }
        var store = try Self.store(certificate: certificate)
        #expect(device.greet())
        line.ask { $0.readCertificate() }
        #expect(device.serve(&store, for: 3000) == nil)
        // The device's buffer has 4,096 bytes.
        #expect(line.events.last == .certificate(count ?? 0 <= 4096 ? certificate : nil))
    }

    @Test func whatIsAskedDuringARunIsAnsweredBehindIt() throws {
        let line = SimulatedLine()
        line.answer = HTTPServer.answer
        let device = SimulatedDevice(line)
        var store = try Self.store(certificate: [0x30, 0])
        #expect(device.greet())
        line.ask { $0.readCertificate() }
        #expect(try device.exchange([1]) == HTTPServer.reply(to: [1]))
        #expect(line.station.queuedBytes == 0)
        #expect(device.serve(&store, for: 1000) == nil)
        #expect(line.events.last == .certificate([0x30, 0]))
    }

    @Test func theDeviceIsToldWhatIsNext() throws {
        let line = SimulatedLine()
        let device = SimulatedDevice(line)
        var store = try Self.store(certificate: nil)
        #expect(device.greet())
        line.ask { $0.run() }
        #expect(device.serve(&store, for: 1000) == .run)
        line.ask { $0.finish() }
        #expect(device.serve(&store, for: 1000) == .done)
        #expect(device.serve(&store, for: 1000) == nil)
        #expect(line.wentWell)
    }

    @Test func aStationThatAsksForEverDoesNotKeepTheDevice() throws {
        let line = SimulatedLine()
        let device = SimulatedDevice(line)
        var store = try Self.store(certificate: [0x30, 0])
        #expect(device.greet())
        for _ in 0..<1000 {
            line.ask {
                $0.readCertificate()
            }
            if line.now > 4000 { break }
            _ = device.serve(&store, for: 5)
        }
        let start = line.now
        #expect(device.serve(&store, for: 1000) == nil)
        #expect(line.now - start < 1200)
    }

    @Test func aStationThatIsStartedAnewFindsADeviceThatServes() throws {
        let line = SimulatedLine()
        let device = SimulatedDevice(line, serial: "SN-0042")
        var store = try Self.store(certificate: [0x30, 0])
        #expect(device.greet())
        for _ in 0..<3 {
            line.startStation()
            #expect(device.serve(&store, for: 2000) == nil)
            #expect(line.events.last == .hello(serial: "SN-0042"))
            line.ask { $0.readCertificate() }
            #expect(device.serve(&store, for: 1000) == nil)
            #expect(line.events.last == .certificate([0x30, 0]))
        }
    }
}

extension SeededGenerator {
    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: UInt64(count))
        return generator.bytes(count)
    }
}
