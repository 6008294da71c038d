import Authority
import AuthorityServer
import EmulationTestSupport
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// The image without a network, whose UART leads to a station.
@Suite struct RelayedBoardTests {
    @Test(arguments: Bench.machines(with: "relay"))
    func enrolsThroughAStation(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board, image: "relay") { device in
                try device.manufacture(Bench.record(board, for: server))
                let first = try await run(device, server)
                #expect(first.lines.last == "done", "\(first.lines)")
                #expect(first.serials.allSatisfy { $0.count == 12 } && Set(first.serials).count == 1)
                let identity = try await device.identity(root: server.authority.trustAnchor.der)
                #expect(first.certificate == [UInt8](identity.certificate))
                #expect(server.authority.issuedCertificates().count == 1)
                let report = try #require(first.lines.compactMap { Report(line: $0) }.last)
                #expect(try Budget(of: board, image: "relay", in: Bench.project).exceeded(by: report) == [])
                print("relay: \(board): stack \(report[.stack] ?? 0), arena \(report[.arena] ?? 0) bytes")
                // It has what it needs, and says so to a station that never saw it.
                let second = try await run(device, server)
                #expect(second.lines.last == "done", "\(second.lines)")
                #expect(second.certificate == first.certificate)
                #expect(server.authority.issuedCertificates().count == 1)
            }
        }
    }

    /// Powers the board up beside a station, until that has had enough.
    private func run(_ device: Device, _ server: AuthorityServer) async throws -> RelayingStation.Seen {
        let line = try PseudoTerminal()
        let station = RelayingStation(line.station, port: server.port)
        station.start()
        defer { station.stop() }
        let options = BootOptions(uart: line.path)
        let run = try await Bench.gate.pass {
            try await device.powerUp(options: options, timeLimit: .hang) { running in try await running.end() }
        }
        #expect(run.ending == .exited(0), "\(run.lines)")
        return station.seen
    }
}
