import Foundation
import Testing

@testable import Line

@Suite("Programs that are named are run without a shell")
struct CommandTests {
    private func output(_ command: String, _ values: [String: String]) throws -> String {
        String(decoding: try #require(CommandTemplate(command)).run(values, seconds: 20).output, as: UTF8.self)
    }

    @Test(arguments: ["a b", "$(id)", "`id`", "; id", "'", "\"", "*", "{batch}", "-n", "", "\\", "a\tb"])
    func aValueStaysOneArgument(value: String) throws {
        let values = ["serial": value, "batch": "B"]
        #expect(try output("/usr/bin/printf [%s] x{serial}", values) == "[x\(value)]")
        #expect(try output("/usr/bin/printf %s {other}{{batch}{serial}{batch}}", values) == "{other}{B\(value)B}")
    }

    @Test func aRelativePathIsNone() {
        for text in ["", " ", "echo", "./echo", "~/echo"] { #expect(CommandTemplate(text) == nil) }
    }

    @Test func aProgramThatDoesNotEndIsEnded() throws {
        let result = try #require(CommandTemplate("/bin/sleep 600")).run([:], seconds: 0.2)
        #expect(result.isLate)
    }

    @Test func aProgramThatFloodsIsEnded() throws {
        let result = try #require(CommandTemplate("/usr/bin/yes")).run([:], seconds: 60, limit: 1_000)
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
        let command = ChallengeCommand(try #require(CommandTemplate("/usr/bin/\(arguments)")))
        #expect(try command.fetch([:]) == password)
    }

    @Test(arguments: ["/bin/true", "/bin/false", "/nonexistent", "/usr/bin/printf a\\tb", "/usr/bin/printf \\377"])
    func whatGivesNoPasswordFails(command: String) throws {
        let error = #expect(throws: CommandFailure.self) {
            try ChallengeCommand(#require(CommandTemplate(command))).fetch([:])
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
