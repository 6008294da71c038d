import Foundation
import TestSupport
import Testing

@testable import Gateway
@testable import InspectionSupport
@testable import Output

/// The program from its command line to its exit code, each time in a process of its own.
@Suite struct GatewayProgramTests {
    struct Outcome {
        var output = ""
        var errors = ""
    }

    /// Calls what C's `main` calls.
    private static func start(_ line: [String]) -> Int32 {
        var arguments = (["scep"] + line).map { strdup($0) }
        let count = Int32(arguments.count)
        arguments.append(nil)
        return arguments.withUnsafeMutableBufferPointer { run(count, $0.baseAddress) }
    }

    /// - Parameters:
    ///   - code: the exit code, or a signal below zero.
    ///   - sink: a file that standard output goes to; empty: what is written there is given back.
    ///   - terminal: likewise for standard error.
    func scep(
        _ line: [String], exits code: Int32, onto sink: String = "", terminal: String = "",
        environment: [String: String] = [:]
    ) async -> Outcome {
        let result = await #expect(
            processExitsWith: code < 0 ? .signal(-code) : .exitCode(code),
            observing: [\.standardOutputContent, \.standardErrorContent]
        ) { [line, sink, terminal, environment] in
            Self.closePipes()
            for descriptor in [STDOUT_FILENO, STDERR_FILENO] { write(descriptor, Self.mark, 6) }
            if !sink.isEmpty { dup2(open(sink, O_WRONLY), STDOUT_FILENO) }
            if !terminal.isEmpty { dup2(open(terminal, O_RDWR | O_NOCTTY), STDERR_FILENO) }
            for name in ["JOURNAL_STREAM", "NO_COLOR", "TERM"] { unsetenv(name) }
            for (name, value) in environment { setenv(name, value, 1) }
            exit(Self.start(line))
        }
        return Outcome(
            output: said(result?.standardOutputContent ?? []), errors: said(result?.standardErrorContent ?? []))
    }

    /// What stands first on both streams: of one on which nothing is written, Swift Testing gives bytes of its own.
    private static let mark = "begin\n"

    /// Pipes of other tests' that were open when this process was made: they would wait for their end. Swift Testing's own
    /// stays.
    private static func closePipes() {
        let own = getenv("SWT_BACKCHANNEL").map { String(cString: $0) }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] where name != own {
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO,
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)"),
                target.hasPrefix("pipe:")
            else { continue }
            close(descriptor)
        }
    }

    private func said(_ stream: [UInt8]) -> String {
        let text = String(decoding: stream, as: UTF8.self)
        return text.range(of: Self.mark).map { String(text[$0.upperBound...]) } ?? "?"
    }

    private func text(_ bytes: Text) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func helpIsGivenToWhoeverAsks() async {
        let overview = text(Help.overview())
        for line in [["--help"], ["-h"], ["help"], ["help", "nonsense"]] {
            let said = await scep(line, exits: 0)
            #expect(said.output == overview && said.errors.isEmpty, "\(line)")
        }
        let none = await scep([], exits: 1)
        #expect(none.errors == overview && none.output.isEmpty)
        for line in [["help", "status"], ["status", "--help"], ["status", "-hq"]] {
            let said = await scep(line, exits: 0)
            #expect(said.output == text(Help.of(.status)) && said.errors.isEmpty, "\(line)")
        }
        for line in [["--version"], ["-V"], ["version"]] {
            let said = await scep(line, exits: 0)
            #expect(said.output == text(Version.line) && said.errors.isEmpty, "\(line)")
        }
        let described = await scep(["self-describe"], exits: 0)
        #expect(described.output == text(Help.description()))
    }

    @Test func whatCannotBeDoneIsSaid() async throws {
        let unknown = await scep(["non\u{1B}sense"], exits: 1)
        #expect(unknown.errors == "scep: error: there is no command 'non\\1Bsense'; see: scep --help\n")
        #expect(unknown.output.isEmpty)
        let operand = await scep(["status", "extra"], exits: 1)
        #expect(operand.errors == "scep: error: 'extra' is one word too many; see: scep status --help\n")
        for letter in ["--json", "-j"] {
            let option = await scep(["caps", letter, "--bogus"], exits: 1)
            #expect(option.errors.hasPrefix("scep: error: there is no option --bogus of caps"))
            let document = Found(value: try JSONSerialization.jsonObject(with: Data(option.output.utf8)))
            #expect(document["error"]["kind"].text == "bad-option" && document["error"]["exitCode"].number == 1)
            #expect(option.errors == "scep: error: \(document["error"]["message"].text ?? "")\n")
        }
        let letters = await scep(["status", "-qj", "extra"], exits: 1)
        #expect(letters.output.contains("\"bad-operand\"") && letters.errors == operand.errors)
        let absent = await scep(["status", "--config", "/absent"], exits: 6)
        #expect(absent.errors == "scep: error: /absent: cannot be read: No such file or directory\n")
    }

    @Test func theConfigurationIsRead() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "scep-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = try folder.write(
            Array("json = yes\ndirectory = \(folder.path)/identity\n".utf8), to: "scep.conf")
        let status = await scep(["status", "--config", configuration], exits: 5)
        let document = Found(value: try JSONSerialization.jsonObject(with: Data(status.output.utf8)))
        #expect(document["error"]["kind"].text == "no-identity" && document["error"]["exitCode"].number == 5)
        let words = "\(folder.path)/identity: there is nothing here yet; scep enroll begins"
        #expect(status.errors == "scep: error: \(words)\n")
        let file = try folder.write(Array("AES\nSHA-256\nPOSTPKIOperation\n".utf8), to: "caps")
        let inspected = await scep(["inspect", file, "-f", configuration], exits: 0)
        let found = Found(value: try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)))
        #expect(found["files"][0]["file"].text == file && found["summary"]["pass"].number == 1)
        #expect(inspected.errors.isEmpty)
        let weak = try folder.write(Array("DES3\n".utf8), to: "weak")
        let refused = await scep(["inspect", weak], exits: 3)
        #expect(refused.output.hasPrefix("files:\n  - file: \(weak)\n") && refused.errors.isEmpty)
        // It has its size, and no more.
        for (size, code) in [(65_536, Int32(0)), (65_537, 6)] {
            let text = "json = yes\n" + String(repeating: "#", count: size - 11)
            let large = try folder.write(Array(text.utf8), to: "large")
            let said = await scep(["inspect", file, "-f", large], exits: code)
            #expect(said.errors.contains("is larger than the 65536 bytes") == (code != 0))
        }
        // A file may have a command's name.
        for word in ["caps", "help"] {
            let named = await scep(["inspect", word, "-f", configuration], exits: 6)
            #expect(named.errors.contains("\(word): cannot be read"))
        }
        let bad = try folder.write(Array("json = maybe\n".utf8), to: "bad")
        let wrong = await scep(["status", "-f", bad], exits: 1)
        #expect(wrong.errors == "scep: error: \(bad):1:8: 'json' is yes or no\n" && wrong.output.isEmpty)
    }
}
