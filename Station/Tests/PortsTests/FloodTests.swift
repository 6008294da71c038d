import Foundation
import Ledger
import Line
import Relay
import StationSupport
import TestSupport
import Testing
import VirtualDevice

@testable import Ports

@Suite("A device that floods its port")
struct FloodTests {
    enum Flood: String, CaseIterable, Sendable {
        /// Megabytes of anything.
        case noise
        /// Zeros, which end frames that are none.
        case zeros
        /// No zero ever.
        case endless
        /// Beginnings of frames.
        case halves
        /// Greetings of sessions that nobody has, of a device that is planned.
        case greetings

        func bytes(_ random: inout SeededGenerator) -> [UInt8] {
            switch self {
            case .noise: random.bytes(4_096)
            case .zeros: [UInt8](repeating: 0, count: 4_096)
            case .endless: [UInt8](repeating: 0x55, count: 4_096)
            case .halves: (0..<64).flatMap { _ in [0] + random.bytes(40).map { $0 | 1 } }
            case .greetings:
                (0..<64).flatMap { _ in FloodTests.greeting(UInt64.random(in: 1 ... .max, using: &random)) }
            }
        }
    }

    /// The others go on, and the port serves the next device.
    @Test(arguments: Flood.allCases)
    func leavesTheOthersAlone(flood: Flood) async throws {
        try await PortBench.with { bench in
            let serials = ["R0", "R1", "R2", "R3"]
            try await bench.serve(serials, ports: 3) { terminals in
                let flooding = Flooding(flood, terminals[0].descriptor)
                let isDone = await bench.run([
                    try bench.device("R1", at: terminals[1]), try bench.device("R2", at: terminals[2]),
                ])
                #expect(isDone == [true, true])
                // It has flooded all the while, and more than it was heard of.
                while flooding.count < 1 << 21 { try await Task.sleep(for: .milliseconds(20)) }
                await flooding.stop()
                let next = await bench.run([try bench.device("R3", at: terminals[0])])
                #expect(next == [true])
            }
            let good = bench.results.filter { $0.value == .verified }.keys.sorted()
            #expect(good == ["R1", "R2", "R3"], "\(bench.results)")
            #expect(bench.server.authority.issuedCertificates().count == 3)
            _ = try bench.ledger.verifyAudit()
        }
    }

    /// Asked for its certificate, it sends and sends, each frame as it should be.
    @Test func aCertificateWithoutAnEndIsNone() async throws {
        try await PortBench.with { bench in
            try await bench.serve(["R0", "R1"], ports: 2) { terminals in
                let endless = EndlessDevice("R0", terminals[0].descriptor)
                let isDone = await bench.run([try bench.device("R1", at: terminals[1])])
                #expect(isDone == [true])
                await endless.ended()
            }
            guard case .failed(let cause) = bench.results["R0"] else {
                Issue.record("\(bench.results)")
                return
            }
            #expect(cause.kind == "no-certificate" && bench.results["R1"] == .verified)
        }
    }

    /// HELLO with another station's value: Docs/Relay.md.
    static func greeting(_ session: UInt64) -> [UInt8] {
        var link = RelayLink(.device, session: session, serial: [UInt8]("R0".utf8).span)
        var storage = InlineArray<249, UInt8>(repeating: 0)
        var output = storage.mutableSpan
        let count = link.output(Span(), at: 0, into: &output)
        return (0..<count).map { output[$0] }
    }
}

/// A device that says that it is done, and has a certificate of any length, until the station has had enough.
private final class EndlessDevice: Sendable {
    private let done = DispatchSemaphore(value: 0)

    init(_ serial: String, _ descriptor: Int32) {
        let done = done
        Thread.detachNewThread {
            var link = RelayLink(.device, session: 99, serial: [UInt8](serial.utf8).span)
            let (line, part) = ([UInt8]("done".utf8), [UInt8](repeating: 0x30, count: RelayFrame.payloadCapacity))
            var (isTold, isAsked, isEnough) = (false, false, false)
            var storage = InlineArray<249, UInt8>(repeating: 0)
            var input = [UInt8](repeating: 0, count: 256)
            while !isEnough {
                let count = read(descriptor, &input, input.count)
                for byte in input.prefix(max(count, 0)) {
                    guard let frame = link.receive(byte) else { continue }
                    link.discard()
                    if frame == .certificate { isAsked = true }
                    if frame == .done { isEnough = true }
                }
                let now = UInt64(ProcessInfo.processInfo.systemUptime * 1_000)
                if link.isUp, !link.isSending {
                    if !isTold {
                        isTold = link.begin(.line, at: now)
                    } else if isAsked {
                        _ = link.begin(.certificate, at: now)
                    }
                }
                let payload = isAsked ? part : line
                var output = storage.mutableSpan
                var size = link.output(payload.span, at: now, into: &output)
                while size > 0 {
                    let bytes = (0..<size).map { output[$0] }
                    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                    size = link.output(payload.span, at: now, into: &output)
                }
                if count <= 0 { usleep(1_000) }
            }
            done.signal()
        }
    }

    func ended() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Thread.detachNewThread { [done] in
                done.wait()
                continuation.resume()
            }
        }
    }
}

/// Writes to a line, as fast as it takes it.
private final class Flooding: @unchecked Sendable {
    private let lock = NSLock()
    private var written = 0
    private var isStopped = false
    private let ended = DispatchSemaphore(value: 0)

    init(_ flood: FloodTests.Flood, _ descriptor: Int32) {
        Thread.detachNewThread { [self] in
            var random = SeededGenerator(seed: 7)
            var sink = [UInt8](repeating: 0, count: 4_096)
            while !lock.withLock({ isStopped }) {
                let bytes = flood.bytes(&random)
                var rest = bytes[...]
                while !rest.isEmpty, !lock.withLock({ isStopped }) {
                    // It does not listen, and takes what it is told all the same.
                    _ = read(descriptor, &sink, sink.count)
                    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                    if count > 0 {
                        rest = rest.dropFirst(count)
                        lock.withLock { written += count }
                    } else {
                        usleep(1_000)
                    }
                }
            }
            ended.signal()
        }
    }

    var count: Int { lock.withLock { written } }

    func stop() async {
        lock.withLock { isStopped = true }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Thread.detachNewThread { [self] in
                ended.wait()
                continuation.resume()
            }
        }
    }
}
