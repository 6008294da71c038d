import Authority
import AuthorityServer
import Foundation
import Ledger
import struct Ledger.Ledger
import Line
import Manifest
import Provisioning
import StationSupport
import TestSupport
import Testing

/// A station in a folder of its own, and the embedded authority as its CA.
final class Bench {
    let folder: URL
    let server: AuthorityServer
    let ledger: Ledger
    var station: Station
    let events = Events()

    static func with(
        _ configure: (inout CAConfiguration) -> Void = { _ in }, forms: Set<Delivery.Form> = [.image],
        _ body: (Bench) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            var configuration = CAConfiguration()
            configuration.challenge = .shared("line")
            configure(&configuration)
            let server = try await AuthorityServer(try Authority(configuration))
            try await body(try Bench(folder, server, forms))
            await server.stop()
        }
    }

    private init(_ folder: URL, _ server: AuthorityServer, _ forms: Set<Delivery.Form>) throws {
        self.folder = folder
        self.server = server
        ledger = try Ledger(SQLiteDatabase(file: folder.appending(path: "ledger.db").path))
        station = Station(
            ledger: ledger, actor: .first, work: try WorkFolder(folder.appending(path: "work")),
            delivery: Delivery(to: try WorkFolder(folder.appending(path: "out")), forms: forms), gate: CAGate(places: 4)
        )
        let events = events
        station.report = { events.add($0) }
    }

    /// The station with another ledger.
    func station(with ledger: Ledger) -> Station {
        Station(ledger: ledger, actor: .first, work: station.work, delivery: station.delivery, gate: CAGate(places: 4))
    }

    /// A profile of this CA's.
    func profile(_ lines: String = "") throws -> String {
        """
        url = \(server.url)
        fingerprint = \(try server.authority.trustAnchor.fingerprint(.sha256).hexadecimal)
        subject = CN={serial},O=Example
        key = p256
        key-origin = station
        challenge-use = always
        \(lines)
        """
    }

    /// Plans and runs a manifest.
    func run(_ manifest: String, profile lines: String = "", jobs: Int = 4) async throws {
        let profile = try profile(lines)
        func devices() -> ManifestReader {
            ManifestReader(
                [UInt8](manifest.utf8), hasChallengeCommand: station.challenge != nil,
                profile: { _ in Profile([UInt8](profile.utf8)) { Issue.record("\($0)") } },
                report: { Issue.record("\($0)") })
        }
        let planned = devices()
        try ledger.plan(manifest: "m", quota: nil, by: .first) { planned.next().map { $0.planned(batch: "B1") } }
        let reader = devices()
        let line = HostLine(station) { reader.next() }
        // On a thread of its own: the authority answers from the pool of threads that this would fill.
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread { continuation.resume(with: Result { try line.run(jobs: jobs) }) }.start()
        }
    }

    /// A file that was delivered for a device.
    func file(_ serial: String, _ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: station.delivery.place(of: serial).appending(path: name)))
    }

    /// How each device came out.
    var results: [String: DeviceResult] {
        events.all.reduce(into: [:]) { if case .ended(let serial, _, let result) = $1 { $0[serial] = result } }
    }
}

final class Events: @unchecked Sendable {
    private let lock = NSLock()
    private var events: [StationEvent] = []

    func add(_ event: StationEvent) { lock.withLock { events.append(event) } }
    var all: [StationEvent] { lock.withLock { events } }
}
