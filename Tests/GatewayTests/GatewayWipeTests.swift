import Agent
import DeviceCrypto
import Foundation
import PretendedSystem
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import InspectionSupport
@testable import Output

/// What an RSA key in PEM has that only its owner may know, in the forms that it has on its way through the program.
private func privateParts(_ pem: [UInt8]) throws -> [String: [UInt8]] {
    let der = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: pem)
    // RSAPrivateKey (RFC 8017, A.1.2): version, n, e, d, p, q and what follows from them.
    var secrets: [String: [UInt8]] = [:]
    var rest = der.dropFirst(4)
    for name in ["version", "n", "e", "d", "p", "q", "d mod p-1", "d mod q-1", "1/q mod p"] {
        rest = rest.dropFirst()
        var count = rest.popFirst().map(Int.init) ?? 0
        if count > 0x80 {
            let octets = rest.prefix(count - 0x80)
            rest = rest.dropFirst(octets.count)
            count = octets.reduce(0) { $0 << 8 | Int($1) }
        }
        secrets[name] = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
    }
    for name in ["version", "n", "e"] { secrets[name] = nil }
    let text = try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt"], input: pem)
    // Behind the modulus, which is in certificates too.
    secrets["PEM"] = Array(text.dropFirst(500).prefix { $0 != UInt8(ascii: "-") })
    return secrets
}

/// Words of this test alone, in files, and what must not be left of them.
private struct Words {
    private(set) var secrets: [String: [UInt8]] = [:]
    private var paths: [String: String] = [:]

    init(_ names: [String], in directory: URL) throws {
        for name in names {
            let word = "\(name):\([UInt8].random(16).hex)"
            secrets[name] = Array(word.utf8)
            secrets[name + " in base64"] = Array(Data(word.utf8).base64EncodedString().utf8)
            paths[name] = try String(
                decoding: directory.writePrivate(Array((word + "\n").utf8), to: name + ".secret"), as: UTF8.self)
        }
    }

    func path(_ name: String) -> String { paths[name] ?? "" }

    mutating func add(key pem: [UInt8]) throws {
        for (name, value) in try privateParts(pem) { secrets["\(secrets.count) \(name)"] = value }
    }
}

extension KeyTests.GatewayCommandTests {
    /// Runs a command, of which none of `words` may be left in memory that it gave back, nor a generator's key.
    private func watched(_ line: [String], _ words: Words, configuration: String? = nil) throws -> Outcome {
        var outcome = Outcome()
        let left = try Remains.onHeap { outcome = try scep(line, configuration: configuration) }
        #expect(left.holds(words.secrets) == [], "\(line[0])")
        #expect(left.keyScheduleCount == 0, "\(line[0])")
        return outcome
    }

    /// Without a password. No other test asks for this name, of which a certificate may be known from before.
    private func enrolmentOfItsOwn(_ ca: StandInCA, _ directory: URL) throws -> [String] {
        try enrolment(ca, directory).dropLast(2).map { $0.hasPrefix("CN=") ? "CN=\([UInt8].random(8).hex)" : $0 }
    }

    /// Every secret that a command can have, at once; then a key without a passphrase, in all that follows.
    @Test(arguments: [true, false]) func nothingIsLeftOfALife(hasPassphrase: Bool) throws {
        try withCA { ca, directory in
            var words = try Words(["password", "passphrase", "proxy"], in: directory)
            try words.add(key: TestKey.rsa.pem)
            let options =
                try enrolmentOfItsOwn(ca, directory) + [
                    "--challenge-file", words.path("password"), "--proxy", "http://127.0.0.1:\(ca.port)",
                    "--proxy-password-file", words.path("proxy"),
                ] + (hasPassphrase ? ["--key-passphrase-file", words.path("passphrase")] : [])
            let enrolled = try watched(["enroll"] + options, words)
            #expect(enrolled.exit == .done, "\(enrolled.message)")
            let certificate = directory.appending(path: "identity/current/cert.pem")
            let first = try [UInt8](Data(contentsOf: certificate))
            let configuration = try directory.write(
                Array(
                    "url = \(ca.url)\nfingerprint = \(options[3])\nsubject = CN=x\nchallenge-file = \(words.path("password"))\n"
                        .utf8), to: "scep.conf")
            let status = try watched(["status"] + options[4...5], words, configuration: configuration)
            #expect(status.exit == .done && status.report["nextTime"].text != nil, "\(status.message)")
            // What was published is mended.
            try leave(directory)
            try FileManager.default.removeItem(at: certificate)
            let mended = try watched(["agent"] + options, words)
            #expect(mended.exit == .done, "\(mended.message)")
            let isThere = try [UInt8](Data(contentsOf: certificate)) == first
            #expect(isThere)
            try leave(directory)
            let renewed = try watched(["renew", "--renewal-key", "same"] + options, words)
            #expect(renewed.exit == .done, "\(renewed.message)")
        }
    }

    @Test func nothingIsLeftOfAKeyThatIsShown() throws {
        try withCA { ca, directory in
            var words = try Words([], in: directory)
            try words.add(key: TestKey.rsa.pem)
            #expect(try scep(["enroll"] + enrolment(ca, directory)).exit == .done)
            let anchor = try directory.write(ca.ca.certificate, to: "anchor")
            try withServer(["-Verify", "3", "-verify_return_error", "-CAfile", anchor]) { server, folder in
                try leave(directory)
                let outcome = try watched(
                    ["renew", "--url", server.url] + enrolment(ca, directory).dropFirst(2).prefix(6)
                        + ["--tls-ca", folder.path + "/server.crt", "--tls-identity"], words)
                #expect(outcome.kind == "not-scep", "\(outcome)")
            }
        }
    }

    /// What a value that is still there has in itself.
    private func held<Value: ~Copyable>(by value: inout Value) throws -> Remains {
        try Remains.onHeap { withUnsafeBytes(of: &value) { _ = Array($0) } }
    }

    /// After its run a session is good for nothing, and has nothing; a key that was to be shown goes with the next.
    @Test func nothingIsLeftInASession() throws {
        try withCA { ca, directory in
            var words = try Words(["password", "proxy"], in: directory)
            try words.add(key: TestKey.rsa.pem)
            let options =
                try enrolmentOfItsOwn(ca, directory) + [
                    "--challenge-file", words.path("password"), "--proxy", "http://127.0.0.1:\(ca.port)",
                    "--proxy-password-file", words.path("proxy"), "--renewal-key", "same",
                ]
            let settings = try Gateway.CommandLine(.renew, options.map { Array($0.utf8) } + [Array("--quiet".utf8)])
                .settings
            var shown: ShownIdentity? = ShownIdentity(KeyProvider())
            for goal in [nil, .renew] as [Goal?] {
                var progress = try Gateway.Progress(settings)
                var session = try Session(settings)
                let before = try held(by: &session)
                #expect(before.holds(words.secrets) != [] && before.keyScheduleCount > 0)
                try session.run(goal, mayWait: false, &progress)
                let after = try held(by: &session)
                #expect(after.holds(words.secrets) == [] && after.keyScheduleCount == 0)
                let left = try Remains.onHeap {
                    try shown?.take(from: &session.store)
                    if goal == .renew { shown = nil }
                }
                #expect(left.holds(words.secrets) == [])
                try leave(directory)
            }
        }
    }

    @Test func nothingIsLeftOfAnInspection() throws {
        try withTemporaryDirectory { directory in
            var words = try Words(["password", "passphrase"], in: directory)
            try words.add(key: TestKey.rsa.pem)
            let ca = try OpenSSLIdentity.authority
            let device = try OpenSSLIdentity(subject: "/CN=x", for: .rsa)
            let issued = try OpenSSLIdentity(subject: "/CN=x", for: .rsa, issuedBy: ca)
            let reply = try directory.write(
                SignedMessage.reply("0", from: ca, content: device.envelope(OpenSSLIdentity.bundle([issued])))
                    .encoded(),
                to: "reply")
            let forms: [(String, [String])] = [
                ("plain", ["pkcs8", "-topk8", "-nocrypt"]),
                ("binary", ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"]),
                ("encrypted", ["pkcs8", "-topk8", "-passout", "file:" + words.path("passphrase")]),
                ("several", ["pkcs8", "-topk8", "-nocrypt"]),
            ]
            for (name, form) in forms {
                var bytes = try OpenSSL.run(form, input: TestKey.rsa.pem)
                if name == "several" { bytes += bytes }
                let file = try String(decoding: directory.writePrivate(bytes, to: name), as: UTF8.self)
                let outcome = try watched(
                    [
                        "inspect", reply, "--existing-key", file, "--challenge-file", words.path("password"),
                        "--key-passphrase-file", words.path("passphrase"),
                    ], words)
                if name == "several" {
                    #expect(outcome.kind == "key-failed")
                } else {
                    #expect(outcome.report["files"][0].object["content"].result("decryption") == "pass", "\(outcome)")
                }
            }
        }
    }
}

extension KeyTests.GatewayCommandTests {
    /// A key that is itself what is inspected, in all forms, whole or damaged, or that stands beside the CA's certificate.
    @Test func nothingIsLeftOfAKeyThatIsInspected() throws {
        try withTemporaryDirectory { directory in
            var words = try Words([], in: directory)
            try words.add(key: TestKey.rsa.pem)
            let pem = try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt"], input: TestKey.rsa.pem)
            let der = try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], input: TestKey.rsa.pem)
            let certificate = try OpenSSLIdentity.authority.certificate
            let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
            let base64 = Array(lines.dropFirst().dropLast().joined(separator: "\n").utf8)
            for (index, bytes) in try [
                pem, der, base64, pem + certificate, certificate + pem + pem, Array(pem.dropLast(40)), der + der,
                Array(der.dropLast(1)), base64 + Array("?".utf8), Array(base64.dropLast(1)),
                OpenSSL.run(["rsa", "-traditional"], input: TestKey.rsa.pem),
            ].enumerated() {
                let file = try String(decoding: directory.writePrivate(bytes, to: "\(index)"), as: UTF8.self)
                let outcome = try watched(["inspect", file], words)
                #expect(outcome.report["files"].count == 1, "\(index)")
                _ = try watched(["inspect", file, "--ca-file", file, "--request", file], words)
            }
        }
    }

    /// What an envelope holds once it is opened.
    @Test func nothingIsLeftOfAnEnvelopeThatIsOpened() throws {
        try withTemporaryDirectory { directory in
            var words = try Words(["challenge"], in: directory)
            let word = try #require(words.secrets["challenge"])
            try words.add(key: TestKey.rsa.pem)
            let ca = try OpenSSLIdentity(subject: "/CN=ca", for: .rsa)
            let configuration = """
                [req]
                distinguished_name = dn
                attributes = at
                prompt = no
                [dn]
                CN = x
                [at]
                challengePassword = \(String(decoding: word, as: UTF8.self))
                """
            let request = try OpenSSL.run([
                "req", "-new", "-outform", "DER", "-config",
                directory.write(Array(configuration.utf8), to: "cnf"), "-key",
                directory.write(TestKey.p256.pem, to: "key"),
            ])
            let device = try OpenSSLIdentity(subject: "/CN=x", for: .rsa)
            let message = try SignedMessage.request("19", from: device, content: ca.envelope(request)).encoded()
            let key = try String(decoding: directory.writePrivate(TestKey.rsa.pem, to: "ca"), as: UTF8.self)
            for (index, file) in try [message, ca.envelope(request), ca.envelope(word)].enumerated() {
                let outcome = try watched(
                    ["inspect", directory.write(file, to: "\(index)"), "--existing-key", key], words)
                let object = outcome.report["files"][0].object
                let envelope = index == 0 ? object["content"] : object
                #expect(envelope.result("decryption") == "pass", "\(outcome)")
            }
        }
    }
}

extension KeyTests {
    /// What functions leave that read secrets.
    @Suite struct GatewayWipeTests {
        /// Forms of a key that somebody got wrong: nothing of it is left where it is refused.
        @Test func nothingIsLeftOfTextThatIsRefused() throws {
            let pem = try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt"], input: TestKey.rsa.pem)
            let secrets = try privateParts(TestKey.rsa.pem).filter { $0.key != "PEM" }
            let text = String(decoding: pem, as: UTF8.self)
            let end = "-----END PRIVATE KEY-----\n"
            for other in [
                text, String(text.dropLast(end.utf8.count)), text.replacing(end, with: "-----END KEY-----\n"),
                text.replacing(end, with: "=\n" + end), text.replacing(end, with: "?\n" + end),
                text.replacing(end, with: "A" + end), text.replacing(end, with: "A\n" + end),
                text.replacing(end, with: "-----BEGIN PRIVATE KEY-----\n"), text + "-----BEGIN -----\n",
                text + String(text.dropLast(end.utf8.count)),
            ] {
                let bytes = Array(other.utf8)
                let left = try Remains.onHeap {
                    guard var blocks = try? PEM.blocks(bytes.span) else { return }
                    for index in blocks.indices { blocks[index].bytes.wipe() }
                }
                #expect(left.holds(secrets) == [], "\(other.suffix(120))")
            }
        }

        /// A text that outgrows its place leaves a copy there.
        @Test func nothingIsLeftOfTextThatIsWritten() throws {
            let key = [UInt8].random(160)
            for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] as [StaticString] {
                for count in 40...key.count {
                    let secret = Array(Data(key.prefix(count)).base64EncodedString().utf8.prefix(48))
                    let left = try Remains.onHeap {
                        var text: [UInt8] = []
                        PEM.write(label, key.span.extracting(first: count), to: &text)
                        text.wipe()
                    }
                    #expect(left.holds(["base64": secret]) == [], "\(count)")
                }
            }
        }

        /// A password, and what is none.
        @Test func nothingIsLeftOfAFileWithASecret() throws {
            try withTemporaryDirectory { directory in
                let word = Array([UInt8].random(16).hex.utf8)
                for (index, bytes) in [
                    word, word + [0x0A] + word, [0xEF, 0xBB, 0xBF] + word + [0x0D, 0x0A], word + [0],
                    [0xFF, 0xFE] + word,
                ].enumerated() {
                    let path = try directory.writePrivate(bytes, to: "\(index)")
                    let place = Place([])
                    let left = try Remains.onStackAndHeap {
                        guard var secret = try? InputFile.readSecret(path) else { return }
                        swap(&place.bytes, &secret)
                    }
                    #expect(place.bytes == (index < 3 ? word : []))
                    #expect(left.holds(["secret": word]) == [], "\(index)")
                    // Whoever got it wipes it, with what stands behind it.
                    let rest = try Remains.onHeap {
                        place.bytes.wipe()
                        place.bytes = []
                    }
                    #expect(rest.holds(["secret": word]) == [], "\(index)")
                }
            }
        }

        /// One that comes through a pipe, whose size nobody knows before: read to its end, or refused.
        @Test(arguments: [1 << 16, 5000]) func nothingIsLeftOfALongSecretFromAPipe(limit: Int) throws {
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            defer { close(ends[0]) }
            let word = Array([UInt8].random(3000).hex.utf8)
            #expect(write(ends[1], word, word.count) == word.count)
            close(ends[1])
            let place = Place([])
            let left = try Remains.onStackAndHeap {
                guard var secret = try? InputFile.readSecretFile(Array("/dev/fd/\(ends[0])".utf8), limit: limit)
                else { return }
                swap(&place.bytes, &secret)
            }
            #expect(place.bytes == (limit > word.count ? word : []))
            #expect(left.holds(["secret": word]) == [])
        }

        /// A key that is taken from a file, and read again from the store.
        @Test(arguments: [false, true]) func nothingIsLeftOfAKey(hasPassphrase: Bool) throws {
            var settings = KeySettings()
            settings.iterations = 1000
            let passphrase = [UInt8].random(16).hex
            var secrets = try privateParts(TestKey.rsa.pem)
            secrets["passphrase"] = Array(passphrase.utf8)
            if hasPassphrase {
                settings.existingKey = try OpenSSL.run(
                    ["pkcs8", "-topk8", "-passout", "pass:" + passphrase], input: TestKey.rsa.pem)
            } else {
                settings.existingKey = try OpenSSL.run(["rsa", "-traditional"], input: TestKey.rsa.pem)
            }
            let existing = settings.existingKey
            func expectNothing(_ name: String, _ body: (KeyProvider) throws -> Void) throws {
                settings.existingKey = existing.map { $0 + [] }
                settings.passphrase = hasPassphrase ? Array(passphrase.utf8) : []
                let provider = KeyProvider(settings)
                (settings.existingKey, settings.passphrase) = (nil, [])
                let left = try Remains.onHeap {
                    try body(provider)
                    provider.end()
                }
                #expect(left.holds(secrets) == [], "\(name)")
                #expect(left.keyScheduleCount == 0, "\(name)")
            }
            try expectNothing("checked") { try $0.check() }
            try expectNothing("forgotten") { $0.settings.forgetExistingKey() }
            let place = Place(8192)
            var count = 0
            try expectNothing("generated") { provider in
                var random = try seededRandom()
                defer { random.wipe() }
                var key = GatewayKey(context: provider)
                defer { key.wipe() }
                try key.generate(.rsa(bits: 2048), random: &random)
                try place.use { count = try key.serialize(into: &$0) }
                var text = try key.published(random: &random)
                text.wipe()
            }
            let kept = Array(place.bytes.prefix(count))
            try expectNothing("loaded") { provider in
                var key = GatewayKey(context: provider)
                defer { key.wipe() }
                try key.load(kept.span)
                try key.load(kept.span)
            }
            var damaged = kept
            damaged[damaged.count - 1] ^= 1
            try expectNothing("damaged") { provider in
                var key = GatewayKey(context: provider)
                defer { key.wipe() }
                try? key.load(damaged.span)
            }
        }
    }
}

extension KeyTests.TokenKeyTests {
    /// A PIN that is right, one that is refused, and one that was.
    @Test func nothingIsLeftOfAPIN() throws {
        let pins = (0..<2).map { _ in [UInt8].random(16).hex }
        let token = try SoftHSM("gate \(UUID().uuidString.prefix(8))", pin: pins[0])
        defer { try? token.remove() }
        try withTemporaryDirectory { directory in
            for (pin, expected) in [
                (pins[0], nil), (pins[1], .token(.wrongPIN)), (pins[1], .token(.pinRefusedBefore)),
            ] as [(String, KeyFailure?)] {
                let provider = KeyProvider(try settings(token, directory, pin: pin))
                var failure: KeyFailure?
                let left = try Remains.onHeap {
                    do throws(KeyFailure) {
                        try provider.check()
                    } catch {
                        failure = error
                    }
                    provider.end()
                }
                #expect(failure == expected)
                #expect(left.holds(["PIN": Array(pin.utf8)]) == [] && left.keyScheduleCount == 0, "\(expected)")
            }
        }
    }

    @Test func nothingIsLeftOfWhatATokenDecrypts() throws {
        try withToken { _, directory, _ in
            var random = try seededRandom()
            var key = GatewayKey()
            try key.generate(.rsa(bits: 2048), random: &random)
            let secret = [UInt8].random(32)
            let ciphertext = try OpenSSL.run(
                ["pkeyutl", "-encrypt", "-pubin", "-inkey", directory.write(publicPEM(&key), to: "public")],
                input: secret)
            let place = Place(256)
            var count = 0
            let left = try Remains.onHeap {
                try place.use { buffer in
                    count = try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
                }
            }
            #expect(Array(place.bytes.prefix(count)) == secret)
            #expect(left.holds(["secret": secret]) == [])
        }
    }
}
