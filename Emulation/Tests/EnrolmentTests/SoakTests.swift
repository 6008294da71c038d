import Emulator
import Foundation
import TestSupport
import Testing

/// A sample of `make soak`.
@Suite struct SoakTests {
    @Test func agentGetsThroughABadNetworkAndDoesNotGrow() async throws {
        try await withTemporaryDirectory { folder in
            let soak = Program(
                executable: product("soak"), arguments: ["--count", "60"], folder: folder,
                origin: "swift build --product soak")
            let run = try await soak.run(timeLimit: .hang) { try await $0.end() }
            let lines = run.lines.map(\.text)
            #expect(run.ending == .exited(0), "\(lines)")
            #expect(lines.contains { $0.hasPrefix("soak: 60 certificates in ") }, "\(lines)")
        }
    }
}

/// An executable beside the tests, where the build puts both.
func product(_ name: String) -> String {
    URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name).path
}
