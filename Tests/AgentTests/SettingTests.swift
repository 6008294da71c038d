import Agent
import DeviceCrypto
import SCEP
import Testing

/// What each setting can be, at its bounds and just beyond, and what it is where it is not set: the table at the head of
/// `Configuration.swift`.
@Suite struct SettingTests {
    private static let minimum = ConfigurationTests.minimum

    struct Number: Sendable, CustomTestStringConvertible {
        let name: String
        let range: ClosedRange<Int>
        let unset: Int
        let read: @Sendable (borrowing Configuration) -> Int

        var testDescription: String { name }

        init(
            _ name: String, _ range: ClosedRange<Int>, _ unset: Int,
            _ read: @escaping @Sendable (borrowing Configuration) -> Int
        ) {
            (self.name, self.range, self.unset, self.read) = (name, range, unset, read)
        }
    }

    static let numbers = [
        Number("renew", 1...99, 0) { $0.renewalPercent },
        Number("jitter", 0...50, 5) { $0.jitterPercent },
        Number("check-interval", 60...2_592_000, 86_400) { $0.checkSeconds },
        Number("poll", 1...86_400, 60) { $0.polling.first },
        Number("poll-cap", 1...604_800, 3600) { $0.polling.cap },
        Number("polls", 1...100_000, 10_000) { $0.polling.limit },
        Number("retry", 1...86_400, 10) { $0.retrying.first },
        Number("retry-cap", 1...604_800, 3600) { $0.retrying.cap },
        Number("retries", 0...100_000, 5) { $0.retrying.limit },
        Number("timeout", 1...600, 90) { $0.timeoutSeconds },
        Number("time", 0...9_999_999_999, 0) { Int($0.time) },
    ]

    private func isRefused(_ line: String, at offset: Int) -> Bool {
        let text = Array((Self.minimum + line).utf8)
        do throws(ConfigurationError) {
            _ = try Configuration(text.span)
            return false
        } catch {
            return error.kind == .badValue && error.offset == Self.minimum.utf8.count + offset
        }
    }

    @Test(arguments: numbers) func numbersHaveBounds(number: Number) throws {
        func value(_ line: String) throws -> Int {
            let text = Array((Self.minimum + line).utf8)
            return number.read(try Configuration(text.span))
        }
        #expect(try value("") == number.unset)
        let (least, most) = (number.range.lowerBound, number.range.upperBound)
        for inside in [least, least + 1, most - 1, most] {
            #expect(try value("\(number.name)=\(inside)") == inside)
        }
        #expect(try value("\(number.name)=00\(least + 2)") == least + 2)
        let place = number.name.utf8.count + 1
        // 2^64 and a little more, which 64 bits would take for the little.
        var outside = [
            "\(most + 1)", "-\(most)", "18446744073709551676", "\(least + 1).", "\(least + 1):", "/", ":", "x",
        ]
        if least > 0 { outside.append("\(least - 1)") }
        for text in outside { #expect(isRefused("\(number.name)=\(text)", at: place), "\(number.name)=\(text)") }
    }

    /// What is chosen from words: each word, and what it stands for.
    @Test func wordsStandForWhatTheySay() throws {
        func settings(_ line: String) throws -> [String] {
            let text = Array((Self.minimum + line).utf8)
            let configuration = try Configuration(text.span)
            var set: [String] = []
            if configuration.challengeIsShared { set.append("shared") }
            if configuration.keepsKey { set.append("keeps key") }
            if configuration.stays { set.append("stays") }
            if configuration.checksRevocation { set.append("crl") }
            if configuration.checksCertificate { set.append("certificate") }
            if configuration.key != .rsa(bits: 2048) { set.append("\(configuration.key)") }
            if let type = configuration.renewalType { set.append("\(type)") }
            let policy = configuration.policy
            if policy.digestFloor != .sha256 { set.append("\(policy.digestFloor)") }
            if policy.cipherFloor != .aes128CBC { set.append("\(policy.cipherFloor)") }
            if policy.allowsUnmarkedRA { set.append("unmarked RA") }
            if policy.allowsCAWithoutKeyUsage { set.append("CA without key usage") }
            if policy.allowsPasswordEncryption { set.append("password encryption") }
            if policy.allowsNoRenewal { set.append("no renewal") }
            return set
        }
        let rows: [(String, [String])] = [
            ("challenge-use=once", []), ("challenge-use=always", ["shared"]),
            ("renewal-key=new", []), ("renewal-key=same", ["keeps key"]),
            ("stay=no", []), ("stay=yes", ["stays"]),
            ("check=crl", ["crl"]), ("check=certificate", ["certificate"]),
            ("check=certificate,crl", ["crl", "certificate"]), ("check=crl,crl", ["crl"]),
            ("key=rsa2048", []), ("key=rsa3072", ["\(KeyAlgorithm.rsa(bits: 3072))"]),
            ("key=rsa4096", ["\(KeyAlgorithm.rsa(bits: 4096))"]), ("key=p256", ["\(KeyAlgorithm.p256)"]),
            ("key=p384", ["\(KeyAlgorithm.p384)"]),
            ("renewal-type=auto", []), ("renewal-type=17", ["\(MessageType.renewalReq)"]),
            ("renewal-type=19", ["\(MessageType.pkcsReq)"]),
            ("allow=sha1", ["sha1"]), ("allow=3des", ["tripleDESCBC"]), ("allow=des", ["desCBC"]),
            ("allow=des,3des", ["desCBC"]), ("allow=3des,des", ["desCBC"]),
            ("allow=unmarked-ra", ["unmarked RA"]), ("allow=ca-without-key-usage", ["CA without key usage"]),
            ("allow=password-encryption", ["password encryption"]), ("allow=no-renewal", ["no renewal"]),
            ("allow=sha1,3des,unmarked-ra", ["sha1", "tripleDESCBC", "unmarked RA"]),
        ]
        for (line, expected) in rows { #expect(try settings(line) == expected, "\(line)") }
        for line in [
            "challenge-use=onc", "renewal-key=", "stay=yes ", "check=", "check=,crl", "key=rsa", "key=p-256",
            "renewal-type=1", "allow=", "allow=,", "allow=sha-1", "allow=sha1 3des", "renewal-type=auto 17",
        ] {
            #expect(isRefused(line, at: line.utf8.firstIndex(of: 0x3D)!.utf16Offset(in: line) + 1), "\(line)")
        }
    }

    /// RFC 2986 has at most 255 octets of a challengePassword.
    @Test func passwordHasABound() throws {
        for count in [1, 255] {
            let text = Array("\(Self.minimum)challenge=\(String(repeating: "x", count: count))".utf8)
            #expect(try Configuration(text.span).challenge.count == count)
        }
    }

    /// A subject, or other names in its place; and a line that is the last needs no end.
    @Test func oneNameIsEnough() throws {
        let lines = ["url=http://ca/", "fingerprint=\(ConfigurationTests.fingerprint)"]
        for name in ["subject=CN=a", "san=DNS:a"] {
            for end in ["", "\n", "\r\n", "\n\n#"] {
                let text = Array(((lines + [name]).joined(separator: "\n") + end).utf8)
                let configuration = try Configuration(text.span)
                let counts = (configuration.subject.count, configuration.subjectAltName.count)
                #expect(counts == (name.hasPrefix("subject") ? (4, 0) : (0, 5)))
            }
        }
    }

    /// Each name is known by its number and the other way about, and none but once.
    @Test func everyNameIsItsOwn() throws {
        let names = (0...255).compactMap { Configuration.Name(rawValue: $0) }
        #expect(names.count == 29)
        let texts = names.map { name in String(decoding: name.text.indices.map { name.text[$0] }, as: UTF8.self) }
        #expect(
            texts == [
                "url", "fingerprint", "subject", "challenge", "san", "key-usage", "extended-key-usage", "template",
                "key", "message", "challenge-use", "allow", "renew", "jitter", "renewal-key", "renewal-type", "check",
                "check-interval", "stay", "poll", "poll-cap", "polls", "retry", "retry-cap", "retries", "timeout",
                "time", "tls-pin", "tls-ca",
            ])
        // Set twice, each is a duplicate of itself.
        let values = [
            "san": "DNS:a", "key": "p256", "challenge-use": "once", "allow": "sha1", "renewal-key": "new",
            "renewal-type": "auto", "check": "crl", "check-interval": "60", "stay": "no",
            "tls-pin": ConfigurationTests.fingerprint,
        ]
        for (name, text) in zip(names, texts) where !["url", "fingerprint", "subject"].contains(text) {
            let line = "\(text)=\(values[text] ?? "1")\n"
            let bytes = Array((Self.minimum + line + line).utf8)
            #expect(
                throws: ConfigurationError(
                    .duplicate, name, at: Self.minimum.utf8.count + line.utf8.count, line: 5), "\(text)"
            ) { _ = try Configuration(bytes.span) }
        }
    }
}
