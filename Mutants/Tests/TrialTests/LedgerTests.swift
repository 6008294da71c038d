import Foundation
import Testing

@testable import Trial

@Suite struct LedgerTests {
    @Test func aRunGoesOnWhereItWasEnded() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("fates/one")
            let first = try Ledger(file: file)
            try first.note(7, .survived)
            try first.note(8, .hung)
            let second = try Ledger(file: file)
            #expect(second.fate(of: 7) == .survived && second.fate(of: 8) == .hung && second.fate(of: 9) == nil)
        }
    }
}

/// What stands between the tests and openssl.
@Suite struct MemoTests {
    private static let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".build/debug/openssl-memo").path

    private func ask(_ arguments: [String], in run: String, of folder: URL) throws -> Command.Outcome {
        let answers = folder.appendingPathComponent("answers").path
        let asked = folder.appendingPathComponent(run).path
        for path in [answers, asked] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        return try Command(
            arguments: [Self.program] + arguments, directory: "/",
            environment: ["OPENSSL_MEMO": answers, "OPENSSL_MEMO_RUN": asked]
        ).run()
    }

    @Test func anotherRunGetsTheSameKeysAndOneRunDifferentOnes() throws {
        try withFolder { folder in
            let arguments = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
            let first = try ask(arguments, in: "one", of: folder)
            let second = try ask(arguments, in: "one", of: folder)
            #expect(first.end == .exit(0) && first.output.contains("PRIVATE KEY") && first.output != second.output)
            #expect(try ask(arguments, in: "two", of: folder).output == first.output)
            #expect(try ask(arguments, in: "two", of: folder).output == second.output)
        }
    }

    @Test func filesAreWrittenAgain() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("key").path
            let arguments = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file]
            _ = try ask(arguments, in: "one", of: folder)
            let key = try String(contentsOfFile: file, encoding: .utf8)
            try FileManager.default.removeItem(atPath: file)
            _ = try ask(arguments, in: "two", of: folder)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == key && key.contains("PRIVATE KEY"))
        }
    }

    @Test func aRefusalIsRemembered() throws {
        try withFolder { folder in
            for run in ["one", "two"] {
                let outcome = try ask(["x509", "-noout"], in: run, of: folder)
                #expect(outcome.end == .exit(1) && outcome.output.contains("certificate"))
            }
        }
    }
}

private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mutants-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
}
