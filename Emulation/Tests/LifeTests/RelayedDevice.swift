import Agent
import Board
import DeviceCrypto
import Foundation
import LinuxBoard
import Relay
import SimulatedStorage
import TestKeys

/// The device's end, as a UART.
struct TerminalPort: SerialPort, ~Copyable {
    let descriptor: Int32
    let clock: SystemClock

    mutating func read(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) -> Int {
        while true {
            let count = buffer.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { return count }
            guard wait(for: POLLIN, deadline) else { return 0 }
        }
    }

    mutating func write(_ bytes: Span<UInt8>, deadline: UInt64) -> Int {
        while true {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { return count }
            guard wait(for: POLLOUT, deadline) else { return 0 }
        }
    }

    private func wait(for event: Int32, _ deadline: UInt64) -> Bool {
        let now = clock.uptime
        guard now < deadline else { return false }
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        return poll(&entry, 1, Int32(min(deadline - now, 60_000))) > 0
    }
}

/// A board's `main` with the relay for its network and its console.
final class RelayedDevice {
    private typealias Device = Agent<PooledKey, 8192>
    private typealias Relayed = RelayDevice<TerminalPort, SystemClock>

    private let agent = UnsafeMutablePointer<Device>.allocate(capacity: 1)
    private let relay = UnsafeMutablePointer<Relayed>.allocate(capacity: 1)
    private let record: LifeRecord
    private let clock = SystemClock()
    private(set) var storedCertificate: [UInt8]?

    /// - Parameter text: the device's configuration.
    init(_ text: [UInt8], port: Int32, serial: [UInt8]) {
        record = LifeRecord(text)
        agent.initialize(to: Device())
        let port = TerminalPort(descriptor: port, clock: clock)
        relay.initialize(to: Relayed(port, clock: clock, serial: serial.span, session: .random(in: 0 ... .max)))
    }

    deinit {
        agent.deinitialize(count: 1)
        agent.deallocate()
        relay.deinitialize(count: 1)
        relay.deallocate()
    }

    /// Obtains its certificate, and answers the station until that has had enough.
    func run() -> RelayRequest? {
        let geometry = StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 64, erasedValue: 0xFF)
        var store = IdentityStore(
            NORSnapshots<SimulatedFlash, 512>(SimulatedFlash(geometry), capacity: Device.snapshotCapacity))
        var transport = RelayTransport(relay)
        var log = RelayLog(relay)
        var work = [UInt8](repeating: 0, count: 8192)
        var span = work.mutableSpan
        _ = relay.pointee.greet(deadline: clock.uptime + 10_000)
        var failure: AgentError?
        do throws(AgentError) {
            try enrol(&transport, &store, &log, &span)
        } catch {
            failure = error
        }
        logResult(failure, work: span.span, log: &log)
        let request = relay.pointee.serve(&store, work: &span, deadline: clock.uptime + 60_000)
        if let count = try? store.read(.certificate, into: &span) { storedCertificate = (0..<count).map { span[$0] } }
        return request
    }

    private func enrol(
        _ transport: inout RelayTransport<TerminalPort, SystemClock>,
        _ store: inout IdentityStore<NORSnapshots<SimulatedFlash, 512>>,
        _ log: inout RelayLog<TerminalPort, SystemClock>, _ work: inout MutableSpan<UInt8>
    ) throws(AgentError) {
        var random: RandomGenerator
        do throws(CryptoError) {
            random = try seededRandom()
        } catch {
            throw .entropy(.failed)
        }
        defer { random.wipe() }
        var (record, clock, traffic) = (record, clock, Traffic())
        var text = [UInt8](repeating: 0, count: 1536)
        var textSpan = text.mutableSpan
        try agent.pointee.run(
            record: &record, text: &textSpan, transport: &transport, clock: &clock, store: &store, log: &log,
            random: &random, work: &work, traffic: &traffic)
    }
}
