import Foundation
import TestSupport
import Testing

@testable import Line

@Suite("Programs that are named are run without a shell")
struct CommandTests {
    private func output(_ command: String, _ values: [String: String]) throws -> String {
        String(
            decoding: try CommandTemplate(command, known: ["serial", "batch", "label"]).run(values, seconds: 20).output,
            as: UTF8.self)
    }

    @Test(arguments: ["a b", "$(id)", "`id`", "; id", "'", "\"", "*", "{batch}", "-n", "", "\\", "a\tb"])
    func aValueStaysOneArgument(value: String) throws {
        let values = ["serial": value, "batch": "B"]
        #expect(try output("/usr/bin/printf [%s] x{serial}", values) == "[x\(value)]")
        #expect(try output("/usr/bin/printf %s {label}{{{batch}{serial}{batch}}}", values) == "{B\(value)B}")
    }

    @Test func aRelativePathIsNone() {
        for text in ["", " ", "echo", "./echo", "~/echo"] {
            #expect(throws: CommandTemplate.Fault.notAbsolute) { try CommandTemplate(text, known: []) }
        }
        #expect(throws: CommandTemplate.Fault.notAbsolute) { try CommandTemplate("/bin/{serial}", known: ["serial"]) }
    }

    @Test func whatNothingIsPutInForIsRefused() throws {
        #expect(throws: CommandTemplate.Fault.unknown("seriel", known: ["serial", "x-…"])) {
            try CommandTemplate("/bin/x {seriel}", known: ["serial", "x-…"])
        }
        #expect(throws: CommandTemplate.Fault.unknown("x-lot", known: ["serial"])) {
            try CommandTemplate("/bin/x {x-lot}", known: ["serial"])
        }
        for word in ["{serial", "serial}", "{}", "{a{b}"] {
            #expect(throws: CommandTemplate.Fault.brace(word)) {
                try CommandTemplate("/bin/x \(word)", known: ["serial"])
            }
        }
        _ = try CommandTemplate("/bin/x {x-lot} {{print}}", known: ["serial", "x-…"])
    }

    /// Its lines come whole, with nothing in them that a terminal obeys, and not without end.
    @Test func whatItComplainsOfIsToldWithinBounds() throws {
        func complaints(_ text: String) throws -> [String] {
            try withTemporaryDirectory { folder in
                let file = try folder.write([UInt8](text.utf8), to: "text")
                let script = try folder.write([UInt8]("#!/bin/sh\nprintf out; cat \(file) >&2\n".utf8), to: "complain")
                try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
                let result = try CommandTemplate(script, known: []).run([:], seconds: 60)
                #expect(String(decoding: result.output, as: UTF8.self) == "out" && result.status == 0)
                return result.complaints
            }
        }
        #expect(try complaints("") == [])
        #expect(try complaints("jam\r\n\npaper \u{1B}[31mout\u{202E}") == ["jam", "paper \\u{1b}[31mout\\u{202e}"])
        let many = try complaints(String(repeating: "x\n", count: 200_000))
        #expect(many == Array(repeating: "x", count: 8) + ["…"])
        let long = try complaints(String(repeating: "x", count: 200_000))
        #expect(long.count == 2 && long[0].count == 200)
    }

    /// A hook that starts a daemon: that one keeps the pipe open for as long as it lives.
    @Test func whatAProgramLeavesBehindKeepsNobodyWaiting() throws {
        try withTemporaryDirectory { folder in
            let script = try folder.write(
                [UInt8]("#!/bin/sh\nsleep 600 & echo $!; echo said >&2\n".utf8), to: "daemon")
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
            let result = try CommandTemplate(script, known: []).run([:], seconds: 300)
            #expect(result.status == 0 && !result.isLate && result.complaints == ["said"])
            let number = String(decoding: result.output, as: UTF8.self).trimmingCharacters(in: .newlines)
            kill(try #require(Int32(number)), SIGKILL)
        }
    }

    @Test func aPasswordThatIsComplainedOfIsNotTold() throws {
        try withTemporaryDirectory { folder in
            let script = try folder.write([UInt8]("#!/bin/sh -x\necho s3cret\necho no ink >&2\n".utf8), to: "otp")
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
            var told: [String] = []
            let command = ChallengeCommand(try CommandTemplate(script, known: []))
            #expect(try command.fetch([:]) { told.append($0) } == "s3cret")
            #expect(!told.joined().contains("s3cret") && told.contains("the challenge-command says: no ink"))
        }
    }

    @Test func aProgramThatDoesNotEndIsEnded() throws {
        let result = try CommandTemplate("/bin/sleep 600", known: []).run([:], seconds: 0.2)
        #expect(result.isLate)
    }

    @Test func aProgramThatFloodsIsEnded() throws {
        let result = try CommandTemplate("/usr/bin/yes", known: []).run([:], seconds: 60, limit: 1_000)
        #expect(!result.isLate && result.output.count >= 1_000 && result.output.count < 100_000)
    }

    @Test func itsPasswordsForTheDatabaseStayHere() throws {
        setenv("PGPASSWORD", "s3cret", 1)
        defer { unsetenv("PGPASSWORD") }
        #expect(try !output("/usr/bin/env", [:]).contains("s3cret"))
    }

    @Test(arguments: [
        ("printf one\\ntwo", "one"), ("printf crlf\\r\\n", "crlf"), ("printf x", "x"),
    ])
    func thePasswordIsTheFirstLine(arguments: String, password: String) throws {
        let command = ChallengeCommand(try CommandTemplate("/usr/bin/\(arguments)", known: []))
        #expect(try command.fetch([:]) { _ in } == password)
    }

    @Test(arguments: ["/bin/true", "/bin/false", "/nonexistent", "/usr/bin/printf a\\tb", "/usr/bin/printf \\377"])
    func whatGivesNoPasswordFails(command: String) throws {
        let error = #expect(throws: CommandFailure.self) {
            try ChallengeCommand(CommandTemplate(command, known: [])).fetch([:]) { _ in }
        }
        #expect(error?.cause.kind == "challenge-command")
    }

    @Test(
        arguments: [
            (
                "event operation=- outcome=current fingerprint=\(String(repeating: "Ab", count: 32))",
                String(repeating: "ab", count: 32)
            ),
            (
                "12:00 event operation=PKCSReq outcome=issued subject=\"CN=a fingerprint=x,O=b\" fingerprint=\(String(repeating: "01", count: 32))\r",
                String(repeating: "01", count: 32)
            ),
            ("event operation=- outcome=current", nil), ("event operation=- fingerprint=xyz", nil), ("event", nil),
            ("", nil),
            (
                "event operation=- fingerprint=\(String(repeating: "01", count: 32)) fingerprint=\(String(repeating: "02", count: 32))",
                nil
            ),
            ("error x: fingerprint=\(String(repeating: "01", count: 32))", nil),
        ] as [(String, String?)])
    func eventLines(line: String, fingerprint: String?) {
        #expect(EventLine(line)?.fingerprint == fingerprint)
    }

    @Test func aConsolesLastLine() {
        #expect(ConsoleError("error not-trusted: no; do") == ConsoleError("error not-trusted:   no; do"))
        #expect(ConsoleError("error not-trusted: no")?.kind == "not-trusted")
        for line in ["done", "error", "error : x", "error Kind: x", "error a b: x"] {
            #expect(ConsoleError(line) == nil)
        }
    }
}
