import Authority
import AuthorityServer
import Foundation
import Ledger
import Line
import Manifest
import Provisioning
import StationSupport
import TestSupport
import Testing
import VirtualDevice

import struct Ledger.Ledger

@testable import Ports

/// A station with ports, the embedded authority as its CA, and devices at the other ends.
final class PortBench: @unchecked Sendable {
    let folder: URL
    let server: AuthorityServer
    let ledger: Ledger
    var station: Station
    private let lock = NSLock()
    private var seen: [StationEvent] = []

    static func with(
        _ configure: (inout CAConfiguration) -> Void = { _ in }, _ body: (PortBench) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            var configuration = CAConfiguration()
            configuration.challenge = .shared("line")
            configure(&configuration)
            let server = try await AuthorityServer(try Authority(configuration))
            try await body(try PortBench(folder, server))
            await server.stop()
        }
    }

    private init(_ folder: URL, _ server: AuthorityServer) throws {
        self.folder = folder
        self.server = server
        ledger = try Ledger(SQLiteDatabase(file: folder.appending(path: "ledger.db").path))
        station = Station(
            ledger: ledger, actor: .first, work: try WorkFolder(folder.appending(path: "work")),
            delivery: Delivery(to: try WorkFolder(folder.appending(path: "out")), forms: []), gate: CAGate(places: 8))
        station.report = { [unowned self] event in lock.withLock { seen.append(event) } }
    }

    var events: [StationEvent] { lock.withLock { seen } }

    var results: [String: DeviceResult] {
        events.reduce(into: [:]) { if case .ended(let serial, _, let result) = $1 { $0[serial] = result } }
    }

    /// What devices are told of the CA.
    var ca: CATrust.CA {
        get throws {
            CATrust.CA(
                url: server.url, fingerprint: try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal,
                message: "", allow: "")
        }
    }

    /// The configuration of a device.
    func configuration(_ serial: String, _ lines: String...) throws -> String {
        let fingerprint = try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal
        return
            ([
                "url=\(server.url)", "fingerprint=\(fingerprint)", "subject=CN=\(serial)", "challenge=line",
                "challenge-use=always", "key=p256", "retries=0",
            ] + lines).map { $0 + "\n" }.joined()
    }

    /// Plans devices, runs a port each, and `body` with the devices' ends.
    func serve(
        _ serials: [String], ports: Int, port planned: String? = nil, _ body: ([PseudoTerminal]) async throws -> Void
    ) async throws {
        var left = serials[...]
        try ledger.plan(manifest: "m", quota: nil, by: .first) {
            left.popFirst().map { PlannedDevice(serial: $0, batch: "B1") }
        }
        let terminals = try (0..<ports).map { _ in try PseudoTerminal() }
        let addresses = try terminals.enumerated().map { try #require(PortAddress("p\($0)=\($1.path)")) }
        let ca = try ca
        let line = try PortLine(station, addresses) { serial in
            serials.contains(serial)
                ? PortDevice(serial: serial, ca: ca, subject: "CN=\(serial)", port: planned) : nil
        }
        let end = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            line.run()
            end.signal()
        }
        try await body(terminals)
        line.stop()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Thread.detachNewThread {
                end.wait()
                continuation.resume()
            }
        }
    }

    /// Runs devices, each on a thread of its own, to their ends.
    func run(_ devices: [VirtualDevice]) async -> [Bool] {
        await withCheckedContinuation { (continuation: CheckedContinuation<[Bool], Never>) in
            let box = Results(devices.count)
            for (index, device) in devices.enumerated() {
                nonisolated(unsafe) let device = device
                let thread = Thread {
                    if let all = box.set(index, device.run()) { continuation.resume(returning: all) }
                }
                thread.stackSize = 1 << 20
                thread.start()
            }
        }
    }

    func device(_ serial: String, at terminal: PseudoTerminal, in name: String? = nil, _ lines: String...) throws
        -> VirtualDevice
    { try device(serial, at: terminal, in: name, lines) }

    func device(_ serial: String, at terminal: PseudoTerminal, in name: String? = nil, _ lines: [String]) throws
        -> VirtualDevice
    {
        let place = folder.appending(path: "device-\(name ?? serial)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let text = try configuration(serial) + lines.map { $0 + "\n" }.joined()
        return VirtualDevice(serial: serial, folder: place, configuration: text, descriptor: terminal.descriptor)
    }

    private final class Results: @unchecked Sendable {
        private let lock = NSLock()
        private var results: [Bool?]
        init(_ count: Int) { results = Array(repeating: nil, count: count) }

        /// - Returns: all of them, if this was the last.
        func set(_ index: Int, _ value: Bool) -> [Bool]? {
            lock.withLock {
                results[index] = value
                let all = results.compactMap(\.self)
                return all.count == results.count ? all : nil
            }
        }
    }
}
