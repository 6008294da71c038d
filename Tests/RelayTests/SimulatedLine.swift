import Agent
import Board
import HTTP
import Relay
import RelayHost
import TestSupport

/// A station and the line to a device, in a time of their own, which goes on while the device waits.
final class SimulatedLine {
    /// Which of so many bytes suffers it; 0: none.
    struct Faults {
        var lost: UInt64 = 0
        var doubled: UInt64 = 0
        var inserted: UInt64 = 0
        var flipped: UInt64 = 0
        /// From here on so many bytes are lost, at once.
        var gap: UInt64 = 0

        static let none = Faults()
        static let some = Faults(lost: 2000, doubled: 2000, inserted: 2000, flipped: 2000, gap: 5000)
        static let many = Faults(lost: 400, doubled: 400, inserted: 400, flipped: 400, gap: 1000)
    }

    /// 115,200 baud, in both directions.
    static let bytesPerMillisecond = 11

    private(set) var now: UInt64 = 0
    /// By which a device's clock is ahead.
    private(set) var skew: UInt64 = 0
    /// Whether the device has no power: its calls end at their deadlines, for which no time passes out here.
    private(set) var isOff = false
    /// The bytes on the line so far, and by when the device loses its power, or the station is started anew.
    private(set) var byteCount = 0
    var deviceEnd = Int.max
    var stationEnd = Int.max
    var isStationAway = false
    /// Whether nothing reaches the device.
    var isDeafening = false
    var faults = Faults.none
    /// For 16 bytes.
    var millisecondsPerWrite = 1
    var random: SeededGenerator

    private(set) var station: RelayStation
    private var stationNumber: UInt64 = 1
    private var toStation: [UInt8] = []
    private var toDevice: [UInt8] = []
    /// What has come to the device.
    fileprivate var arrived: [UInt8] = []
    private var gap = 0

    private(set) var events: [RelayStation.Event] = []
    /// What the CA says to what it was sent so far in this stream; nil: it waits for more.
    var answer: ([UInt8]) -> [UInt8]? = { _ in nil }
    /// Why the CA cannot be reached.
    var refusal: TransportError?
    /// What the CA got, by stream.
    private(set) var requests: [Int: [UInt8]] = [:]
    private var streams = 0

    init(seed: UInt64 = 1) {
        random = SeededGenerator(seed: seed)
        station = RelayStation(session: 0x5357_0000_0000_0001)
    }

    var deviceTime: UInt64 { now + skew }

    func startDevice() {
        // What was on its way to it is still.
        (isOff, deviceEnd, arrived) = (false, .max, [])
    }

    func startStation() {
        stationNumber += 1
        stationEnd = .max
        station = RelayStation(session: random.next() | 1)
        streams += 1000
    }

    /// Bytes that nobody sent.
    func inject(toDevice bytes: [UInt8]) { toDevice += bytes }

    /// Whether nothing had to be said twice, but for HELLO and WHO that crossed.
    var wentWell: Bool {
        var counts = station.counts
        (counts.duplicates, counts.unasked) = (0, 0)
        return counts == RelayLink.Counts() && station.counts.duplicates <= 1 && station.counts.unasked <= 2
    }

    func ask(_ body: (RelayStation) -> Void) { body(station) }

    /// Lets a millisecond pass, or as many as nothing happens in.
    ///
    /// - Parameter limit: by when something happens to the device.
    func tick(until limit: UInt64 = 0) {
        let isQuiet = toStation.isEmpty && toDevice.isEmpty
        now = max(now + 1, isQuiet ? min(limit, isStationAway ? limit : station.due ?? limit) : 0)
        if byteCount >= stationEnd { startStation() }
        if byteCount >= deviceEnd { isOff = true }
        let bytes = Array(toStation.prefix(Self.bytesPerMillisecond))
        toStation.removeFirst(bytes.count)
        let incoming = toDevice.prefix(Self.bytesPerMillisecond)
        if !isOff, !isDeafening { arrived += incoming }
        toDevice.removeFirst(incoming.count)
        guard !isStationAway, !bytes.isEmpty || station.due.map({ $0 <= now }) ?? false else { return }
        let outcome = station.step(bytes, at: now)
        toDevice += suffer(outcome.bytes)
        for event in outcome.events { follow(event) }
        // What the CA said.
        toDevice += suffer(station.step(at: now).bytes)
    }

    private func follow(_ event: RelayStation.Event) {
        events.append(event)
        switch event {
        case .open(let stream):
            requests[streams + stream] = []
            station.opened(stream, refusal)
        case .data(let bytes, let stream):
            requests[streams + stream, default: []] += bytes
            if let reply = answer(requests[streams + stream] ?? []) {
                station.send(reply, on: stream)
                station.close(stream)
            }
        default: break
        }
    }

    private func suffer(_ bytes: [UInt8]) -> [UInt8] {
        byteCount += bytes.count
        var result: [UInt8] = []
        for byte in bytes {
            func happens(_ oneIn: UInt64) -> Bool { oneIn > 0 && random.oneIn(oneIn) }
            if happens(faults.gap) { gap = Int(random.next() % 300) }
            if gap > 0 {
                gap -= 1
                continue
            }
            if happens(faults.inserted) { result.append(UInt8(truncatingIfNeeded: random.next())) }
            if happens(faults.lost) { continue }
            if happens(faults.doubled) { result.append(byte) }
            result.append(happens(faults.flipped) ? byte ^ 1 << UInt8(random.next() % 8) : byte)
        }
        return result
    }

    // What the device's program runs on.

    fileprivate func read(_ deadline: UInt64) -> Bool {
        while arrived.isEmpty || isOff {
            guard deviceTime < deadline else { return false }
            if isOff { skew += deadline - deviceTime } else { tick(until: deadline - skew) }
        }
        return true
    }

    fileprivate func write(_ bytes: [UInt8], _ deadline: UInt64) -> Int {
        if isOff { return 0 }
        // A driver with a small buffer.
        let taken = bytes.prefix(16)
        toStation += suffer(Array(taken))
        for _ in 0..<millisecondsPerWrite { tick() }
        return taken.count
    }

    func sleep(_ milliseconds: UInt64) {
        let end = deviceTime + milliseconds
        while deviceTime < end { if isOff { skew = end - now } else { tick(until: end - skew) } }
    }
}

struct SimulatedPort: SerialPort, ~Copyable {
    let line: SimulatedLine

    mutating func read(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) -> Int {
        guard line.read(deadline) else { return 0 }
        let count = min(buffer.count, line.arrived.count)
        for index in 0..<count { buffer[index] = line.arrived[index] }
        line.arrived.removeFirst(count)
        return count
    }

    mutating func write(_ bytes: Span<UInt8>, deadline: UInt64) -> Int { line.write(bytes.array, deadline) }
}

struct SimulatedClock: Clock, ~Copyable {
    let line: SimulatedLine
    var uptime: UInt64 { line.deviceTime }
    var time: Int64? { nil }
    mutating func sleep(milliseconds: UInt64) { line.sleep(milliseconds) }
}

/// A device that is switched on.
final class SimulatedDevice {
    typealias Relayed = RelayDevice<SimulatedPort, SimulatedClock>

    let line: SimulatedLine
    private let device = UnsafeMutablePointer<Relayed>.allocate(capacity: 1)
    var transport: RelayTransport<SimulatedPort, SimulatedClock>
    var log: RelayLog<SimulatedPort, SimulatedClock>

    init(_ line: SimulatedLine, serial: String = "SN-0007", session: UInt64? = nil) {
        self.line = line
        line.startDevice()
        let serial = [UInt8](serial.utf8)
        device.initialize(
            to: Relayed(
                SimulatedPort(line: line), clock: SimulatedClock(line: line), serial: serial.span,
                session: session ?? line.random.next()))
        transport = RelayTransport(device)
        log = RelayLog(device)
    }

    deinit {
        device.deinitialize(count: 1)
        device.deallocate()
    }

    var counts: RelayLink.Counts { device.pointee.link.counts }

    func greet(within milliseconds: UInt64 = 5000) -> Bool {
        device.pointee.greet(deadline: line.deviceTime + milliseconds)
    }

    func serve<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>, for milliseconds: UInt64
    ) -> RelayRequest? {
        var work = [UInt8](repeating: 0, count: 4096)
        var span = work.mutableSpan
        return device.pointee.serve(&store, work: &span, deadline: line.deviceTime + milliseconds)
    }

    func write(_ text: String) {
        let bytes = [UInt8](text.utf8)
        log.write(line: bytes.span)
    }

    /// POSTs a body to the CA, as the agent does.
    func exchange(_ body: [UInt8], within milliseconds: UInt64 = 30_000) throws(ExchangeError) -> [UInt8] {
        var work = [UInt8](repeating: 0, count: 8192 - body.count) + body
        let text = [UInt8]("http://ca.example/scep".utf8)
        guard let url = try? ServerURL(text.span) else { preconditionFailure("a URL is wrong") }
        let range = (work.count - body.count)..<work.count
        var traffic = Traffic()
        let response: Response
        do {
            var span = work.mutableSpan
            response = try Board.exchange(
                "PKIOperation", .body(range), with: url, in: &span, deadline: line.deviceTime + milliseconds,
                over: &transport, clock: SimulatedClock(line: line), traffic: &traffic)
        }
        return Array(work[response.body])
    }
}
