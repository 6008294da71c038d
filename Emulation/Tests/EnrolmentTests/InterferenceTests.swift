import Authority
import AuthorityServer
import Emulator
import FaultProxy
import Foundation
import Interference
import Synchronization
import Testing

/// Somebody between a whole board and its CA, over real sockets. Every cut and every flipped bit are tried in process
/// (`make interfere`); here it is seen that boards end in time and are none the worse.
@Suite struct InterferenceTests {
    /// For one exchange, in seconds.
    static let timeout = 2

    static let slow: [Interference] = [.stalled(0), .stalled(100), .stalled(700), .delayed(20), .trickled]
    static let quick: [Interference] = [
        .requestLost, .cut(0), .cut(100), .cut(700), .broken(0), .broken(700), .flipped(8 * 400), .flipped(8 * 700 + 3),
        .replayed(.reordered),
    ]
    /// On the emulated board, of every kind one.
    static let some: Set<String> = [
        "html", "empty", "status-400", "endless-body", "endless-fields", "endless-chunks", "gigabytes",
        "content-length-2-63", "der-length-2-31", "der-length-2-63", "deep-nesting",
    ]

    static func interferences(_ board: BoardKind) -> [Interference] {
        guard board.isMachine else { return slow + quick + Forgery.all.map(Interference.forged) }
        return [.stalled(100), .trickled, .cut(700), .flipped(8 * 700 + 3)]
            + Forgery.all.filter { some.contains($0.name) }.map(Interference.forged)
    }

    @Test(arguments: Bench.troubledBoards, [CAOperation.getCACert, .pkiOperation])
    func boardEndsInTimeAndNoneTheWorse(board: BoardKind, operation: CAOperation) async throws {
        try await Bench.withAuthority { server in
            let now = Mutex<Interference?>(nil)
            let proxy = try FaultProxy(upstream: server.port) { request in
                request.operation == operation ? now.withLock { $0 } : nil
            }
            defer { proxy.stop() }
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, port: proxy.port, root: server.authority.trustAnchor.der)
                record.timeout = Self.timeout
                record.key = "p256"
                record.others["challenge-use"] = "always"
                try device.manufacture(record)
                for interference in Self.interferences(board) {
                    now.withLock { $0 = interference }
                    let outcome = try await device.enrol()
                    guard case .failed = outcome.verdict else {
                        Issue.record("\(interference): the device says that it is done")
                        continue
                    }
                    // The board's own clock; a key is made once, and two exchanges of three are as fast as they are.
                    let milliseconds = try #require(outcome.report?[.milliseconds])
                    #expect(milliseconds < 1000 * (3 * Self.timeout + 20), "\(interference): \(milliseconds) ms")
                    await device.expectNoIdentity()
                }
                now.withLock { $0 = nil }
                #expect(try await device.enrol().verdict == .done)
                _ = try await device.identity(root: server.authority.trustAnchor.der)
                // However often it was asked, the CA issued one certificate.
                #expect(server.authority.issuedCertificates().count == 1)
            }
        }
    }
}
