import Authority
import AuthorityServer
import Emulator
import Foundation
import Testing

/// Power that goes away in the middle, as a device's user sees it: the next start makes it good. Cuts inside a write
/// are simulated one by one where the store is tested.
@Suite struct PowerCutTests {
    static let moments = [
        "asking the CA what it can do", "fetching the CA's certificates", "making a key", "requesting a certificate",
        "writing to storage",
    ]

    @Test(arguments: Bench.troubledBoards, moments)
    func deviceEnrolsAtItsNextStart(board: BoardKind, moment: String) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                _ = try await Bench.gate.pass {
                    try await device.powerUp(timeLimit: .hang) { running in
                        try await running.line(containing: moment)
                        running.kill()
                    }
                }
                #expect(try await device.enrol().verdict == .done)
                _ = try await device.identity(root: server.authority.trustAnchor.der)
            }
        }
    }
}
