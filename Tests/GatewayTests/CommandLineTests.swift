import Testing

@testable import Gateway
@testable import Output

/// Options on the command line.
@Suite struct CommandLineTests {
    private func read(_ line: String, _ command: Command = .enroll) throws -> CommandLine {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map { Array($0.utf8) }
        return try CommandLine(command, line.isEmpty ? [] : words)
    }

    private func message(_ line: String, _ command: Command) -> String {
        do {
            _ = try read(line, command)
            return ""
        } catch let failure as Failure {
            return String(decoding: failure.message, as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: ["-k p256 -jq", "-jqkp256", "--key p256 --json --quiet", "--key=p256 -q -j", "-q --key=p256 -j"])
    func waysToSayTheSame(line: String) throws {
        let settings = try read(line).settings
        #expect(settings[.key] == Array("p256".utf8))
        #expect(settings.isSet(.json) && settings.isSet(.quiet) && !settings.isSet(.verbose))
    }

    @Test func optionsAndOperandsStandInAnyOrder() throws {
        let line = try read("one -j - --request r two -- --json -x", .inspect)
        #expect(line.operands == ["one", "-", "two", "--json", "-x"].map { Array($0.utf8) })
        #expect(line.settings.isSet(.json) && line.settings[.request] == Array("r".utf8))
        #expect(try read("--hook=", .enroll).settings[.hook] == [])
        #expect(try read("--challenge-file -", .enroll).settings[.challengeFile] == Array("-".utf8))
    }

    /// What is close is offered, and never taken.
    @Test(arguments: [
        ("--key p256", Command.status, "--key of status; it is one of ca, enroll, renew, poll, agent"),
        ("--key p256", .inspect, "it is one of ca, enroll, renew, poll, agent; there is --key-passphrase-file; see"),
        ("--pass x", .enroll, "there is no option --pass of enroll; see: scep enroll --help"),
        (
            "--key-pass x", .enroll,
            "there is no option --key-pass of enroll; there is --key, --key-passphrase-file; see"
        ),
        (
            "--ke p256", .enroll,
            "there is no option --ke of enroll; there is --key-usage, --key, --key-passphrase-file;"
        ),
        ("--subjct CN=x", .enroll, "there is no option --subjct of enroll; there is --subject; see"),
        // Two letters changed: as far apart as a slip of the finger goes.
        ("--fingerprnit=00", .ca, "there is no option --fingerprnit of ca; there is --fingerprint; see"),
        ("--finger=00", .ca, "there is no option --finger of ca; there is --fingerprint; see"),
        ("--js", .status, "there is no option --js of status; there is --json; see"),
        ("--stay", .enroll, "there is no option --stay of enroll; it is one of agent; see"),
        ("-x", .enroll, "there is no option -x of enroll; see"), ("-jk", .status, "there is no option -k of status"),
        ("--key", .enroll, "--key needs a value"), ("-qk", .enroll, "--key needs a value"),
        ("--json=yes", .enroll, "--json takes no value"), ("-k p256 --key p256", .enroll, "--key is there twice"),
        ("--=x", .enroll, "there is no option -- of enroll; see"),
    ]) func whatIsWrongIsNamed(line: String, command: Command, words: String) throws {
        #expect(message(line, command).contains(words), "\(message(line, command))")
    }

    /// Two letters that were added, left out or changed, and one where the name is short, are a slip of the finger.
    @Test(arguments: [
        ("alow", "allow", true), ("allw", "allow", true), ("llow", "allow", true), ("low", "allow", true),
        ("ow", "allow", false), ("xallow", "allow", true), ("xyallow", "allow", true), ("xyzallow", "allow", false),
        ("alxlow", "allow", true), ("alxylow", "allow", true), ("alxyzlow", "allow", false), ("alolw", "allow", true),
        ("axyow", "allow", true), ("axyzw", "allow", false), ("xllo", "allow", true), ("xlo", "allow", false),
        ("hokk", "hook", true), ("hok", "hook", true), ("xhook", "hook", true), ("hoko", "hook", false),
        ("xyhook", "hook", false), ("ok", "hook", false), ("ur1", "url", true), ("irl", "url", true),
        ("u1r1", "url", false), ("sanxyz", "san", true), ("ren", "renew", true), ("renxx", "renew", true),
        ("rexxx", "renew", false),
        ("san" + String(repeating: "x", count: 60), "san", true),
        ("san" + String(repeating: "x", count: 61), "san", false),
    ]) func whatIsNearIsOffered(word: String, name: String, isOffered: Bool) {
        let words = message("--\(word) x", .enroll).split(whereSeparator: { " ,;".contains($0) })
        #expect(words.dropFirst(6).contains("--\(name)") == isOffered, "\(words)")
    }

    /// The front of an option's name is no option, of whatever command.
    @Test func noAbbreviationIsTaken() throws {
        for command in Command.allCases {
            for option in Option.allCases {
                let name = Array(String(describing: option.description.name).utf8)
                for count in 1..<name.count {
                    let word = Array(name.prefix(count))
                    guard Option(word) == nil else { continue }
                    #expect(throws: Failure.self) { try CommandLine(command, [Array("--".utf8) + word, [0x78]]) }
                }
            }
        }
    }
}
