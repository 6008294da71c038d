import Testing

@testable import Gateway
@testable import Output

@Suite struct ConfigurationFileTests {
    private func read(_ text: String) throws(Failure) -> Settings {
        var settings = Settings()
        settings.file = Text("scep.conf")
        try ConfigurationFile.read(Array(text.utf8), into: &settings)
        return settings
    }

    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test func valuesAreReadWithoutTheBlanksAroundThem() throws {
        let settings = try read(
            "# a comment\n\n  url =  http://ca.example/scep \t\r\nsubject=CN=a = b,O=c#d\ntls-identity = no")
        #expect(text(settings[.url]) == "http://ca.example/scep")
        #expect(text(settings[.subject]) == "CN=a = b,O=c#d")
        #expect(settings.isSet(.tlsIdentity) == false)
        #expect(settings[.fingerprint] == nil)
    }

    /// One defect a row: the text, the kind of error, and where it is said to be.
    @Test(arguments: [
        ("ulr = x", "unknown-word", "scep.conf:1:1: "),
        ("\n  ulr = x", "unknown-word", "scep.conf:2:3: "),
        ("= x", "unknown-word", "scep.conf:1:1: "),
        // What stands on the command line alone.
        ("config = x", "unknown-word", "scep.conf:1:1: "),
        ("help = yes", "unknown-word", "scep.conf:1:1: "), ("stay = yes", "unknown-word", "scep.conf:1:1: "),
        ("url = a\n# url\nurl = b", "doubled-word", "scep.conf:3:1: "),
        ("url", "no-value", "scep.conf:1:1: "), ("url http://ca/", "no-value", "scep.conf:1:1: "),
        ("url =   ", "no-value", "scep.conf:1:1: "),
        ("json = true", "bad-value", "scep.conf:1:8: "),
        ("url = a\njson =on", "bad-value", "scep.conf:2:7: "),
    ])
    func defectsAreNamedWithTheirPlace(_ content: String, _ kind: String, _ place: String) {
        let failure = #expect(throws: Failure.self) { try read(content) }
        #expect(text(failure?.kind) == kind)
        #expect(failure?.exit == .usage)
        #expect(text(failure?.message)?.hasPrefix(place) == true, "\(text(failure?.message) ?? "")")
    }

    @Test func commandLineStandsBeforeTheFile() throws {
        var settings = Settings()
        var isFirst = settings.set(.url, Text("a"), from: .commandLine)
        #expect(isFirst)
        isFirst = settings.set(.url, Text("b"), from: .file(line: 1, column: 1))
        #expect(isFirst)
        #expect(text(settings[.url]) == "a")
        isFirst = settings.set(.url, Text("c"), from: .commandLine)
        #expect(!isFirst)
    }

    /// What the agent's configuration refuses is traced back to the line that it came from.
    @Test(arguments: [
        ("renew = 100", Option.renew, "scep.conf:4:9: "), ("key = rsa1024", .key, "scep.conf:4:7: "),
        ("allow = sha1,md5", .allow, "scep.conf:4:9: "), ("timeout = 0", .timeout, "scep.conf:4:11: "),
        ("retries = -1", .retries, "scep.conf:4:11: "), ("check = ocsp", .check, "scep.conf:4:9: "),
        // What a request cannot be made of.
        ("san = DNS:a b", .san, "scep.conf:4:7: "), ("san = DNS:a.b;DNS:c.d", .san, "scep.conf:4:7: "),
        ("san = IP:300.1.1.1", .san, "scep.conf:4:7: "), ("san = host", .san, "scep.conf:4:7: "),
        ("key-usage = fly", .keyUsage, "scep.conf:4:13: "), ("template = 1.x", .template, "scep.conf:4:12: "),
        ("extended-key-usage = 9.9.", .extendedKeyUsage, "scep.conf:4:22: "),
    ])
    func valuesThatTheAgentRefusesAreTracedBack(_ line: String, _ option: Option, _ place: String) throws {
        let fingerprint = String(repeating: "a5", count: 32)
        let settings = try read("url = http://ca/\nfingerprint = \(fingerprint)\nsubject = CN=a\n\(line)\n")
        let agentText = try AgentText(settings)
        let failure = try #require(agentText.refusal(settings))
        let message = text(failure.message) ?? ""
        #expect(message.hasPrefix(place), "\(message)")
        #expect(message.contains(text(Text(option.description.name)) ?? "-"))
        #expect(failure.exit == .usage)
    }

    /// What is wrong with a name, and where; the words of a person who has to mend it.
    @Test(arguments: [
        ("subject = O=a,CN=" + String(repeating: "x", count: 65), "more than 64 characters, at character 8"),
        ("subject = Oid.2.5.4.3=" + String(repeating: "ü", count: 65), "more than 64 characters, at character 13"),
        ("subject = CN=ü,STREETX=b", "STREETX is not known: write its dotted identifier"),
        ("subject = CN=ü,STREETX=b", ", at character 6"),
        ("subject = /O=a/CN=b", "not /O=Example/CN=gateway 7"),
        ("subject = CN=Müller, Söhne", "a comma within a value is written \\,, at character 12"),
        ("subject = CN=a;O=b", "within a value it is written \\;, at character 5"),
        ("subject = CN=C++", "or \\+, at character 6"),
        ("subject = CN=\"a", "quotation marks stand around a whole value"),
        ("subject = C=Germany", "a country is two letters, as in DE, at character 3"),
        ("subject = CN=#0c", "behind # stands one value in DER"), ("subject = CN=a\\z", "behind \\ stands one of"),
        ("subject = serialNumber=a_b", "more than letters, digits"), ("subject = DC=ü", "beyond ASCII"),
        ("subject = 1.2.x=b", "no dotted identifier, at character 1"),
        ("san = DNS:a, DNS:b c", "host names have letters, digits, - . * and _ (others: xn--...), at character 13"),
        ("san = host", "a name begins with one of DNS: IP: URI:"), ("san = IP:10.0.0.0/8", "without prefix"),
        ("san = otherName:1.2.3=x", "behind the identifier stands ;UTF8:"),
        ("san = DNS:a,,DNS:b", "nothing stands here"),
        ("key-usage = digitalSignature,sign,cRLSign", "'sign' is none of the words, at character 18"),
        // All that are.
        ("key-usage = sign", "keyCertSign, cRLSign, encipherOnly, decipherOnly;"),
        ("extended-key-usage = sign", "timeStamping, OCSPSigning and dotted identifiers;"),
        ("template = Gerät", "beyond ASCII"),
    ])
    func faultsOfNamesHaveAReasonAndAPlace(_ line: String, _ words: String) throws {
        let fingerprint = String(repeating: "a5", count: 32)
        let subject = line.hasPrefix("subject") ? "" : "subject = CN=a\n"
        let settings = try read("url = http://ca/\nfingerprint = \(fingerprint)\n\(subject)\(line)\n")
        let message = text(try AgentText(settings).refusal(settings)?.message) ?? ""
        #expect(message.contains(words), "\(message)")
    }

    /// The URI of a Windows domain's account (KB5014754).
    @Test func namesWithCommasAreTaken() throws {
        let settings = try read(
            """
            url = http://ca/
            fingerprint = \(String(repeating: "a5", count: 32))
            subject = CN="a, b" + serialNumber=7, STREET=c
            san = URI:tag:microsoft.com\\,2022-09-14:sid:S-1-5-21-1-2-3, DNS:a.example
            """)
        #expect(try AgentText(settings).refusal(settings) == nil)
    }

    /// The range that an option's help tells is the one that is taken, and a value outside is refused with both.
    @Test func rangesAreAsTold() throws {
        let minimum = "url = http://ca/\nfingerprint = \(String(repeating: "a5", count: 32))\nsubject = CN=a\n"
        var told = 0
        for option in Option.allCases where option.isAgents {
            let help = text(Text(option.description.help)) ?? ""
            let name = text(Text(option.description.name)) ?? ""
            guard let range = try /: (\d+) to (\d+)$/.firstMatch(in: help), let low = Int(range.1),
                let high = Int(range.2)
            else { continue }
            told += 1
            for value in [low - 1, low, high, high + 1] {
                let settings = try read("\(minimum)\(name) = \(value)\n")
                let failure = try AgentText(settings).refusal(settings)
                #expect((failure == nil) == (low...high ~= value), "\(name) \(value)")
                guard let message = text(failure?.message) else { continue }
                #expect(message.contains("\(name) cannot be '\(value)'") && message.contains("\(low) to \(high)"))
            }
        }
        #expect(told == 10)
        var settings = Settings()
        _ = settings.set(.minDays, Text("x"), from: .commandLine)
        let failure = #expect(throws: Failure.self) { try settings.number(.minDays, 0...10_000) }
        let message = text(failure?.message) ?? ""
        #expect(message.hasPrefix("--min-days cannot be 'x'") && message.contains("0 to 10000"), "\(message)")
    }

    @Test func whatIsMissingIsNamedWithBothWaysToSetIt() throws {
        let agentText = try AgentText(try read("url = http://ca/\nsubject = CN=a"))
        let message = text(agentText.refusal(try read("url = http://ca/\nsubject = CN=a"))?.message) ?? ""
        #expect(message.contains("--fingerprint is missing"))
        #expect(message.contains("fingerprint in scep.conf"))
    }

    @Test func everyOptionHasItsOwnNameAndLetter() {
        let names = Option.allCases.map { text(Text($0.description.name)) }
        #expect(Set(names).count == names.count)
        let letters = Option.allCases.map { $0.description.letter }.filter { $0 != 0 }
        #expect(Set(letters).count == letters.count)
    }
}
