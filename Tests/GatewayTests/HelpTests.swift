import Foundation
import Testing

@testable import Gateway
@testable import Output

/// The interface as `--help` and the manual pages have it.
@Suite struct HelpTests {
    private static let commands = "caps ca enroll renew poll cancel cert crl next-ca status inspect agent"
    private static let online = "caps,ca,enroll,renew,poll,cert,crl,next-ca,agent"
    private static let identity = "enroll,renew,poll,cancel,cert,crl,next-ca,status,agent"
    private static let requesting = "enroll,renew,poll,agent"
    private static let all = commands.replacing(" ", with: ",")
    private static let saving = "ca,cert,crl,next-ca"

    /// Each option: its letter, what stands for its value, the commands that take it, whether the configuration has it,
    /// and what it is when it is not set.
    private static let options:
        [(name: String, letter: String, value: String, of: String, file: String, standard: String)] = [
            ("url", "u", "URL", online, "yes", "-"), ("message", "i", "TEXT", online, "yes", "-"),
            ("fingerprint", "F", "HEX", "caps,ca,enroll,renew,poll,cert,crl,next-ca,inspect,agent", "yes", "-"),
            ("subject", "s", "NAME", requesting, "yes", "-"), ("san", "-", "NAMES", requesting, "yes", "-"),
            ("key-usage", "-", "WORDS", requesting, "yes", "-"),
            ("extended-key-usage", "-", "WORDS", requesting, "yes", "-"),
            ("template", "-", "NAME", requesting, "yes", "-"),
            ("key", "k", "KIND", "ca,enroll,renew,poll,agent", "yes", "rsa2048"),
            ("challenge-use", "-", "WORD", identity, "yes", "once"),
            ("allow", "-", "WORDS", "caps,ca,enroll,renew,poll,cert,crl,next-ca,inspect,agent", "yes", "-"),
            ("renew", "-", "PERCENT", identity, "yes", "two thirds"), ("jitter", "-", "PERCENT", identity, "yes", "5"),
            ("renewal-key", "-", "WORD", identity, "yes", "new"),
            ("renewal-type", "-", "WORD", identity, "yes", "auto"),
            ("check", "-", "WORDS", "agent", "yes", "-"), ("check-interval", "-", "SECONDS", "agent", "yes", "86400"),
            ("poll", "-", "SECONDS", "agent", "yes", "60"), ("poll-cap", "-", "SECONDS", "agent", "yes", "3600"),
            ("polls", "-", "NUMBER", "agent", "yes", "10000"), ("retry", "-", "SECONDS", "agent", "yes", "10"),
            ("retry-cap", "-", "SECONDS", "agent", "yes", "3600"), ("retries", "-", "NUMBER", "agent", "yes", "5"),
            ("timeout", "t", "SECONDS", online, "yes", "90"),
            ("directory", "d", "FOLDER", identity, "yes", "/var/lib/scep"),
            (
                "challenge-file", "c", "FILE", "enroll,renew,poll,cancel,cert,crl,next-ca,status,inspect,agent", "yes",
                "-"
            ),
            ("existing-key", "-", "FILE", "enroll,renew,poll,inspect,agent", "yes", "-"),
            (
                "key-passphrase-file", "-", "FILE", "enroll,renew,poll,cancel,cert,crl,next-ca,status,inspect,agent",
                "yes", "-"
            ),
            ("hook", "-", "PROGRAM", identity, "yes", "-"), ("hook-timeout", "-", "SECONDS", identity, "yes", "60"),
            ("tls-ca", "-", "FILE", online, "yes", "/etc/ssl/certs/ca-certificates.crt"),
            ("tls-pin", "-", "HEX", online, "yes", "-"), ("tls-identity", "-", "-", identity, "yes", "-"),
            ("proxy", "p", "URL", online, "yes", "-"), ("proxy-password-file", "-", "FILE", online, "yes", "-"),
            ("pkcs11-module", "-", "FILE", identity, "yes", "-"), ("pkcs11-token", "-", "LABEL", identity, "yes", "-"),
            ("pkcs11-label", "-", "LABEL", identity, "yes", "scep"),
            ("pkcs11-pin-file", "-", "FILE", identity, "yes", "-"), ("json", "j", "-", all, "yes", "-"),
            ("verbose", "v", "-", all, "yes", "-"), ("quiet", "q", "-", all, "yes", "-"),
            ("color", "-", "WHEN", all, "yes", "auto"),
            ("config", "f", "FILE", all, "no", "/etc/scep/scep.conf, if it is there"),
            ("stay", "-", "-", "agent", "no", "-"), ("again", "-", "-", "enroll", "no", "-"),
            ("output", "o", "FILE", saving, "no", "-"), ("min-days", "-", "DAYS", "status", "no", "-"),
            ("request", "-", "FILE", "inspect", "no", "-"), ("ca-file", "-", "FILE", "inspect", "no", "-"),
            ("show-challenge", "-", "-", "inspect", "no", "-"), ("help", "h", "-", all, "no", "-"),
        ]

    private func lines(_ text: Text) -> [String] {
        String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Manual pages, completion and the sample configuration are made of this.
    @Test func everythingIsDescribedOnce() {
        let rows = lines(Help.description()).dropLast().map {
            $0.split(separator: "\t", omittingEmptySubsequences: false)
        }
        let commands = rows.filter { $0[0] == "command" }
        #expect(commands.map { String($0[1]) } == Self.commands.split(separator: " ").map(String.init))
        #expect(commands.allSatisfy { $0.count == 4 && $0[3].count > 20 })
        for command in commands {
            #expect(
                command[2]
                    == (["caps", "ca"].contains(command[1]) ? "[URL]" : command[1] == "inspect" ? "FILE..." : "-"))
        }
        let options = rows.filter { $0[0] == "option" }
        #expect(rows.count == commands.count + options.count)
        let described = options.map { $0[1..<min($0.count, 7)].joined(separator: "\t") }
        let expected = Self.options.map {
            [$0.name, $0.letter, $0.value, $0.of, $0.file, $0.standard].joined(separator: "\t")
        }
        #expect(Set(described) == Set(expected))
        #expect(described.count == expected.count)
        #expect(options.allSatisfy { $0.count == 8 && $0[7].count > 10 })
    }

    /// Each command's help has the options that it takes, each in a line of its own, and fits on a screen.
    @Test(arguments: Self.commands.split(separator: " ").map(String.init))
    func helpHasTheOptionsOfTheCommand(name: String) throws {
        let command = try #require(Command(Array(name.utf8)))
        let lines = lines(Help.of(command))
        let operands = ["caps": " [URL]", "ca": " [URL]", "inspect": " FILE..."][name] ?? ""
        try #require(lines.count > 4)
        #expect(lines[0] == "usage: scep \(name) [OPTION]...\(operands)")
        #expect(lines[1].isEmpty && lines[3].isEmpty && lines[4] == "options:")
        let mine = Self.options.filter { $0.of.split(separator: ",").contains(Substring(name)) }
        let left = mine.map {
            ($0.letter == "-" ? "      --" : "  -\($0.letter), --") + $0.name + ($0.value == "-" ? "" : " \($0.value)")
        }
        #expect(lines.dropFirst(5).filter { $0.hasPrefix("  -") || $0.hasPrefix("      --") }.count == left.count)
        for (option, words) in zip(mine, left) {
            let found = lines.filter { $0 == words || $0.hasPrefix(words + " ") }
            #expect(found.count == 1, "\(words)")
            // The words begin in one column; if what is left of them is too long for that, in the next line.
            if words.count < 34 {
                #expect(found.first?.dropFirst(words.count).prefix(34 - words.count).allSatisfy { $0 == " " } == true)
            }
            #expect((found.first?.count == words.count) == (words.count >= 34), "\(words)")
            _ = option
        }
        let end = try #require(lines.firstIndex { $0.hasPrefix("All can be set") })
        for line in lines[5..<end] where !line.isEmpty {
            #expect(line.count <= 100 && line.last != " ", "\(line)")
            guard !left.contains(line) else { continue }
            #expect(line.dropFirst(33).first == " " && line.dropFirst(34).first != " ", "\(line)")
        }
        // A line that goes on below itself was full.
        for (line, next) in zip(lines[5..<end], lines[6..<end]) where next.hasPrefix(String(repeating: " ", count: 34))
        {
            guard !left.contains(line), let word = next.split(separator: " ").first else { continue }
            #expect(line.count + 1 + word.count > 100, "\(line)")
        }
        let alone = mine.filter { $0.file == "no" }.map(\.name)
        #expect(
            lines[end] == "All can be set in the configuration, as `name = value` (scep.conf(5)), but for "
                + alone.joined(separator: ", ") + ".")
        // What an option is when it is not set is in brackets behind its words.
        let all = lines[5..<end].joined(separator: " ").split(separator: " ").joined(separator: " ")
        for option in mine where option.standard != "-" {
            #expect(all.contains(" [\(option.standard)]"), "\(option.name)")
        }
        #expect(
            lines.suffix(3).dropLast().last
                == "6 storage or keys, 7 internal, 8 the certificate is there and the hook failed")
    }

    @Test(arguments: [
        ("", []), ("one", ["one"]), ("123456789 0", ["123456789", "0"]), ("12345678 0", ["12345678 0"]),
        ("a b c d e f g", ["a b c d e", "f g"]), ("a 12345678901 b c", ["a", "12345678901", "b c"]),
        ("1234567890 1234567890", ["1234567890", "1234567890"]), ("aa bbb cc ddd ee", ["aa bbb cc", "ddd ee"]),
    ]) func wordsAreLaidOutInLines(words: String, due: [String]) {
        let found = Help.lines(of: Array(words.utf8), width: 10)
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == due)
    }

    @Test func theOverviewNamesEveryCommandOnce() {
        let lines = lines(Help.overview())
        #expect(lines.first == "usage: scep COMMAND [OPTION]...")
        for name in Self.commands.split(separator: " ") {
            let found = lines.filter { $0.hasPrefix("  \(name) ") }
            #expect(
                found.count == 1 && found[0].dropFirst(2 + name.count).prefix(32 - name.count).allSatisfy { $0 == " " })
            #expect(found.first?.dropFirst(34).first != " ")
        }
        #expect(lines.contains("exit codes: 0 done, 1 usage, 2 network, 3 trust, 4 refused by the CA, 5 pending,"))
    }

    /// The numbers that the help and scep(1) have.
    @Test func exitCodesAreAsTold() {
        let codes: [ExitCode] = [.done, .usage, .network, .trust, .refused, .pending, .storage, .internal, .hook]
        #expect(codes.map(\.rawValue) == Array(0...8))
    }

    /// Every option by its name and by its letter; nothing else is one.
    @Test func optionsAreFoundByNameAndLetter() throws {
        for option in Self.options {
            let found = try #require(Option(Array(option.name.utf8)))
            guard let letter = option.letter.utf8.first, option.letter != "-" else { continue }
            #expect(Option(letter: letter) == found)
        }
        let letters = Set(Self.options.compactMap { $0.letter == "-" ? nil : $0.letter.utf8.first })
        for letter in UInt8.min...UInt8.max where !letters.contains(letter) { #expect(Option(letter: letter) == nil) }
    }
}
