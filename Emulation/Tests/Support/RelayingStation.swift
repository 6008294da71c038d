import Board
import Foundation
import LinuxBoard
import RelayHost
import Synchronization
import TestSupport

/// A station with one line and one CA, on a thread of its own: the least that drives a ``RelayStation``.
public final class RelayingStation: @unchecked Sendable {
    /// What it was told.
    public struct Seen: Sendable {
        public fileprivate(set) var serials: [String] = []
        public fileprivate(set) var lines: [String] = []
        public fileprivate(set) var certificate: [UInt8]?
    }

    private let descriptor: Int32
    private let port: UInt16
    private let damage: UInt64
    private let isStopped = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)
    private let shared = Mutex(Seen())

    /// - Parameters:
    ///   - port: of the CA, on this machine's loopback.
    ///   - damage: one byte in so many is changed on its way to either side; 0: none.
    public init(_ descriptor: Int32, port: UInt16, damage: UInt64 = 0) {
        (self.descriptor, self.port, self.damage) = (descriptor, port, damage)
    }

    public var seen: Seen { shared.withLock { $0 } }

    /// Whether the device has said its last word.
    public var hasEnded: Bool { Self.isEnd(seen.lines.last) }

    private static func isEnd(_ line: String?) -> Bool { line == "done" || line?.hasPrefix("error ") == true }

    public func start() { Thread.detachNewThread { [self] in run() } }

    public func stop() {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
    }

    private func run() {
        defer { ended.signal() }
        let clock = SystemClock()
        let station = RelayStation(session: .random(in: 1 ... .max))
        var upstream = TCP(clock: clock)
        defer { upstream.close() }
        var stream: Int?
        var random = SeededGenerator(seed: damage)
        while !isStopped.load(ordering: .relaxed) {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&entry, 1, 2)
            let outcome = station.step(corrupted(received(), &random), at: clock.uptime)
            for event in outcome.events { follow(event, station, &upstream, &stream, clock) }
            relay(from: &upstream, to: station, &stream, clock)
            let bytes = corrupted(outcome.bytes + station.step(at: clock.uptime).bytes, &random)
            _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    private func received() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        return Array(buffer.prefix(max(count, 0)))
    }

    private func corrupted(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        bytes.map { damage > 0 && random.oneIn(damage) ? $0 ^ 0x10 : $0 }
    }

    private func follow(
        _ event: RelayStation.Event, _ station: RelayStation, _ upstream: inout TCP, _ stream: inout Int?,
        _ clock: SystemClock
    ) {
        switch event {
        case .hello(let serial):
            let seen = shared.withLock { seen in
                seen.serials.append(serial)
                return seen
            }
            goOn(seen, station)
        case .line(let bytes):
            let seen = shared.withLock { seen in
                seen.lines.append(String(decoding: bytes, as: UTF8.self))
                return seen
            }
            goOn(seen, station)
        case .certificate(let der):
            shared.withLock { $0.certificate = der }
            station.finish()
        case .open(let number):
            do throws(TransportError) {
                let host = [UInt8]("127.0.0.1".utf8)
                try upstream.connect(host: host.span, port: port, deadline: clock.uptime + 5000)
                stream = number
                station.opened(number)
            } catch {
                station.opened(number, error)
            }
        case .data(let bytes, let number):
            do throws(TransportError) {
                try upstream.send(bytes.span, deadline: clock.uptime + 5000)
            } catch {
                station.close(number, error)
            }
        case .closed:
            upstream.close()
            stream = nil
        case .lost, .unsupported: break
        }
    }

    /// Asks a device whose run has ended for its certificate, and has it end once that is here.
    private func goOn(_ seen: Seen, _ station: RelayStation) {
        guard Self.isEnd(seen.lines.last) else { return }
        if seen.lines.last == "done", seen.certificate == nil { station.readCertificate() } else { station.finish() }
    }

    private func relay(from upstream: inout TCP, to station: RelayStation, _ stream: inout Int?, _ clock: SystemClock) {
        guard let number = stream, station.queuedBytes < 4096 else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        do throws(TransportError) {
            var span = buffer.mutableSpan
            let count = try upstream.receive(into: &span, deadline: clock.uptime)
            if count > 0 {
                station.send(Array(buffer.prefix(count)), on: number)
            } else {
                station.close(number)
                stream = nil
            }
        } catch {
            guard error != .timedOut else { return }
            station.close(number, error)
            stream = nil
        }
    }
}
