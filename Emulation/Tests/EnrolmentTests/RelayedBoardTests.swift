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
    func enrolsAndRenewsThroughAStation(board: BoardKind) async throws {
        try await Bench.withAuthority({ $0.clockOffset = -25 * 86_400 }) { server in
            try await Bench.withDevice(board, image: "relay") { device in
                try device.manufacture(record(board, server, Bench.record(board, for: server).key))
                let first = try await run(device, server)
                #expect(first.lines.last == "done", "\(first.lines)")
                #expect(first.serials.allSatisfy { $0.count == 12 } && Set(first.serials).count == 1)
                let identity = try await device.identity(root: server.authority.trustAnchor.der)
                #expect(first.certificate == [UInt8](identity.certificate))
                #expect(server.authority.issuedCertificates().count == 1)
                try check(first, of: board)
                // It has what it needs, and says so to a station that never saw it.
                let second = try await run(device, server)
                #expect(second.lines.last == "done", "\(second.lines)")
                #expect(second.certificate == first.certificate)
                #expect(server.authority.issuedCertificates().count == 1)

                server.authority.moveClock(by: 25 * 86_400)
                let third = try await run(device, server)
                #expect(third.lines.last == "done", "\(third.lines)")
                #expect(third.lines.contains { $0.hasPrefix("event operation=RenewalReq outcome=issued") })
                #expect(third.certificate != first.certificate)
                #expect(server.authority.issuedCertificates().count == 2)
                try check(third, of: board)
            }
        }
    }

    /// Killed at moments that nobody chose, and started again on the same flash. `KILLS` and `KILL_SEED` are those of
    /// ``BoardKillTests``.
    @Test(arguments: Bench.machines(with: "relay"))
    func deviceThatIsKilledComesBackWithAFreshCertificate(board: BoardKind) async throws {
        let quota = max(BoardKillTests.kills / 4, 1)
        print("kills: \(quota) of \(board) with a station, KILL_SEED=\(BoardKillTests.seed)")
        var random = SplitMix64(seed: BoardKillTests.seed)
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board, image: "relay") { device in
                try device.manufacture(record(board, server, "p256"))
                var (kills, starts) = (0, 0)
                while kills < quota {
                    let line = Int.random(in: 0..<12, using: &random)
                    let delay = Int.random(in: 0..<250, using: &random)
                    let seen = try await run(device, server, killedAfter: (line, .milliseconds(delay)))
                    starts += 1
                    if seen.lines.last == "done" {
                        server.authority.moveClock(by: 25 * 86_400)
                    } else {
                        kills += 1
                    }
                    try #require(starts < 20 * quota + 20, "it ends before it is killed")
                }
                let last = try await run(device, server)
                #expect(last.lines.last == "done", "\(last.lines)")
                let held = try #require(last.certificate)
                let certificate = try #require(
                    try server.authority.issuedCertificates().compactMap {
                        try server.authority.issuedCertificate(serial: $0.serial)
                    }.first { [UInt8]($0.der) == held })
                #expect(try await device.holdsKey(of: certificate))
                // Fresh: the CA would not renew it.
                #expect(certificate.notAfter > server.authority.now.addingTimeInterval(20 * 86_400))
                #expect(certificate.isSigned(by: server.authority.trustAnchor.publicKey))
                #expect(server.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
            }
        }
    }

    private func record(_ board: BoardKind, _ server: AuthorityServer, _ key: String?) throws -> ProvisioningRecord {
        var record = try Bench.record(board, for: server)
        record.key = key
        // Else a renewal of an EC key has nobody to encrypt for.
        record.others["challenge-use"] = "always"
        record.others["jitter"] = "0"
        return record
    }

    /// Holds what a run took against the budget.
    private func check(_ seen: RelayingStation.Seen, of board: BoardKind) throws {
        let report = try #require(seen.lines.compactMap { Report(line: $0) }.last)
        #expect(try Budget(of: board, image: "relay", in: Bench.project).exceeded(by: report) == [], "\(report)")
        print("relay: \(board): stack \(report[.stack] ?? 0), arena \(report[.arena] ?? 0) bytes")
    }

    /// Powers the board up beside a station, until that has had enough, or until some time after it has heard so many lines.
    private func run(
        _ device: Device, _ server: AuthorityServer, killedAfter moment: (lines: Int, delay: Duration)? = nil
    ) async throws -> RelayingStation.Seen {
        let line = try PseudoTerminal()
        let station = RelayingStation(line.station, port: server.port)
        station.start()
        defer { station.stop() }
        let options = BootOptions(uart: line.path)
        let run = try await Bench.gate.pass {
            try await device.powerUp(options: options, timeLimit: .hang) { running in
                if let moment {
                    while station.seen.lines.count < moment.lines, !station.hasEnded {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    try await Task.sleep(for: moment.delay)
                    running.kill()
                }
                try await running.end()
            }
        }
        #expect(moment != nil || run.ending == .exited(0), "\(run.lines)")
        return station.seen
    }
}
