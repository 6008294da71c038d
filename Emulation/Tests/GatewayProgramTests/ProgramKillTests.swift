import Emulator
import Foundation
import Testing

/// The program killed at moments that nobody chose, in enrolments and renewals: what is published belongs together
/// whenever somebody looks, and the next run makes it fresh.
@Suite(.serialized) struct ProgramKillTests {
    @Test(arguments: Kind.chosen(from: [Kind.amd64, .staticARMHF]))
    func killsCostNothing(kind: Kind) async throws {
        let seed = UInt64(ProcessInfo.processInfo.environment["KILL_SEED"] ?? "") ?? .random(in: 0 ... .max)
        print("kills: seed \(seed)")
        var moments = SplitMix64(seed: seed)
        try await withAuthority({ $0.challenge = .none }) { server in
            try await Gateway.with(kind) { gateway in
                try gateway.configure(for: server, ["key = rsa2048"])
                var isEnrolled = false
                for _ in 0..<(kind == .amd64 ? 30 : 8) {
                    let limit = moments.next() % (kind == .amd64 ? 900 : 6000)
                    let program = try gateway.program([isEnrolled ? "renew" : "enroll"])
                    _ = try await program.run(timeLimit: .hang) { running in
                        try await Task.sleep(for: .milliseconds(limit))
                        running.kill()
                    }
                    server.authority.moveClock(by: 10)
                    let isThere = FileManager.default.fileExists(atPath: gateway.current.path)
                    #expect(isThere || !isEnrolled, "what was published is gone")
                    isEnrolled = isThere
                    if isThere { try await gateway.check() }
                }
                let last = try await gateway.scep(isEnrolled ? "renew" : "enroll")
                #expect(last.ending == .exited(0), "\(last)")
                try await gateway.check()
                let folders = try FileManager.default.contentsOfDirectory(
                    atPath: gateway.directory.appending(path: "issued").path)
                #expect(folders.count <= 2, "what was cut is left behind: \(folders)")
            }
        }
    }
}
