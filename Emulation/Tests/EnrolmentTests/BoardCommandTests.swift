import EmulationTestSupport
import Emulator
import Foundation
import LibCrypto
import TestSupport
import Testing

/// The command `enroll`, with a shell script for a device.
@Suite struct BoardCommandTests {
    static let fingerprint = String(repeating: "a5", count: 32)

    /// Runs the command in a checkout whose linux board is `script`.
    func enroll(_ script: String?, _ arguments: [String] = [], budget: String? = nil) async throws
        -> (ending: Ending, lines: [String])
    {
        try await withTemporaryDirectory { project in
            try layOut(script, budget: budget, in: project)
            let command = Program(
                executable: product("enroll"),
                arguments: ["--board", "linux", "--project", project.path] + arguments, folder: project,
                origin: "swift build --product enroll")
            let run = try await command.run(timeLimit: .hang) { try await $0.end() }
            return (run.ending, run.lines.map(\.text))
        }
    }

    /// A checkout whose linux board is `script`; it has folders for sources, and nothing in them.
    func layOut(_ script: String?, budget: String? = nil, in project: URL) throws {
        let image = BoardKind.linux.image.location(in: project)
        let manager = FileManager.default
        for folder in BoardKind.linux.image.sources.map({ project.appending(path: $0) })
            + [image.deletingLastPathComponent()]
        {
            try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        if let budget { try Data(budget.utf8).write(to: project.appending(path: "Boards/linux/board")) }
        try Self.identity.get().write(to: image.deletingLastPathComponent().appending(path: "identity"))
        if let script {
            let contents = Data("#!/bin/sh\nset -e\n\(script)".utf8)
            try #require(
                manager.createFile(atPath: image.path, contents: contents, attributes: [.posixPermissions: 0o755]))
        }
    }

    static let outside = ["--url", "http://127.0.0.1:9/", "--fingerprint", fingerprint]

    /// What an enrolment leaves in a flash: a key, its certificate, and the CA's.
    static let identity = Result {
        try withTemporaryDirectory { folder in
            func run(_ arguments: String, input: String = "") throws -> [UInt8] {
                let words = arguments.split(separator: " ").map {
                    $0.hasPrefix("@") ? folder.path + "/" + $0.dropFirst() : String($0)
                }
                return try TestSupport.OpenSSL.run(words, input: Array(input.utf8))
            }
            _ = try run("req -x509 -newkey rsa:2048 -nodes -keyout @ca.key -out @ca.pem -days 3 -subj /CN=ca")
            _ = try run("req -newkey rsa:2048 -nodes -keyout @key -out @request -subj /CN=sensor")
            let certificate = try run(
                "x509 -req -in @request -CA @ca.pem -CAkey @ca.key -set_serial 5 -days 2 -outform DER -extfile /dev/stdin",
                input: "subjectAltName=DNS:sensor.example")
            let key = try CompactKey.make(from: run("pkey -in @key -traditional -outform DER")) {
                try Digest.sha256.hash($0)
            }
            return Data(key + certificate + (try run("x509 -in @ca.pem -outform DER")))
        }
    }

    static let enrols = """
        echo making a key
        cat "$(dirname "$0")/identity" >> flash.bin
        echo report flash=100000 ram=30000 messages=3 sent=1000 received=2000 ms=1234
        echo done
        """

    @Test func enrolmentIsShownStepByStepThenTheCertificateThenWhatItTook() async throws {
        let run = try await enroll(
            Self.enrols, Self.outside + ["--subject", "CN=sensor", "--challenge", "secret-word"],
            budget: "[usual]\nflash=114688\n")
        #expect(run.ending == .exited(0))
        let text = run.lines.joined(separator: "\n")
        for line in [
            "A device enrols itself: linux, a program of this machine", "board   power on", "board   making a key",
            "board   done", "subject      CN=sensor", "issuer       CN=ca", "serial       05", "RSA 2048 bit",
            "DNS:sensor.example", "openssl verify: OK", "100,000 of  114,688 bytes", "14,688 left",
            "3, 1,000 bytes sent, 2,000 received", "1.2 s on the board",
        ] {
            #expect(text.contains(line))
        }
        #expect(!text.contains("report flash"))
        #expect(!text.contains("secret-word"))
        #expect(!text.contains("\u{1B}"), "no colours where there is no terminal")
    }

    @Test(arguments: [
        ("TERM=xterm NO_COLOR=", true), ("TERM=xterm NO_COLOR=1", false), ("TERM=dumb NO_COLOR=", false),
    ])
    func terminalGetsColoursUnlessItWantsNone(environment: String, colours: Bool) async throws {
        try await withTemporaryDirectory { project in
            try layOut(Self.enrols, in: project)
            let words = [product("enroll"), "--board", "linux", "--project", project.path] + Self.outside
            // `script` gives the command a terminal.
            let terminal = Program(
                executable: "/usr/bin/script",
                arguments: ["-qec", "env \(environment) " + words.joined(separator: " "), "/dev/null"],
                folder: project, origin: "Debian's package bsdutils")
            let run = try await terminal.run(timeLimit: .hang) { try await $0.end() }
            #expect(run.lines.contains { $0.text.contains("openssl verify: OK") })
            #expect(run.lines.contains { $0.text.contains("\u{1B}[") } == colours)
        }
    }

    @Test func overBudgetFails() async throws {
        let run = try await enroll(Self.enrols, Self.outside, budget: "[usual]\nflash=99999\nram=30000\n")
        #expect(run.ending == .exited(3))
        #expect(run.lines.contains { $0.contains("OVER by 1") })
        #expect(run.lines.last == "enroll: over its budget (Boards/linux/board): flash")
    }

    @Test(arguments: [
        (
            "echo asking the CA; echo 'report ms=5'; echo 'error refused: nobody answers; is the CA running?'; exit 1",
            1, "the device is without a certificate (refused): nobody answers; is the CA running?"
        ),
        ("echo asking the CA; exit 0", 2, "stopped without a last word"),
        ("sleep 600", 2, "linux wrote nothing within 10.0 s; rebuild its firmware (make linux)"),
        ("echo asking the CA; sleep 600", 2, "linux was not through after 10.0 s"),
        ("echo > flash.bin; echo done", 2, "the device's flash holds no private key"),
    ])
    func failureSaysWhatHappenedAndWhatToDo(script: String, code: Int, text: String) async throws {
        let run = try await enroll(script, Self.outside + ["--time-limit", "10"])
        #expect(run.ending == .exited(code))
        #expect(run.lines.contains { $0.contains(text) }, "\(run.lines)")
    }

    @Test func missingFirmwareNamesWhatBuildsIt() async throws {
        let run = try await enroll(nil, Self.outside)
        #expect(run.ending == .exited(2))
        #expect(run.lines.count == 1)
        #expect(run.lines.first?.hasSuffix("is missing; build it with: make linux") == true)
    }

    @Test(arguments: [
        (["--url", "http://ca/"], "--url needs --fingerprint"),
        (["--fingerprint", fingerprint], "are those of the CA that --url names"),
        (["--url", "http://ca/", "--fingerprint", "a5"], "SHA-256 has 64 hexadecimal digits"),
        (["--board", "toaster"], "toaster"),
        (["--time-limit", "0"], "above 0"),
        (["--icount", "11"], "from 0 to 10"),
        (["--debugger", "1234"], "gdb starts it itself"),
    ])
    func wrongUseIsExplained(arguments: [String], text: String) async throws {
        let run = try await enroll("echo done", arguments)
        #expect(run.ending != .exited(0))
        #expect(run.lines.contains { $0.contains(text) }, "\(run.lines)")
    }

    /// An emulated board's time is that of its instructions, and is said to be.
    @Test(arguments: Bench.machines.prefix(1))
    func timeOfABoardIsByAModel(board: BoardKind) async throws {
        try await withTemporaryDirectory { folder in
            func milliseconds(_ shift: Int) async throws -> Double {
                let command = Program(
                    executable: product("enroll"),
                    arguments: [
                        "--board", "\(board)", "--project", Bench.project.path, "--key", "p256", "--allow",
                        "no-renewal",
                        "--icount", "\(shift)",
                    ], folder: folder, origin: "swift build --product enroll")
                let run = try await command.run(timeLimit: .hang) { try await $0.end() }
                let row = try #require(
                    run.lines.map(\.text).first { $0.hasPrefix("  time ") }, "\(run.lines.map(\.text))")
                #expect(row.contains(" s on the board, by a model: \(1 << shift) ns an instruction"))
                return try #require(row.split(separator: " ").dropFirst().first.flatMap { Double($0) })
            }
            // No machine is so slow, or so fast, that its own time would do this: more than 100 million instructions.
            let (short, long) = (try await milliseconds(0), try await milliseconds(10))
            #expect(long > short + 60, "\(short) s, then \(long) s")
        }
    }

    /// The command itself, from a real board to a CA that others wrote.
    @Test func realDeviceEnrolsWithAnOutsideCA() async throws {
        guard Bench.boards.contains(.linux) else { return }
        try await withTemporaryDirectory { folder in
            try await SCEPServer.run(in: folder) { server in
                let fingerprint = try Digest.sha256.hash([UInt8](server.root)).hexadecimal
                var command = Program(
                    executable: product("enroll"),
                    arguments: [
                        "--board", "linux", "--project", Bench.project.path, "--challenge", SCEPServer.challenge,
                        "--url", "http://localhost:\(server.port)/scep", "--fingerprint", fingerprint,
                    ], folder: folder, origin: "swift build --product enroll")
                let refused = try await command.run(timeLimit: .hang) { try await $0.end() }
                #expect(refused.ending == .exited(1))
                #expect(refused.lines.last?.text.contains("(weak-") == true)
                command.arguments += ["--allow", "des", "--allow", "sha1", "--keep", folder.path + "/kept"]
                let accepted = try await command.run(timeLimit: .hang) { try await $0.end() }
                #expect(accepted.ending == .exited(0))
                #expect(accepted.lines.contains { $0.text.hasSuffix("openssl verify: OK") })
                #expect(FileManager.default.fileExists(atPath: folder.path + "/kept/flash.bin"))
            }
        }
    }

    @Test func boardGoesWhenTheCommandIsKilled() async throws {
        try await withTemporaryDirectory { folder in
            let pidFile = folder.appending(path: "pid").path
            try layOut("echo $$ > \(pidFile); echo running; exec sleep 601", in: folder)
            let command = Program(
                executable: product("enroll"),
                arguments: ["--board", "linux", "--project", folder.path] + Self.outside,
                folder: folder, origin: "swift build --product enroll")
            let board = try await command.run(timeLimit: .hang) { running in
                try await running.line(containing: "running")
                let text = try String(contentsOfFile: pidFile, encoding: .utf8)
                return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            }.value
            // The command's own group was killed; the board was in another one.
            #expect(try await isGone(board))
        }
    }
}

/// Whether the process has gone, or goes within ten seconds.
func isGone(_ process: Int32) async throws -> Bool {
    for _ in 0..<1000 {
        let state = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        if state.isEmpty || state.contains(") Z ") { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}
