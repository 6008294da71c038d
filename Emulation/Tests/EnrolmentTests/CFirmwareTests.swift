import Authority
import AuthorityServer
import EmulationTestSupport
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// The examples of firmware in C, which use the library as a team gets it.
@Suite struct CFirmwareTests {
    /// The board that they are for: the one whose processor is theirs.
    private static let board = Bench.machines.first { $0.title.contains("Cortex-M3,") }

    private static func image(_ example: String) -> BuildProduct {
        BuildProduct(
            "Examples/\(example)/.build/cortex-m3-soft/firmware.elf",
            from: ["Examples/bare-metal", "Examples/\(example)", "Toolchain/c-library", "Toolchain/sources"],
            by: "make c-firmware")
    }

    /// Runs one device with one flash as often as `body` likes.
    private static func withDevice(
        _ example: String, key: String,
        _ body: (AuthorityServer, Device, () async throws -> Outcome) async throws -> Void
    ) async throws {
        let board = try #require(board)
        try await Bench.withAuthority { server in
            try await withTemporaryDirectory { folder in
                let device = Device(board: board, image: try image(example).file(in: Bench.project), folder: folder)
                var record = try Bench.record(board, for: server)
                record.key = key
                record.others["challenge-use"] = "always"
                try device.manufacture(record)
                try await body(server, device) {
                    try await Bench.gate.pass { try await device.runToEnd(timeLimit: .hang) }
                }
            }
        }
    }

    /// A blank device gets a certificate that openssl takes, keeps it, and does not ask twice.
    @Test(arguments: ["bare-metal", "freertos"], ["p256", "rsa2048"])
    func enrolsOnce(example: String, key: String) async throws {
        try await Self.withDevice(example, key: key) { server, device, run in
            for _ in 0..<2 {
                let outcome = try await run()
                #expect(outcome.verdict == .done, "\(outcome.lines.map(\.text))")
                #expect(!outcome.lines.contains { $0.text.contains(Bench.password) })
                if let stack = outcome.report?[.stack] {
                    print("c-firmware: \(example) took \(stack) bytes of stack, \(key)")
                }
            }
            let identity = try await device.identity(root: server.authority.trustAnchor.der)
            let issued = server.authority.issuedCertificates()
            try #require(issued.count == 1)
            let known = try #require(try server.authority.issuedCertificate(serial: issued[0].serial))
            #expect(Data(known.der) == identity.certificate)
        }
    }

    /// On FreeRTOS the task `scep` keeps to the stack that a team is told to give it, and the application's goes on all the while a
    /// key is made: every 10 ms it has its turn.
    @Test(arguments: ["p256", "rsa2048"])
    func theApplicationRunsMeanwhile(key: String) async throws {
        try await Self.withDevice("freertos", key: key) { _, _, run in
            let outcome = try await run()
            #expect(outcome.verdict == .done)
            let stack = try #require(outcome.report?[.stack])
            print("c-firmware: the task scep took \(stack) of 8192 bytes of stack, \(key)")
            #expect(1_024...8_192 ~= stack)

            let lines = outcome.lines.map(\.text)
            let said = lines.enumerated().compactMap { number, line in
                Application(line).map { (line: number, turns: $0.turns, milliseconds: $0.milliseconds) }
            }
            #expect(said.allSatisfy { $0.milliseconds / 10 - $0.turns <= 2 }, "\(said)")
            guard key == "rsa2048" else { return }
            let begin = try #require(lines.firstIndex(of: "making a key: RSA-2048"))
            let end = try #require(lines[begin...].firstIndex(of: "writing to storage"))
            #expect(said.contains { begin..<end ~= $0.line }, "\(lines)")
        }
    }

    /// `application turns=20 ms=201`
    private struct Application {
        let turns: Int
        let milliseconds: Int

        init?(_ line: String) {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "application",
                let turns = Int(words[1].dropFirst("turns=".count)), let time = Int(words[2].dropFirst("ms=".count))
            else { return nil }
            (self.turns, milliseconds) = (turns, time)
        }
    }

    /// A device that the factory forgot says so, and one whose CA is away what it is to do.
    @Test(arguments: ["bare-metal", "freertos"])
    func saysWhatIsWrong(example: String) async throws {
        try await Self.withDevice(example, key: "p256") { server, device, run in
            await server.stop()
            guard case .failed("connection-refused", _) = try await run().verdict else {
                Issue.record("there was no server")
                return
            }
            try Data(repeating: 0xFF, count: 65_536).write(to: device.flash)
            guard case .failed("not-provisioned", _) = try await run().verdict else {
                Issue.record("there was no record")
                return
            }
        }
    }
}
