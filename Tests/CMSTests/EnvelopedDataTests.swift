import CMS
import DER
import DeviceCrypto
import Foundation
import PKIX
import TestKeys
import TestSupport
import Testing

@Suite struct EnvelopedDataTests {
    static let ciphers: [(CipherAlgorithm, String)] = [
        (.aes128CBC, "-aes128"), (.aes192CBC, "-aes192"), (.aes256CBC, "-aes256"), (.tripleDESCBC, "-des3"),
    ]

    /// The device's RSA key with a certificate that openssl made.
    private static let device = Result { try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa) }

    @Test(arguments: ciphers, [0, 1, 7, 8, 15, 16, 17, 31, 32, 5000])
    func opensslDecryptsOurs(cipher: (algorithm: CipherAlgorithm, name: String), size: Int) throws {
        var random = SeededGenerator(seed: UInt64(size))
        let content = random.bytes(size)
        let recipient = try OpenSSLIdentity.recipient
        let message = try enveloped(content, for: recipient.der, cipher: cipher.algorithm)
        try withTemporaryDirectory { directory in
            let key = try directory.write(recipient.key, to: "key")
            let certificate = try directory.write(recipient.certificate, to: "crt")
            let out = try OpenSSL.run(
                ["cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", key, "-recip", certificate],
                input: message)
            #expect(out == content)
        }
        if size == 17 {
            #expect(
                try OpenSSL.run(["cms", "-cmsout", "-inform", "DER", "-outform", "DER"], input: message) == message)
            try OpenSSL.run(["asn1parse", "-inform", "DER"], input: message)
        }
    }

    @Test(
        arguments: ciphers,
        [
            [], ["-stream"], ["-keyid"], ["-keyopt", "rsa_padding_mode:oaep"],
            ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"],
            ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha384", "-stream"],
            ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha512"],
        ])
    func opensslsAreOpened(cipher: (algorithm: CipherAlgorithm, name: String), options: [String]) throws {
        var random = SeededGenerator(seed: 1)
        let content = random.bytes(5000)
        let message = try encrypted(content, [cipher.name] + options)
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect(try opened(message, &key) == content)
    }

    private func encrypted(_ content: [UInt8], _ options: [String]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let device = try Self.device.get()
            return try OpenSSL.run(
                ["cms", "-encrypt", "-binary", "-outform", "DER"] + options.filter { $0.hasPrefix("-aes") }
                    + options.filter { $0 == "-des3" || $0 == "-stream" || $0 == "-keyid" }
                    + ["-recip", directory.write(device.certificate, to: "crt")]
                    + options.filter { $0 == "-keyopt" || $0.hasPrefix("rsa_") },
                input: content)
        }
    }

    /// What openssl makes and we do not take: the error says where.
    @Test func othersAreRefused() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let unsupported = try encrypted([1, 2, 3], ["-aes128"])
        // Another mode: AES-128 in OFB.
        let identifier = [UInt8](hex: "0609 608648016503040102")
        let place = try #require(unsupported.firstRange(of: identifier))
        var other = unsupported
        other[place.upperBound - 1] = 3
        #expect(throws: DERError(.unsupportedAlgorithm, at: place.lowerBound - 2)) { try opened(other, &key) }

        let oaep = try encrypted(
            [1],
            [
                "-aes128", "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt",
                "rsa_mgf1_md:sha1",
            ])
        // At the parameters, behind the identifier.
        let algorithm = try #require(oaep.firstRange(of: [UInt8](hex: "06092A864886F70D010107")))
        #expect(throws: DERError(.unsupportedAlgorithm, at: algorithm.upperBound + 2)) { try opened(oaep, &key) }

        let labelled = try encrypted(
            [1], ["-aes128", "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_label:abcd"])
        let source = try #require(labelled.firstRange(of: [UInt8](hex: "06092A864886F70D010109")))
        #expect(throws: DERError(.unsupportedAlgorithm, at: source.lowerBound - 4)) { try opened(labelled, &key) }

        try withTemporaryDirectory { directory in
            let recipients = [
                try directory.write(Self.device.get().certificate, to: "crt"),
                try directory.write(OpenSSLIdentity.recipient.certificate, to: "other"),
            ]
            let two = try OpenSSL.run(
                ["cms", "-encrypt", "-outform", "DER", "-aes128"] + recipients, input: [1, 2, 3])
            #expect {
                try opened(two, &key)
            } throws: {
                ($0 as? DERError)?.kind == .notOneRecipient
            }
            // A password instead of a key.
            let password = try OpenSSL.run(
                ["cms", "-encrypt", "-outform", "DER", "-aes128", "-pwri_password", "secret"], input: [1, 2, 3])
            #expect {
                try opened(password, &key)
            } throws: {
                ($0 as? DERError)?.kind == .unsupportedAlgorithm
            }
        }
    }

    /// Whatever is wrong with key or content, the error is the same, at the same place (RFC 3218, 2.3).
    @Test func failuresCannotBeToldApart() throws {
        let device = try Self.device.get()
        let content = [UInt8](repeating: 0x55, count: 100)
        let message = try enveloped(content, for: device.der)
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect(try opened(message, &key) == content)
        let place = message.count - 112
        #expect(message[(place - 2)..<place] == [0x80, 0x70])
        let failed = DERError(.crypto(.decryptionFailed), at: place)
        let keyEnd = try #require(message.firstRange(of: [UInt8](hex: "04820100"))).upperBound + 256

        // A damaged content key: the content comes out as noise, whose padding is right once in 256 times.
        var passed = 0
        for position in (keyEnd - 256)..<keyEnd where position % 4 == 0 {
            var damaged = message
            damaged[position] ^= 1
            do {
                #expect(try opened(damaged, &key) != content)
                passed += 1
            } catch {
                #expect(error as? DERError == failed)
            }
        }
        #expect(passed < 5)
        // The last block, and the padding in it through the block before.
        for position in (message.count - 32)..<message.count {
            var damaged = message
            damaged[position] ^= 0x80
            do {
                #expect(try opened(damaged, &key) != content)
            } catch {
                #expect(error as? DERError == failed)
            }
        }
        // A padding of 0 and one of 17, made by turning bits over in the block before.
        for padding: UInt8 in [0, 17, 0xFF] {
            var damaged = message
            damaged[message.count - 17] ^= 12 ^ padding
            #expect(throws: failed) { try opened(damaged, &key) }
        }
        // Another key, and a key of another size.
        var other = try TestKey(pem: OpenSSLIdentity.recipient.key).rsaPrivateKey()
        do {
            #expect(try opened(message, &other) != content)
        } catch {
            #expect(error as? DERError == failed)
        }
        var larger = try TestKey(pem: OpenSSL.run(["genrsa", "3072"])).rsaPrivateKey()
        #expect(throws: failed) { try opened(message, &larger) }
        // An elliptic curve key has no such thing.
        var ec = try TestKey.p256.ecPrivateKey(.p256)
        #expect(throws: DERError(.crypto(.unsupported), at: place)) { try opened(message, &ec) }
    }

    @Test func shortKeysAreNotEncryptedTo() throws {
        let weak = try OpenSSLIdentity(subject: "/CN=RA", newKey: ["rsa:1024"])
        #expect {
            try enveloped([1], for: weak.der)
        } throws: {
            ($0 as? DERError)?.kind.cryptoError == .invalidKey
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let recipient = try OpenSSLIdentity.recipient.der
        let size = try enveloped([UInt8](repeating: 1, count: 100), for: recipient).count
        for capacity in stride(from: 1, to: size - 4, by: 5) {
            #expect {
                try enveloped([UInt8](repeating: 1, count: 100), for: recipient, capacity: capacity)
            } throws: {
                ($0 as? DERError)?.kind == .bufferFull
            }
        }
    }

    @Test func damagedMessagesDoNotTrap() throws {
        let device = try Self.device.get()
        let message = try enveloped([UInt8](repeating: 0x55, count: 40), for: device.der)
        var key = try TestKey.p256.ecPrivateKey(.p256)
        for count in message.indices {
            #expect(throws: DERError.self) { try opened(Array(message[..<count]), &key) }
        }
        for position in message.indices {
            for bit in 0..<8 {
                var damaged = message
                damaged[position] ^= 1 << UInt8(bit)
                #expect(throws: DERError.self) { try opened(damaged, &key) }
            }
        }
    }

    @Test(
        .enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)),
        arguments: [
            ("jscep/04-PKIOperation.rsp.der", "jscep/client.key"),
            ("jscep/06-PKIOperation.rsp.der", "jscep/client.key"),
            ("jscep/12-PKIOperation.rsp.der", "jscep/client.key"),
            ("jscep/14-PKIOperation.rsp.der", "jscep/client.key"), ("jscep/10-PKIOperation.rsp.der", "jscep/des3.key"),
            ("jscep/04-PKIOperation.req.der", "ca"), ("jscep/06-PKIOperation.req.der", "ca"),
            ("jscep/08-PKIOperation.req.der", "ca"), ("jscep/10-PKIOperation.req.der", "ca"),
            ("jscep/12-PKIOperation.req.der", "ca"), ("jscep/14-PKIOperation.req.der", "ca"),
            ("jscep/16-PKIOperation.req.der", "ca"), ("jscep/17-PKIOperation.req.der", "ca"),
        ])
    func recordedEnvelopesAreOpened(name: String, keyName: String) throws {
        let envelope = try readingSignedData(try Fixtures.read(name)) { signedData, buffer in
            signedData.content.map { Array(buffer[$0]) } ?? []
        }
        let pem =
            keyName == "ca"
            ? try OpenSSL.run(
                ["pkey", "-inform", "DER"], input: try Fixtures.read("jscep/server-ca-key.pkcs8.der"))
            : try Fixtures.read(keyName)
        var key = try TestKey(pem: pem).rsaPrivateKey()
        let plain = try opened(envelope, &key)
        let checked = try withTemporaryDirectory { directory in
            try OpenSSL.run(
                ["cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", directory.write(pem, to: "key")],
                input: envelope)
        }
        #expect(plain == checked)
    }

    /// Those of which nobody has the key are read as far as that goes.
    @Test(
        .enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)),
        arguments: [
            ("micromdm_certrep.der", CipherAlgorithm.desCBC, "des-cbc"),
            ("micromdm_pkcsreq.der", .tripleDESCBC, "des-ede3-cbc"),
            ("cryptlib_req1.der", .aes128CBC, "aes-128-cbc"), ("cryptlib_resp1.der", .aes128CBC, "aes-128-cbc"),
        ])
    func recordedEnvelopesOfStrangersAreRead(name: String, cipher: CipherAlgorithm, word: String) throws {
        var message = try Fixtures.read(name)
        if name.hasPrefix("micromdm") {
            message = try readingSignedData(message) { signedData, buffer in
                signedData.content.map { Array(buffer[$0]) } ?? []
            }
        }
        let printed = try OpenSSL.run(["cms", "-cmsout", "-print", "-inform", "DER"], input: message)
        #expect(String(decoding: printed, as: UTF8.self).contains("algorithm: \(word) ("))
        var work = message
        let range: Range<Int>
        do {
            var bytes = work.mutableSpan
            range = try BER.normalize(&bytes, in: message.indices)
        }
        #expect(try EnvelopedData(work.span, in: range).cipher == cipher)
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect {
            try opened(message, &key)
        } throws: {
            ($0 as? DERError)?.kind == .crypto(.decryptionFailed)
        }
    }
}
