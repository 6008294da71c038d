import Foundation
import LinuxBoard
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// Whole sentences of what cannot be done: what it is about, what is wrong, and what to do.
@Suite struct SentenceTests {
    private func sentence(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch let failure as Failure {
            return String(decoding: failure.message, as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }

    private func settings(_ line: String..., of command: Command = .enroll) throws -> Settings {
        try CommandLine(command, line.map { Array($0.utf8) }).settings
    }

    private func configured(_ text: String) throws -> Settings {
        var settings = Settings()
        settings.file = Text("scep.conf")
        try ConfigurationFile.read(Array(text.utf8), into: &settings)
        return settings
    }

    @Test func whatIsMissing() throws {
        let url = "of the CA's SCEP service: http://ca.example/scep, or https"
        #expect(
            sentence { _ = try Settings().required(.url) }
                == "--url is missing (\(url)): give it, or set url in /etc/scep/scep.conf")
        #expect(
            sentence { _ = try configured("json = yes").required(.url) }
                == "--url is missing (\(url)): give it, or set url in scep.conf")
        #expect(
            sentence { _ = try Settings().required(.output) }
                == "--output is missing (save what came, in PEM; - is standard output): give it")
    }

    @Test func whatCannotBe() throws {
        let time = "for one exchange with the CA: 1 to 600"
        for (value, reason) in [
            ("0", ""), ("601", ""), ("", ""), ("9999999999999999999999", ""), ("1x", ": it is no number"),
            ("-1", ": it is no number"), ("1:", ": it is no number"), ("1/", ": it is no number"),
        ] {
            let line = try settings("--timeout", value)
            #expect(
                sentence { _ = try line.number(.timeout, 1...600) }
                    == "--timeout cannot be '\(value)' (\(time))\(reason)")
        }
        let file = try configured("\n timeout =  90 # seconds")
        #expect(
            sentence { _ = try file.number(.timeout, 1...600) }
                == "scep.conf:2:13: timeout cannot be '90 # seconds' (\(time)): it is no number; a # behind a value is part of it"
        )
        for value in ["1", "0001", "90", "600"] {
            #expect(try settings("--timeout", value).number(.timeout, 1...600) == Int(value))
        }
        // What is not set is what the help says.
        #expect(try Settings().number(.timeout, 1...600) == 90 && Settings().number(.hookTimeout, 1...3600) == 60)
        #expect(try Settings().number(.minDays, 0...10_000) == 0)
    }

    @Test func whatStandsInTheConfiguration() {
        for (text, due) in [
            ("url", "scep.conf:1:1: 'url' has no =; a line is: name = value"),
            ("\n\n  ulr = x", "scep.conf:3:3: there is no such word: 'ulr'; scep.conf(5) lists them"),
            ("help = yes", "scep.conf:1:1: 'help' belongs on the command line alone: it is for one run"),
            ("url = \t", "scep.conf:1:1: 'url' has no value; take the line out, or put # before it"),
            ("url =", "scep.conf:1:1: 'url' has no value; take the line out, or put # before it"),
            ("=", "scep.conf:1:1: there is no such word: ''; scep.conf(5) lists them"),
            ("json = maybe", "scep.conf:1:8: 'json' is yes or no"),
            ("url=a\nurl=b", "scep.conf:2:1: 'url' is set above already; take one of the lines out"),
        ] {
            #expect(sentence { _ = try configured(text) } == due)
        }
        for text in ["", "\n", "#", "  # url", "\r\n\t\r\n"] { #expect(sentence { _ = try configured(text) } == "") }
    }

    @Test func whatStandsOnTheCommandLine() {
        for (words, due) in [
            (["--key"], "--key needs a value of enroll; see: scep enroll --help"),
            (["--json=yes"], "--json takes no value of enroll; see: scep enroll --help"),
            (["-qk", "p256", "--key", "p384"], "--key is there twice"),
            (["-x"], "there is no option -x of enroll; see: scep enroll --help"),
            (
                ["--output", "x"],
                "there is no option --output of enroll; it is one of ca, cert, crl, next-ca; see: scep enroll --help"
            ),
            (["--subjec", "x"], "there is no option --subjec of enroll; there is --subject; see: scep enroll --help"),
        ] {
            #expect(sentence { _ = try CommandLine(.enroll, words.map { Array($0.utf8) }) } == due)
        }
    }

    @Test func whatFilesHold() throws {
        try withTemporaryDirectory { directory in
            func file(_ bytes: [UInt8], mode: Int = 0o600) throws -> [UInt8] {
                try directory.writePrivate(bytes, to: "a file", mode: mode)
            }
            let path = directory.path + "/a file"
            for (bytes, mode, due) in [
                ([], 0o600, ": the first line of this secret is empty"),
                ([0xFE, 0xFF, 0, 0x61], 0o600, ": this is UTF-16, or no text at all; save it as UTF-8"),
                (
                    [0x61], 0o644,
                    ": others may read or change this secret; let it belong to this user, and run: chmod 600 \(path)"
                ),
            ] as [([UInt8], Int, String)] {
                let name = try file(bytes, mode: mode)
                #expect(sentence { _ = try InputFile.readSecret(name) } == path + due)
            }
            let name = try file(Array("secret".utf8))
            let proxy = try settings("--proxy", "http://127.0.0.1:1", "--proxy-password-file", path)
            #expect(String(decoding: name, as: UTF8.self) == path)
            #expect(
                sentence { _ = try GatewayTransport(proxy, clock: SystemClock()) }
                    == "\(path): a proxy is told user:password, at most 255 bytes")
        }
    }

    /// What a command has by default stands back behind what is set.
    @Test func aDefaultStandsBack() throws {
        var given = try settings("--subject", "CN=x")
        given.setDefault(.subject, "CN=-")
        #expect(given[.subject] == Text("CN=x"))
        var none = Settings()
        none.setDefault(.subject, "CN=-")
        #expect(none[.subject] == Text("CN=-"))
    }
}
