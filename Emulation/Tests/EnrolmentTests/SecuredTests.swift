import Authority
import AuthorityServer
import Emulator
import Foundation
import TestSupport
import Testing

/// The image with TLS in it, and a CA behind `stunnel4`.
@Suite struct SecuredTests {
    private static let boards = Bench.machines(with: "https")

    @Test(arguments: boards)
    func enrolsWithAPinnedServer(board: BoardKind) async throws {
        try await enrol(board, .p256) { terminator in ["tls-pin": terminator.pin] }
    }

    @Test(arguments: boards, [.rsa2048, .rsa2048Chain] as [TLSTerminator.Key])
    func enrolsWithAServerOfAKnownCA(board: BoardKind, key: TLSTerminator.Key) async throws {
        try await enrol(board, key) { terminator in ["tls-ca": terminator.authority] }
    }

    /// What a stranger is told: nothing that the CA would see.
    @Test(
        arguments: boards,
        [
            ("tls-pin", "10.0.2.2", "tls-pin-mismatch"), ("tls-ca", "10.0.2.3", "tls-wrong-host"),
            ("nothing", "10.0.2.2", "tls-untrusted"),
        ])
    func tellsAStrangerNothing(board: BoardKind, case row: (told: String, address: String, kind: String)) async throws {
        let (told, address, kind) = row
        try await Bench.withAuthority { server in
            let outcome = try await run(board, server, .p256, address: address) { terminator in
                switch told {
                case "tls-pin": ["tls-pin": String(repeating: "5A", count: 32)]
                case "tls-ca": ["tls-ca": terminator.authority]
                default: [:]
                }
            }
            guard case .failed(kind, _) = outcome.verdict else {
                Issue.record("\(outcome.verdict)")
                return
            }
            #expect(server.authority.issuedCertificates().isEmpty)
            #expect(outcome.report?[.sent] == 0)
        }
    }

    @Test(arguments: boards)
    func refusesACAThatIsNone(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            let outcome = try await run(board, server, .p256) { _ in ["tls-ca": "MIIBzjCC"] }
            guard case .failed("configuration", _) = outcome.verdict else {
                Issue.record("\(outcome.verdict)")
                return
            }
        }
    }

    private func enrol(
        _ board: BoardKind, _ key: TLSTerminator.Key,
        _ told: @escaping @Sendable (TLSTerminator) -> [String: String]
    ) async throws {
        try await Bench.withAuthority { server in
            let outcome = try await run(board, server, key, told)
            #expect(outcome.verdict == .done)
            #expect(server.authority.issuedCertificates().count == 1)
            let report = try #require(outcome.report)
            let budget = try Budget(of: board, image: "https", in: Bench.project)
            #expect(budget.exceeded(by: report) == [])
            print("https: \(board): stack \(report[.stack] ?? 0), arena \(report[.arena] ?? 0) bytes, with \(key)")
        }
    }

    private func run(
        _ board: BoardKind, _ server: AuthorityServer, _ key: TLSTerminator.Key, address: String = "10.0.2.2",
        _ told: @escaping @Sendable (TLSTerminator) -> [String: String]
    ) async throws -> Outcome {
        try await Bench.withDevice(board, image: "https") { device in
            let known = try Bench.record(board, for: server)
            let terminator = device.folder.appending(path: "terminator")
            try FileManager.default.createDirectory(at: terminator, withIntermediateDirectories: true)
            return try await TLSTerminator.run(before: server.port, key: key, address: address, in: terminator) {
                terminator in
                var record = known
                record.url = "https://10.0.2.2:\(terminator.port)/scep"
                record.others.merge(told(terminator)) { $1 }
                try device.manufacture(record)
                return try await Bench.gate.pass { try await device.runToEnd(timeLimit: .hang) }
            }
        }
    }
}
