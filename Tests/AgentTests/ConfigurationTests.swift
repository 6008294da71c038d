import Agent
import Testing

@Suite struct ConfigurationTests {
    static let fingerprint = String(repeating: "ab", count: 32)
    static let minimum = "url=http://ca.example/scep\nfingerprint=\(fingerprint)\nsubject=CN=sensor\n"

    @Test func everyNameIsRead() throws {
        let text = Array(
            """
            # a comment

            url=http://[2001:db8::1]:8080/scep?profile=x
            fingerprint=\(Self.fingerprint),\(String(repeating: "0C:", count: 63))0C
            subject=CN=a=b,O=Example
            challenge=p=w d
            san=DNS:a.example
            key-usage=digitalSignature
            extended-key-usage=clientAuth
            template=Device
            key=RSA4096
            allow=sha1,des,unmarked-ra
            message=ca 7
            challenge-use=always
            renew=80
            jitter=0
            renewal-key=same
            renewal-type=17
            check=certificate,crl
            check-interval=3600
            stay=yes
            poll=5
            poll-cap=50
            polls=7
            retry=3
            retry-cap=30
            retries=0
            timeout=9
            time=1800000000
            tls-pin=\(Self.fingerprint)
            tls-ca=MIIB
            """.utf8)
        let configuration = try Configuration(text.span)
        #expect(string(configuration.url) == "http://[2001:db8::1]:8080/scep?profile=x")
        #expect(string(configuration.subject) == "CN=a=b,O=Example")
        #expect(string(configuration.challenge) == "p=w d")
        #expect(string(configuration.subjectAltName) == "DNS:a.example")
        #expect(string(configuration.keyUsage) == "digitalSignature")
        #expect(string(configuration.extendedKeyUsage) == "clientAuth")
        #expect(string(configuration.template) == "Device")
        #expect(configuration.key == .rsa(bits: 4096))
        #expect(configuration.policy.digestFloor == .sha1)
        #expect(configuration.policy.cipherFloor == .desCBC)
        #expect(configuration.policy.allowsUnmarkedRA)
        #expect(string(configuration.message) == "ca 7")
        let isShared = configuration.challengeIsShared
        #expect(isShared)
        #expect(configuration.renewalPercent == 80)
        #expect(configuration.jitterPercent == 0)
        let keepsKey = configuration.keepsKey
        #expect(keepsKey)
        #expect(configuration.renewalType == .renewalReq)
        let checks = (configuration.checksRevocation, configuration.checksCertificate)
        #expect(checks == (true, true))
        #expect(configuration.checkSeconds == 3600)
        let stays = configuration.stays
        #expect(stays)
        #expect(configuration.polling == Backoff(first: 5, cap: 50, limit: 7))
        #expect(configuration.retrying == Backoff(first: 3, cap: 30, limit: 0))
        #expect(configuration.timeoutSeconds == 9)
        #expect(configuration.time == 1_800_000_000)
        #expect(string(configuration.tlsPins) == Self.fingerprint)
        #expect(string(configuration.tlsAuthority) == "MIIB")
    }

    @Test func theDefaultsAreStrict() throws {
        let text = Array(Self.minimum.utf8)
        let configuration = try Configuration(text.span)
        #expect(configuration.policy.digestFloor == .sha256)
        #expect(configuration.policy.cipherFloor == .aes128CBC)
        #expect(!configuration.policy.allowsUnmarkedRA)
        #expect(configuration.key == .rsa(bits: 2048))
        let chosen = [
            configuration.challengeIsShared, configuration.keepsKey, configuration.checksRevocation,
            configuration.checksCertificate, configuration.stays,
        ]
        #expect(chosen == [false, false, false, false, false])
        #expect(configuration.renewalType == nil)
        #expect(configuration.time == 0)
    }

    /// One defect a row, appended to a configuration that is complete.
    @Test(arguments: [
        ("colour=red", ConfigurationError.Kind.unknownName, 0),
        ("no equals sign", .unknownName, 0),
        (" poll=5", .unknownName, 0),
        ("url=http://other/", .duplicate, 0),
        ("challenge=", .badValue, 10),
        ("challenge=\(String(repeating: "x", count: 256))", .badValue, 10),
        ("poll=0", .badValue, 5),
        ("poll=86401", .badValue, 5),
        ("poll=1x", .badValue, 5),
        ("polls=99999999999999999999", .badValue, 6),
        ("timeout=601", .badValue, 8),
        ("key=rsa1024", .badValue, 4),
        ("allow=md5", .badValue, 6),
        ("allow=sha1,", .badValue, 6),
        ("check=ocsp", .badValue, 6),
        ("check=crl,", .badValue, 6),
        ("renew=100", .badValue, 6),
        ("renew=0", .badValue, 6),
        ("jitter=51", .badValue, 7),
        ("renewal-key=old", .badValue, 12),
        ("renewal-type=18", .badValue, 13),
        ("challenge-use=twice", .badValue, 14),
        ("stay=maybe", .badValue, 5),
        ("retries=-1", .badValue, 8),
        ("time=99999999999", .badValue, 5),
        ("time=18e8", .badValue, 5),
        ("tls-pin=abcd", .badValue, 8),
        ("=x", .unknownName, 0),
    ]) func aDefectIsNamed(_ line: String, _ kind: ConfigurationError.Kind, _ offset: Int) {
        let text = Array((Self.minimum + line).utf8)
        let error = #expect(throws: ConfigurationError.self) { _ = try Configuration(text.span) }
        #expect(
            error?.kind == kind && error?.offset == Self.minimum.utf8.count + offset, "\(String(describing: error))")
        #expect(error?.line == Self.minimum.count { $0 == "\n" } + 1)
        let name = kind == .unknownName ? nil : line.prefix { $0 != "=" }
        #expect(error?.name.map { string($0.text) } == name.map(String.init))
    }

    @Test(arguments: [
        ("", ConfigurationError.Kind.missing, Configuration.Name.url, 0),
        ("url=ftp://ca/", .badValue, .url, 4),
        ("url=http://ca/\nsubject=CN=a\n", .missing, .fingerprint, 28),
        ("fingerprint=\(String(repeating: "ab", count: 20))", .badValue, .fingerprint, 12),
        ("fingerprint=\(String(repeating: "ab", count: 32)),", .badValue, .fingerprint, 12),
        ("url=http://ca/\nfingerprint=\(String(repeating: "ab", count: 32))\n", .missing, .subject, 92),
    ]) func whatIsMissingOrMalformedIsNamed(
        _ text: String, _ kind: ConfigurationError.Kind, _ name: Configuration.Name, _ offset: Int
    ) {
        let bytes = Array(text.utf8)
        let line = text.utf8.prefix(offset).count { $0 == UInt8(ascii: "\n") } + 1
        #expect(throws: ConfigurationError(kind, name, at: offset, line: line)) { _ = try Configuration(bytes.span) }
    }

    /// What editors of Windows leave in a file.
    @Test func byteOrderMarkAndCarriageReturnsArePassedOver() throws {
        let text = Array("\u{FEFF}\(Self.minimum)\nchallenge=p w d\n# end\n".replacing("\n", with: "\r\n").utf8)
        let configuration = try Configuration(text.span)
        #expect(string(configuration.url) == "http://ca.example/scep")
        #expect(string(configuration.subject) == "CN=sensor")
        #expect(string(configuration.challenge) == "p w d")
        // At its beginning only.
        let late = Array((Self.minimum + "\u{FEFF}poll=5").utf8)
        #expect(throws: ConfigurationError(.unknownName, at: Self.minimum.utf8.count, line: 4)) {
            _ = try Configuration(late.span)
        }
    }

    private func string(_ span: Span<UInt8>) -> String {
        String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
    }
}
