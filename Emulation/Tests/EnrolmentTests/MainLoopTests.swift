import Authority
import AuthorityServer
import EmulationTestSupport
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// The program of Examples/main-loop: the agent in somebody else's main loop, with somebody else's HTTP client.
@Suite struct MainLoopTests {
    @Test(arguments: ["p256", "rsa2048"])
    func itEnrolsOnce(key: String) async throws {
        try await Bench.withAuthority { server in
            try await withTemporaryDirectory { folder in
                let configuration = try write(server, key, "", in: folder)
                for _ in 0..<2 {
                    let run = try await run(configuration, folder)
                    #expect(run.ending == .exited(0), "\(run.lines.map(\.text))")
                    #expect(server.authority.issuedCertificates().count == 1)
                    guard key == "rsa2048", run.lines.contains(where: { $0.text.contains("making") }) else { continue }
                    let fed = run.lines.last?.text.split(separator: " ").compactMap { Int($0) }.first ?? 0
                    #expect(fed > 20, "of some seventy parts of a key each is a turn: \(run.lines.map(\.text))")
                }
            }
        }
    }

    @Test func itWaitsForAPerson() async throws {
        try await Bench.withAuthority({ $0.policy = .afterPolls(2) }) { server in
            try await withTemporaryDirectory { folder in
                let run = try await run(write(server, "p256", "poll=1\npoll-cap=1", in: folder), folder)
                #expect(run.ending == .exited(0), "\(run.lines.map(\.text))")
                #expect(run.lines.count { $0.text.contains("outcome=pending") } == 2, "\(run.lines.map(\.text))")
            }
        }
    }

    /// An error ends it, with its reason and what to do in the last but one line.
    @Test func itSaysWhyItEnded() async throws {
        try await Bench.withAuthority { server in
            try await withTemporaryDirectory { folder in
                let configuration = try write(server, "p256", "", in: folder, challenge: "another")
                let run = try await run(configuration, folder)
                #expect(run.ending == .exited(1))
                #expect(run.lines.contains { $0.text.contains("outcome=refused") }, "\(run.lines.map(\.text))")
                #expect(run.lines.contains { $0.text.hasPrefix("error ") }, "\(run.lines.map(\.text))")
            }
        }
    }

    private func write(
        _ server: AuthorityServer, _ key: String, _ more: String, in folder: URL, challenge: String = Bench.password
    ) throws -> URL {
        let text = """
            url=\(server.url)
            fingerprint=\(try Digest.sha256.hash(server.authority.trustAnchor.der).hexadecimal)
            subject=CN=main loop
            challenge=\(challenge)
            challenge-use=always
            key=\(key)
            retries=0
            \(more)
            """
        let file = folder.appending(path: "configuration")
        try Data(text.utf8).write(to: file)
        return file
    }

    private func run(_ configuration: URL, _ folder: URL) async throws -> Run<Void> {
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "main-loop")
        return try await Program(
            executable: program.path, arguments: [configuration.path, folder.path], folder: folder,
            origin: "this package"
        ).run(timeLimit: .hang) { try await $0.end() }
    }
}
