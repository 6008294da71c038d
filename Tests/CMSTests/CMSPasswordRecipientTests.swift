import CMS
import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// Envelopes for keys that cannot decrypt (RFC 8894, 3.1; RFC 5652, 6.2.4; RFC 3211, 2.3).
@Suite struct CMSPasswordRecipientTests {
    static let ciphers: [(CipherAlgorithm, String)] = [
        (.aes128CBC, "-aes128"), (.aes192CBC, "-aes192"), (.aes256CBC, "-aes256"), (.tripleDESCBC, "-des3"),
    ]

    /// The certificate of a CA or RA with an EC key.
    private static let authority = Result { try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.p256) }

    private func ecKey() throws -> ECPrivateKey { try TestKey.p256.ecPrivateKey(.p256) }

    // MARK: Both ways with openssl

    @Test(arguments: ciphers, [0, 1, 15, 16, 17, 5000])
    func opensslDecryptsOurs(cipher: (algorithm: CipherAlgorithm, name: String), size: Int) throws {
        var random = SeededGenerator(seed: UInt64(size))
        let content = random.bytes(size)
        let message = try enveloped(
            content, for: Self.authority.get().der, password: "secret", cipher: cipher.algorithm)
        let out = try OpenSSL.run(
            ["cms", "-decrypt", "-binary", "-inform", "DER", "-pwri_password", "secret"], input: message)
        #expect(out == content)
        #expect(throws: OpenSSL.Failure.self) {
            try OpenSSL.run(
                ["cms", "-decrypt", "-binary", "-inform", "DER", "-pwri_password", "Secret"], input: message)
        }
        guard size == 17 else { return }
        // In DER to the last byte, and as RFC 5652, 6.1 has its version.
        #expect(try OpenSSL.run(["cms", "-cmsout", "-inform", "DER", "-outform", "DER"], input: message) == message)
        let text = String(
            decoding: try OpenSSL.run(["cms", "-cmsout", "-print", "-noout", "-inform", "DER"], input: message),
            as: UTF8.self)
        #expect(text.contains("d.envelopedData: \n    version: 3"))
        #expect(text.contains("d.pwri:") && !text.contains("d.ktri:"))
        let structure = String(
            decoding: try OpenSSL.run(["asn1parse", "-inform", "DER"], input: message), as: UTF8.self)
        #expect(structure.contains("OBJECT            :PBKDF2") && structure.contains(":hmacWithSHA256"))
        #expect(structure.contains("OBJECT            :id-alg-PWRI-KEK"))
        // 10,000 iterations.
        #expect(structure.contains("INTEGER           :2710"))
    }

    @Test func everyMessageHasItsOwnSaltAndKeys() throws {
        let recipient = try Self.authority.get().der
        let two = try writing { writer, random in
            for _ in 0..<2 {
                let end = try writer.beginEnvelope()
                let content = [UInt8](repeating: 0, count: 8)
                let password = Array("secret".utf8)
                try writer.write(bytes: content.span)
                try writer.wrapEnvelopedData(
                    from: end, for: Certificate(recipient.span), password: password.span, cipher: .aes128CBC,
                    random: &random)
            }
        }
        let identifier = [UInt8](hex: "06092A864886F70D01050C")
        let salts = two.indices.filter { two[$0...].starts(with: identifier) }.map { Array(two[($0 + 15)..<($0 + 31)]) }
        #expect(salts.count == 2 && salts[0] != salts[1])
        #expect(two.suffix(16) != two[..<(two.count / 2)].suffix(16))
    }

    @Test(
        arguments: ciphers,
        [([], "secret"), (["-stream"], "secret"), ([], "€ & ü"), ([], String(repeating: "long ", count: 40))])
    func opensslsAreOpened(
        cipher: (algorithm: CipherAlgorithm, name: String), how: (options: [String], password: String)
    ) throws {
        var random = SeededGenerator(seed: 1)
        let content = random.bytes(1000)
        let message = try OpenSSL.run(
            ["cms", "-encrypt", "-binary", "-outform", "DER", cipher.name] + how.options + [
                "-pwri_password", how.password,
            ],
            input: content)
        var key = try ecKey()
        #expect(try opened(message, &key, password: how.password) == content)
    }

    // MARK: What openssl's command line does not write

    static let variants: [(String, @Sendable (inout PasswordEnvelope) -> Void)] = [
        ("as openssl", { _ in }),
        ("1 iteration", { $0.iterations = [1] }),
        ("200,000 iterations", { $0.iterations = [0x03, 0x0D, 0x40] }),
        ("the shortest salt", { $0.salt = [1, 2, 3, 4, 5, 6, 7, 8] }),
        ("the longest salt", { $0.salt = [UInt8](repeating: 1, count: 64) }),
        ("the size of the key", { $0.parameters = [0x02, 0x01, 16] }),
        ("the size of the greatest key", { ($0.keyCipher, $0.parameters) = (.aes256, [0x02, 0x01, 32]) }),
        (
            "the most padding",
            { $0.block = [16, 0xFF, 0xFE, 0xFD] + $0.contentKey.prefix(16) + [UInt8](repeating: 0xEE, count: 44) }
        ),
        ("HMAC-SHA-1 by name", { $0.parameters = PasswordEnvelope.prf(7) }),
        ("HMAC-SHA-256", { ($0.parameters, $0.digest) = (PasswordEnvelope.prf(9), "SHA256") }),
        (
            "HMAC-SHA-256 without NULL",
            { ($0.parameters, $0.digest) = (PasswordEnvelope.prf(9, null: false), "SHA256") }
        ),
        ("HMAC-SHA-384", { ($0.parameters, $0.digest) = (PasswordEnvelope.prf(10), "SHA384") }),
        ("HMAC-SHA-512", { ($0.parameters, $0.digest) = (PasswordEnvelope.prf(11), "SHA512") }),
        ("both", { ($0.parameters, $0.digest) = ([0x02, 0x01, 16] + PasswordEnvelope.prf(11), "SHA512") }),
        ("AES-256 under AES-128", { $0.cipher = .aes256 }),
        ("AES-128 under AES-256", { $0.keyCipher = .aes256 }),
        ("AES-256 under triple DES", { ($0.cipher, $0.keyCipher) = (.aes256, .tripleDES) }),
        ("triple DES under AES-192", { ($0.cipher, $0.keyCipher) = (.tripleDES, .aes192) }),
        ("single DES under single DES", { ($0.cipher, $0.keyCipher) = (.des, .des) }),
    ]

    @Test(arguments: variants.indices) func variantsAreOpened(index: Int) throws {
        var envelope = PasswordEnvelope()
        Self.variants[index].1(&envelope)
        let content = Array("whatever".utf8)
        let message = try envelope.message(content)
        var key = try ecKey()
        #expect(try opened(message, &key, password: "secret") == content, "\(Self.variants[index].0)")
        // That the message is what it is meant to be; openssl reads a keyLength only for ciphers that have several.
        if envelope.cipher.name != "des-cbc", !envelope.parameters.starts(with: [0x02]) {
            let checked = try OpenSSL.run(
                ["cms", "-decrypt", "-binary", "-inform", "DER", "-pwri_password", "secret"], input: message)
            #expect(checked == content, "\(Self.variants[index].0)")
        }
    }

    /// RFC 3211, 3: keys from passwords, and content keys wrapped with them.
    @Test(
        arguments: [
            (
                PasswordEnvelope.Cipher.des, PasswordEnvelope.Cipher.des, "password", [0x05], "D1DAA78615F287E6",
                "EFE598EF21B33D6D", "8C627C897323A2F8", "B81B2565EE373CA6DEDCA26A178B0C10"
            ),
            (
                .tripleDES, .aes256, "All n-entities must communicate with other n-entities via n-1 entiteeheehees",
                [0x01, 0xF4], "6A8970BF68C92CAEA84A8DF28510858607126380CC47AB2D", "BAF1CA7931213C4E",
                "8C637D887223A2F965B566EB014B0FA5D52300A3F7EA40FFFC577203C71BAF3B",
                "C03C514ABDB9E2C5AAC038572B5E24553876B377AAFB82ECA5A9D73F8AB143D9EC74E6CAD7DB260C"
            ),
        ])
    func publishedVectorsAreOpened(
        keyCipher: PasswordEnvelope.Cipher, cipher: PasswordEnvelope.Cipher, password: String, iterations: [UInt8],
        keyEncryptionKey: String, iv: String, contentKey: String, encryptedKey: String
    ) throws {
        var envelope = PasswordEnvelope()
        envelope.password = password
        envelope.keyCipher = keyCipher
        envelope.cipher = cipher
        envelope.salt = [UInt8](hex: "1234567878563412")
        envelope.iterations = iterations
        envelope.keyIV = [UInt8](hex: iv)
        envelope.contentKey = [UInt8](hex: contentKey)
        envelope.encryptedKey = [UInt8](hex: encryptedKey)
        #expect(try envelope.keyEncryptionKey() == [UInt8](hex: keyEncryptionKey))
        var key = try ecKey()
        let content = Array("whatever".utf8)
        #expect(try opened(envelope.message(content), &key, password: password) == content)
    }

    // MARK: Defects

    /// A defect, and the error at the offset of the bytes that `place` spells.
    struct Defect: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let kind: DERError.Kind
        /// Bytes that stand where the error is, and how far behind the first of them.
        let place: String
        var behind = 0
        let make: @Sendable (inout PasswordEnvelope) -> Void

        init(
            _ name: String, _ kind: DERError.Kind, at place: String, behind: Int = 0,
            _ make: @escaping @Sendable (inout PasswordEnvelope) -> Void
        ) {
            (testDescription, self.kind, self.place, self.behind, self.make) = (name, kind, place, behind, make)
        }
    }

    private static let pbkdf2 = "06092A864886F70D01050C"
    private static let pwriKEK = "060B2A864886F70D0109100309"

    static let defects = [
        Defect("no iterations", .invalidInteger, at: "020100 302C") { $0.iterations = [0] },
        Defect("a negative number of iterations", .invalidInteger, at: "0201FF") { $0.iterations = [0xFF] },
        Defect("200,001 iterations", .invalidInteger, at: "0203030D41") { $0.iterations = [0x03, 0x0D, 0x41] },
        Defect("2^31 iterations", .invalidInteger, at: "02050080000000") {
            $0.iterations = [0x00, 0x80, 0x00, 0x00, 0x00]
        },
        Defect("2^64 iterations", .invalidInteger, at: "02090100000000") {
            $0.iterations = [0x01, 0, 0, 0, 0, 0, 0, 0, 0]
        },
        Defect("a salt of 7 bytes", .unsupportedAlgorithm, at: "04075A5A5A") {
            $0.salt = [UInt8](repeating: 0x5A, count: 7)
        },
        Defect("a salt of 65 bytes", .unsupportedAlgorithm, at: "04415A5A5A") {
            $0.salt = [UInt8](repeating: 0x5A, count: 65)
        },
        Defect("a salt from elsewhere", .unexpectedTag, at: "3003060100") {
            $0.change = { name, element in
                name == "pbkdf2" ? ([UInt8](hex: "3003060100") + [0x02, 0x01, 0x05]).tagged(0x30) : element
            }
        },
        Defect("a key of another size", .unsupportedAlgorithm, at: pbkdf2, behind: -2) {
            $0.parameters = [0x02, 0x01, 24]
        },
        Defect("a key of 33 bytes", .invalidInteger, at: "020121") { $0.parameters = [0x02, 0x01, 33] },
        Defect("HMAC-SHA-224", .unsupportedAlgorithm, at: "06082A864886F70D0208", behind: -2) {
            $0.parameters = PasswordEnvelope.prf(8)
        },
        Defect("parameters of HMAC", .trailingBytes, at: "0201FE") {
            $0.parameters = ([UInt8](hex: "0608 2A864886F70D0209") + [0x02, 0x01, 0xFE]).tagged(0x30)
        },
        Defect("more in PBKDF2's parameters", .trailingBytes, at: "0403AABBCC") {
            $0.parameters = PasswordEnvelope.prf(7) + [0x04, 0x03, 0xAA, 0xBB, 0xCC]
        },
        Defect("more behind PBKDF2's parameters", .trailingBytes, at: "0403AABBCC") {
            $0.change = { name, element in name == "pbkdf2" ? element + [0x04, 0x03, 0xAA, 0xBB, 0xCC] : element }
        },
        Defect("another derivation: scrypt", .unsupportedAlgorithm, at: "06092B06010401DA47040B", behind: -2) {
            $0.change = { name, element in
                name == "derivation" ? ([UInt8](hex: "06092B06010401DA47040B") + [0x30, 0x00]).tagged(0xA0) : element
            }
        },
        Defect("no derivation", .unsupportedAlgorithm, at: pwriKEK, behind: -2) {
            $0.change = { name, element in name == "derivation" ? [] : element }
        },
        Defect("a derivation with another tag", .unsupportedAlgorithm, at: pbkdf2, behind: -2) {
            $0.change = { name, element in name == "derivation" ? [0x30] + element.dropFirst() : element }
        },
        Defect("more behind the cipher of the wrap", .trailingBytes, at: "0403AABBCC") {
            $0.change = { name, element in name == "keyCipher" ? element + [0x04, 0x03, 0xAA, 0xBB, 0xCC] : element }
        },
        Defect("version 1", .invalidInteger, at: "020101 A0") { $0.version = [0x02, 0x01, 0x01] },
        Defect("another wrap: triple DES", .unsupportedAlgorithm, at: "060B2A864886F70D0109100306", behind: -2) {
            $0.change = { name, element in
                name == "encryption"
                    ? ([UInt8](hex: "060B2A864886F70D0109100306") + [0x05, 0x00]).tagged(0x30) : element
            }
        },
        Defect("a wrap in counter mode", .unsupportedAlgorithm, at: "060960864801650304012D 04 10 C2", behind: -2) {
            $0.change = { name, element in
                name == "keyCipher"
                    ? ([UInt8](hex: "060960864801650304012D") + [UInt8](repeating: 0xC2, count: 16).tagged(4))
                        .tagged(0x30) : element
            }
        },
        Defect("a vector that is too short", .unsupportedAlgorithm, at: "040FC2C2C2C2") {
            $0.keyIV = [UInt8](repeating: 0xC2, count: 15)
        },
        Defect("more in the recipient", .trailingBytes, at: "0403AABBCC") {
            $0.change = { name, element in name == "recipient" ? element + [0x04, 0x03, 0xAA, 0xBB, 0xCC] : element }
        },
        Defect("two recipients", .notOneRecipient, at: "020103 31", behind: 3) {
            $0.change = { name, element in name == "recipients" ? element + element : element }
        },
    ]

    @Test(arguments: defects) func defectsAreFound(_ defect: Defect) throws {
        var envelope = PasswordEnvelope()
        defect.make(&envelope)
        let message = try envelope.message(Array("whatever".utf8))
        let place = try #require(message.firstRange(of: [UInt8](hex: defect.place)))
        var key = try ecKey()
        #expect(throws: DERError(defect.kind, at: place.lowerBound + defect.behind)) {
            try opened(message, &key, password: "secret")
        }
    }

    /// Whatever is wrong with password, wrapped key or content, the error is the same, at the same place.
    @Test func failuresCannotBeToldApart() throws {
        let content = [UInt8](repeating: 0x55, count: 100)
        var envelope = PasswordEnvelope()
        let message = try envelope.message(content)
        let place = message.count - 112
        #expect(message[(place - 2)..<place] == [0x80, 0x70])
        let failed = DERError(.crypto(.decryptionFailed), at: place)
        var key = try ecKey()
        #expect(try opened(message, &key, password: "secret") == content)
        for password in ["Secret", "secret ", "s", String(repeating: "x", count: 255)] {
            #expect(throws: failed) { try opened(message, &key, password: password) }
        }
        // Every byte of the wrapped key: each changes the check bytes.
        let identifier = try #require(message.firstRange(of: [UInt8](hex: Self.pwriKEK)))
        let wrapped = identifier.upperBound + 31 + 2
        #expect(message[(wrapped - 2)..<wrapped] == [0x04, 0x20])
        for position in wrapped..<(wrapped + 32) {
            var damaged = message
            damaged[position] ^= 0x10
            #expect(throws: failed) { try opened(damaged, &key, password: "secret") }
        }
        // Each check byte, and the size, wrong by one bit within what decrypts well.
        let right: [UInt8] = [16] + envelope.contentKey.prefix(3).map { ~$0 }
        for position in right.indices {
            for bit in 0..<8 {
                var check = right
                check[position] ^= 1 << UInt8(bit)
                envelope.check = check
                #expect(throws: failed) { try opened(envelope.message(content), &key, password: "secret") }
            }
        }
        // A key for another cipher.
        envelope = PasswordEnvelope()
        envelope.cipher = .aes192
        envelope.check = [16] + envelope.contentKey.prefix(3).map { ~$0 }
        #expect(throws: failed) { try opened(envelope.message(content), &key, password: "secret") }
        // A key that claims more than what is wrapped has space for, whose rest would be zeros; and more padding than is
        // taken.
        var short = PasswordEnvelope()
        (short.cipher, short.keyCipher) = (.aes256, .tripleDES)
        short.block = [32, 0xFF, 0xFE, 0xFD] + short.contentKey.prefix(12)
        short.contentKey = short.contentKey.prefix(12) + [UInt8](repeating: 0, count: 20)
        var long = PasswordEnvelope()
        long.block = [16, 0xFF, 0xFE, 0xFD] + long.contentKey.prefix(16) + [UInt8](repeating: 0xEE, count: 60)
        for message in [try short.message(content), try long.message(content)] {
            #expect(throws: DERError(.crypto(.decryptionFailed), at: message.count - 112)) {
                try opened(message, &key, password: "secret")
            }
        }
        // Wrapped keys of impossible sizes.
        for count in [0, 1, 15, 16, 31, 33, 65, 80] {
            envelope = PasswordEnvelope()
            envelope.encryptedKey = [UInt8](repeating: 7, count: count)
            let message = try envelope.message(content)
            #expect(throws: DERError(.crypto(.decryptionFailed), at: message.count - 112), "\(count) bytes") {
                try opened(message, &key, password: "secret")
            }
        }
    }

    // MARK: Who may

    @Test func aPasswordIsForKeysThatCannotDecrypt() throws {
        let message = try PasswordEnvelope().message([1, 2, 3])
        let recipient = try #require(message.firstRange(of: [0x02, 0x01, 0x00, 0xA0])).lowerBound - 2
        #expect(message[recipient] == 0xA3)
        var rsa = try TestKey.rsa.rsaPrivateKey()
        #expect(throws: DERError(.unsupportedAlgorithm, at: recipient)) {
            try opened(message, &rsa, password: "secret")
        }
        var key = try ecKey()
        #expect(throws: DERError(.passwordMissing, at: recipient)) { try opened(message, &key) }
        // And the other way round: key transport is not for an EC key, with or without a password.
        let transported = try enveloped([1, 2, 3], for: OpenSSLIdentity.recipient.der)
        #expect(throws: DERError(.crypto(.unsupported), at: transported.count - 16)) {
            try opened(transported, &key, password: "secret")
        }
        // Key agreement is nobody's.
        let agreed = try withTemporaryDirectory { directory in
            try OpenSSL.run(
                [
                    "cms", "-encrypt", "-outform", "DER", "-aes128", "-recip",
                    directory.write(Self.authority.get().certificate, to: "crt"),
                ], input: [1, 2, 3])
        }
        let start = try #require(agreed.firstRange(of: [0x02, 0x01, 0x03])).lowerBound - 3
        #expect(agreed[start] == 0xA1)
        #expect(throws: DERError(.unsupportedAlgorithm, at: start)) { try opened(agreed, &key, password: "secret") }
    }

    @Test func nothingIsEncryptedWithoutAPassword() throws {
        let recipient = try Self.authority.get().der
        #expect {
            try enveloped([1], for: recipient)
        } throws: {
            ($0 as? DERError)?.kind == .passwordMissing
        }
        // For an RSA key the password is not looked at.
        let message = try enveloped([1], for: OpenSSLIdentity.recipient.der, password: "secret")
        #expect(message.firstRange(of: [UInt8](hex: Self.pbkdf2)) == nil)
    }

    /// What a policy is asked about: both ciphers.
    @Test func theCipherOfTheKeyIsTold() throws {
        var envelope = PasswordEnvelope()
        envelope.cipher = .aes256
        envelope.keyCipher = .tripleDES
        let message = try envelope.message([1])
        let parsed = try EnvelopedData(message.span, in: message.indices)
        #expect(parsed.cipher == .aes256CBC && parsed.keyEncryptionCipher == .tripleDESCBC)
        let transported = try enveloped([1], for: OpenSSLIdentity.recipient.der)
        #expect(try EnvelopedData(transported.span, in: transported.indices).keyEncryptionCipher == nil)
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let recipient = try Self.authority.get().der
        let size = try enveloped([UInt8](repeating: 1, count: 100), for: recipient, password: "secret").count
        for capacity in stride(from: 1, to: size - 4, by: 9) {
            #expect {
                try enveloped([UInt8](repeating: 1, count: 100), for: recipient, password: "secret", capacity: capacity)
            } throws: {
                ($0 as? DERError)?.kind == .bufferFull
            }
        }
    }

    @Test func damagedMessagesDoNotTrap() throws {
        var envelope = PasswordEnvelope()
        envelope.iterations = [0x01]
        envelope.parameters = [0x02, 0x01, 16] + PasswordEnvelope.prf(9)
        envelope.digest = "SHA256"
        let message = try envelope.message([UInt8](repeating: 0x55, count: 40))
        var key = try ecKey()
        #expect(try opened(message, &key, password: "secret").count == 40)
        for count in message.indices {
            #expect(throws: DERError.self) { try opened(Array(message[..<count]), &key, password: "secret") }
        }
        for position in message.indices {
            for bit in 0..<8 {
                var damaged = message
                damaged[position] ^= 1 << UInt8(bit)
                // Version numbers, salts and vectors may change without a trace here; whatever comes, it ends.
                _ = try? opened(damaged, &key, password: "secret")
            }
        }
    }
}
