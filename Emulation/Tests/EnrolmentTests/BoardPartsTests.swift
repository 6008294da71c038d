import AuthorityServer
import Emulator
import Foundation
import Testing

/// The parts that not every board has.
@Suite struct BoardPartsTests {
    /// What a random generator gives in place of chance.
    enum Source: CaseIterable {
        case zeros
        /// It stays there, and is silent. The end of a file, as of /dev/null, has QEMU read for ever.
        case nothing
    }

    @Test(arguments: Bench.machines.filter(\.hasEntropy), Source.allCases)
    func randomGeneratorThatFailsMakesNoKey(board: BoardKind, source: Source) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                let before = try device.readFlash()
                var path = "/dev/zero"
                var pipe: FileHandle?
                if source == .nothing {
                    path = device.folder.appending(path: "silence").path
                    try #require(mkfifo(path, 0o600) == 0)
                    // Held open at both ends.
                    pipe = FileHandle(forUpdatingAtPath: path)
                    try #require(pipe != nil)
                }
                let outcome = try await device.enrol(options: BootOptions(entropy: path))
                try pipe?.close()
                guard case .failed("no-entropy", _) = outcome.verdict else {
                    Issue.record("it went on: \(outcome.lines.map(\.text))")
                    return
                }
                #expect(try device.readFlash() == before)
                #expect(server.authority.issuedCertificates().isEmpty)
                // None the worse.
                #expect(try await device.enrol().verdict == .done)
            }
        }
    }

    /// A clock that was never set is as good as none: the device asks its CA. One that runs on says at once that a renewal is due.
    @Test(arguments: Bench.machines.filter(\.hasClock))
    func clockTellsTheTimeUnlessItWasNeverSet(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                record.key = "p256"
                record.others["challenge-use"] = "always"
                try device.manufacture(record)
                #expect(try await device.enrol().verdict == .done)
                let set = try await device.enrol()
                #expect(set.verdict == .done && set.report?[.messages] == 0)
                let unset = try await device.enrol(options: BootOptions(clock: Date(timeIntervalSince1970: 5)))
                #expect(unset.verdict == .done && unset.report?[.messages] == 1)
                let later = Date(timeIntervalSinceNow: 25 * 86_400)
                server.authority.moveClock(by: 25 * 86_400)
                let renewal = try await device.enrol(options: BootOptions(clock: later))
                #expect(
                    renewal.outcomes.contains("operation=RenewalReq outcome=issued"), "\(renewal.lines.map(\.text))")
            }
        }
    }
}
