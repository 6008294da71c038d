import Testing

@testable import Gateway

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
