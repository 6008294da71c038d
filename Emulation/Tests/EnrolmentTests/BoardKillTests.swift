import Authority
import AuthorityServer
import Emulator
import Foundation
import LibCrypto
import Synchronization
import Testing

/// Each emulated board, killed at moments that nobody chose, in the middle of enrolments and renewals, and started again
/// on the same flash.
///
/// `KILLS` says how often (20), `KILL_SEED` repeats the moments of a run: as far as a machine that does other things as
/// well is the same twice.
@Suite struct BoardKillTests {
    private static let environment = ProcessInfo.processInfo.environment
    static let kills = environment["KILLS"].flatMap { Int($0) } ?? 20
    static let seed = environment["KILL_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...999_999)

    /// A kind of device, each with a CA of its own.
    struct Kind: Sendable, CustomTestStringConvertible {
        let number: Int
        let settings: [String: String]
        var testDescription: String { settings["key"] ?? "rsa2048" }
        var usesPasswordOnce: Bool { settings["challenge-use"] == nil }
    }

    /// EC keys are made in no time, so that more of the kills meet other things.
    static let kinds: [Kind] = [
        Kind(number: 0, settings: ["key": "p256", "challenge-use": "always"]),
        Kind(number: 1, settings: ["key": "rsa2048", "renewal-key": "same"]),
        Kind(number: 2, settings: ["key": "p256", "challenge-use": "always", "renewal-key": "same"]),
        Kind(number: 3, settings: ["key": "rsa2048"]),
    ]

    /// What was seen of one device.
    private struct Sight {
        var kills = 0
        var starts = 0
        /// Serial numbers of what it had, in order.
        var certificates: [String] = []
    }

    @Test(arguments: Bench.machines, kinds)
    func deviceThatIsKilledComesBackWithAFreshCertificate(board: BoardKind, kind: Kind) async throws {
        let quota = (Self.kills + kind.number) / Self.kinds.count
        print("kills: \(quota) of \(kind), KILL_SEED=\(Self.seed)")
        var random = SplitMix64(seed: Self.seed &* 4 &+ UInt64(kind.number))
        try await Bench.withAuthority({
            guard kind.usesPasswordOnce else { return }
            $0.challenge = .oneTime([OneTimePassword(device: "", password: Bench.password)])
        }) { server in
            try await Bench.withDevice(board, clockOf: server) { device in
                var record = try Bench.record(board, for: server)
                record.key = kind.settings["key"]
                record.others.merge(kind.settings.filter { $0.key != "key" }) { $1 }
                record.others["jitter"] = "0"
                try device.manufacture(record)

                var sight = Sight()
                var due = 0
                while sight.kills < quota {
                    let isKilled = try await start(device, server.authority, &random, &sight)
                    // All that was due is done: the next certificate is.
                    if !isKilled {
                        server.authority.moveClock(by: 25 * 86_400)
                        due += 1
                    }
                    try #require(sight.starts < 20 * quota + 20, "it ends before it is killed")
                }
                let outcome = try await device.enrol()
                #expect(outcome.verdict == .done, "\(outcome.lines.map(\.text))")
                look(at: outcome.events, server.authority, &sight)
                let certificate = try await device.currentCertificate(server.authority)
                // Fresh: the CA would not renew it.
                #expect(certificate.notAfter > server.authority.now.addingTimeInterval(20 * 86_400))
                #expect(certificate.isSigned(by: server.authority.trustAnchor.publicKey))
                #expect(server.authority.ledger.transactionIDsOfSeveralKeys.isEmpty)
                if kind.usesPasswordOnce {
                    #expect(server.authority.ledger.challengesOfSeveralTransactions.isEmpty)
                }
                print("kills: \(sight.kills) of \(kind) in \(sight.starts) starts and \(due) renewals")
            }
        }
    }

    /// Starts the device, and kills it at a moment of its own unless it ends before.
    ///
    /// - Returns: whether it was killed.
    private func start(
        _ device: Device, _ authority: Authority, _ random: inout SplitMix64, _ sight: inout Sight
    ) async throws -> Bool {
        // So long after a line that it writes; making a key takes long, the rest does not.
        let line = Int.random(in: 0..<12, using: &random)
        let share = Double.random(in: 0..<1, using: &random)
        let run = try await Bench.gate.pass {
            try await device.powerUp(timeLimit: .hang) { running in
                var number = 0
                for await written in running.lines {
                    if number == line {
                        let makesKey = written.text.hasPrefix("making a key: RSA")
                        try await Task.sleep(for: .milliseconds(Int(share * (makesKey ? 3000 : 250))))
                        running.kill()
                    }
                    number += 1
                }
            }
        }
        sight.starts += 1
        look(at: run.lines.map(\.text).filter { $0.hasPrefix("event ") }, authority, &sight)
        if run.ending == .signalled(9) {
            sight.kills += 1
            return true
        }
        #expect(run.ending == .exited(0) && run.lines.last?.text == "done", "\(run.lines.map(\.text))")
        return false
    }

    /// What a device had it has at every start from then on, until it has the next.
    private func look(at events: [String], _ authority: Authority, _ sight: inout Sight) {
        if let last = sight.certificates.last, let first = events.first {
            #expect(first.contains("outcome=current"), "it had \(last), and has nothing: \(first)")
        }
        for event in events {
            guard let serial = field("serial", of: event), serial != sight.certificates.last else { continue }
            #expect((try? authority.issuedCertificate(serial: serial)) ?? nil != nil, "\(event)")
            #expect(!sight.certificates.contains(serial), "it went back to an identity that it had left: \(event)")
            sight.certificates.append(serial)
        }
    }
}
