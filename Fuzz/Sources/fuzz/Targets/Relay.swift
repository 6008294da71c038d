import Agent
import Board
import Relay
import RelayHost

/// A device whose line is the input's: what a station says, honestly or corrupted, or any bytes. Every call ends in its time, and
/// the CA's words come as they were said.
func relayDevice(_ bytes: [UInt8]) {
    let bench = RelayBench(bytes)
    let serial: [UInt8] = [0x41, 0x37]
    let device = UnsafeMutablePointer<RelayDevice<FuzzPort, FuzzClock>>.allocate(capacity: 1)
    device.initialize(
        to: RelayDevice(FuzzPort(bench: bench), clock: FuzzClock(bench: bench), serial: serial.span, session: 5))
    defer {
        device.deinitialize(count: 1)
        device.deallocate()
    }
    var transport = RelayTransport(device)
    var log = RelayLog(device)
    var store = IdentityStore(MemorySnapshots())
    var work = [UInt8](repeating: 0, count: 600)
    var rounds = 0
    while !bench.input.isAtEnd, rounds < 20 {
        rounds += 1
        let start = bench.now
        switch bench.input.number(below: 5) {
        case 0, 1:
            bench.sent = []
            try? converse(&transport, bench)
            transport.close()
            require(bench.now <= start + 10_000 + 2 * RelayLink.patience + 2000, "a conversation ends in its time")
        case 2:
            let line = bench.input.piece()
            log.write(line: line.span)
            require(bench.now <= start + 4 * RelayLink.patience + 2000, "a line ends in its time")
        case 3:
            var span = work.mutableSpan
            _ = device.pointee.serve(&store, work: &span, deadline: start + 3000)
            require(bench.now <= start + 3000 + 2 * RelayLink.patience + 2000, "a device does not serve for ever")
        default: _ = device.pointee.greet(deadline: start + 2000)
        }
    }
}

private func converse(
    _ transport: inout RelayTransport<FuzzPort, FuzzClock>, _ bench: RelayBench
) throws(TransportError) {
    let deadline = bench.now + 10_000
    try transport.connect(host: Span(), port: 80, deadline: deadline)
    let request = [UInt8](repeating: 0x47, count: bench.input.number(below: 3) * 200)
    try transport.send(request.span, deadline: deadline)
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 + Int(bench.input.byte()))
    while true {
        var span = buffer.mutableSpan
        let count = try transport.receive(into: &span, deadline: deadline)
        if count == 0 { return }
        received += buffer[..<count]
        require(bench.isForged || bench.sent.starts(with: received), "what the CA says comes as it was said")
    }
}

/// The station at the other end, and the time.
private final class RelayBench {
    var input: Input
    var now: UInt64 = 1
    var station = RelayStation(session: 6)
    var toStation: [UInt8] = []
    var toDevice: [UInt8] = []
    /// What the CA has said in this conversation.
    var sent: [UInt8] = []
    /// Whether the line had bytes of the input's own, which could be anything.
    var isForged = false

    init(_ bytes: [UInt8]) { input = Input(bytes) }

    /// - Returns: false when the deadline has passed.
    func read(_ deadline: UInt64) -> Bool {
        while toDevice.isEmpty {
            guard now < deadline else { return false }
            now += 1
            step()
            if toDevice.isEmpty, input.isAtEnd { now = min(deadline, station.due.map { max($0, now) } ?? deadline) }
        }
        return true
    }

    private func step() {
        let choice = input.number(below: 16)
        var bytes = toStation
        toStation = []
        if choice == 1 { input.corrupt(&bytes) }
        let outcome = station.step(bytes, at: now)
        for event in outcome.events {
            guard case .open(let stream) = event else { continue }
            sent = []
            station.opened(stream, choice == 2 ? .refused : nil)
        }
        switch choice {
        case 3...6: say(input.piece())
        case 7: for stream in 1...20 { station.close(stream, TransportError(rawValue: input.byte())) }
        case 8: station.readCertificate()
        case 9: station.run()
        case 10: station.finish()
        case 11: station = RelayStation(session: UInt64(input.byte()) + 100)
        case 12: now += UInt64(input.byte())
        default: break
        }
        var output = outcome.bytes + station.step(at: now).bytes
        if choice == 13 { input.corrupt(&output) }
        if choice == 14 {
            output += input.piece()
            isForged = true
        }
        if choice == 15 { output = [] }
        toDevice += output
    }

    private func say(_ bytes: [UInt8]) {
        let before = station.queuedBytes
        for stream in 1...40 {
            station.send(bytes, on: stream)
            if station.queuedBytes > before { break }
        }
        if station.queuedBytes > before { sent += bytes }
    }
}

private struct FuzzPort: SerialPort, ~Copyable {
    let bench: RelayBench

    mutating func read(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) -> Int {
        guard bench.read(deadline) else { return 0 }
        let count = min(buffer.count, bench.toDevice.count)
        for index in 0..<count { buffer[index] = bench.toDevice[index] }
        bench.toDevice.removeFirst(count)
        return count
    }

    mutating func write(_ bytes: Span<UInt8>, deadline: UInt64) -> Int {
        bench.now += 1
        let count = bench.input.number(below: 32) == 31 ? 0 : bytes.count
        for index in 0..<count { bench.toStation.append(bytes[index]) }
        return count
    }
}

private struct FuzzClock: Clock, ~Copyable {
    let bench: RelayBench
    var uptime: UInt64 { bench.now }
    var time: Int64? { nil }
    mutating func sleep(milliseconds: UInt64) { bench.now += milliseconds }
}

/// A station whose line is the input's: any bytes, or frames that are right in themselves. It keeps to its limits, and tells
/// what happens in an order that makes sense.
func relayStation(_ bytes: [UInt8]) {
    var input = Input(bytes)
    let station = RelayStation(session: 6)
    var device = RelayLink(.device, session: 5, serial: [0x41].span)
    var payload: [UInt8] = []
    var now: UInt64 = 1
    // As the station's driver knows it; it is told of no end that it brought about.
    var stream: Int?
    var isOpen = false
    var isUp = false
    var asked = false
    while !input.isAtEnd {
        var line: [UInt8] = []
        switch input.number(below: 10) {
        case 0, 1:
            // A device that keeps to the protocol.
            if !device.isSending {
                payload = input.piece()
                payload = Array(payload.prefix(RelayFrame.payloadCapacity))
                _ = device.begin(RelayFrame(rawValue: 3 + input.byte() % 7) ?? .line, at: now)
            }
            line = output(&device, payload, now)
        case 2:
            line = output(&device, payload, now)
            input.corrupt(&line)
        case 3: line = input.piece()
        case 4: now += UInt64(input.byte()) * 50
        case 5:
            let bytes = input.piece()
            if let stream { station.send(bytes, on: stream) }
        case 6:
            let error = TransportError(rawValue: input.byte())
            guard let number = stream, !isOpen else { break }
            station.opened(number, error)
            if error == nil { isOpen = true } else { stream = nil }
        case 7:
            if let number = stream { station.close(number, TransportError(rawValue: input.byte())) }
            stream = nil
        case 8:
            station.readCertificate()
            asked = asked || station.hasDevice
        default: device = RelayLink(.device, session: UInt64(input.byte()), serial: [0x42].span)
        }
        let outcome = station.step(line, at: now)
        var frames = 0
        for event in outcome.events {
            switch event {
            case .hello(let serial):
                require(!isUp && 1...64 ~= serial.utf8.count, "a device is lost before there is another")
                isUp = true
            case .lost:
                require(isUp && stream == nil, "a stream is closed before its device is lost")
                (isUp, asked) = (false, false)
            case .open(let number):
                require(isUp && stream == nil, "there is one stream")
                (stream, isOpen) = (number, false)
            case .data(_, let number): require(stream == number && isOpen, "data belongs to the stream")
            case .closed(let number):
                require(stream == number, "what was open is closed")
                stream = nil
            case .line(let text): require(isUp && text.count <= 480, "a line is a line")
            case .certificate(let der):
                require(asked && der?.count ?? 1 <= RelayStation.certificateLimit, "a certificate was asked for")
                asked = false
            case .unsupported: break
            }
            switch event {
            case .closed, .lost, .unsupported: break
            default: frames += 1
            }
        }
        require(frames <= 1, "one new frame is taken a step")
        require(outcome.bytes.count <= 3 * RelayFrame.capacity, "little is said a step")
        require(station.hasDevice == isUp, "it is known whether there is a device")
        for byte in outcome.bytes {
            _ = device.receive(byte)
            device.discard()
        }
        now += 1
    }
}

private func output(_ link: inout RelayLink, _ payload: [UInt8], _ now: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var frame = [UInt8](repeating: 0, count: RelayFrame.capacity)
    while true {
        var span = frame.mutableSpan
        let count = link.output(payload.span, at: now, into: &span)
        guard count > 0 else { return bytes }
        bytes += frame[..<count]
    }
}
