import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

@testable import CMS

/// No secret of an envelope is left on the stack: SECURITY.md, "Secrets in RAM".
@Suite struct CMSWipeTests {
    private static let password = "a password of thirty-two bytes.."
    private static let bytes = Array(password.utf8)
    private static let rsaRecipient = Result { try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.rsa) }
    private static let ecRecipient = Result { try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.p256) }

    /// The password, as HMAC begins with it (RFC 2104).
    private static var passwordSecrets: [String: [UInt8]] {
        let bytes = Array(password.utf8)
        return ["password": bytes, "inner pad": bytes.map { $0 ^ 0x36 }, "outer pad": bytes.map { $0 ^ 0x5C }]
    }

    /// What PBKDF2 makes of the password, by openssl.
    private func derivedKey(salt: [UInt8], iterations: Int, digest: String, size: Int = 32) throws -> [UInt8] {
        try OpenSSL.run([
            "kdf", "-binary", "-keylen", "\(size)", "-kdfopt", "digest:\(digest)", "-kdfopt", "pass:\(Self.password)",
            "-kdfopt", "hexsalt:\(salt.hex)", "-kdfopt", "iter:\(iterations)", "-kdfopt", "pkcs5:1", "PBKDF2",
        ])
    }

    /// What a generator of this seed gives: a content key, a vector, and with a password a salt.
    private func drawn(_ seed: UInt8) throws -> (key: [UInt8], iv: [UInt8], salt: [UInt8]) {
        var random = try seededRandom(seed)
        var bytes = [UInt8](repeating: 0, count: 32)
        var parts: [[UInt8]] = []
        for count in [32, 16, 16] {
            var buffer = bytes.mutableSpan
            var part = buffer._mutatingExtracting(first: count)
            try random.fill(&part)
            parts.append(Array(bytes[..<count]))
        }
        return (parts[0], parts[1], parts[2])
    }

    /// Runs `body` where the end of the thread, which needs some of the stack too, does not reach.
    @inline(never) private static func deeper(_ count: Int, _ body: () -> Void) {
        if count > 0 { deeper(count - 1, body) } else { body() }
    }

    /// The harness finds what is left, or all of this proves nothing.
    @Test func whatIsLeftIsFound() throws {
        let secret = [UInt8].random(32)
        let left = try Remains {
            Self.deeper(100) {
                var copy = InlineArray<32, UInt8>(repeating: 0)
                for index in 0..<32 { copy[index] = secret[index] }
                withUnsafeBytes(of: &copy) { #expect($0[31] == secret[31]) }
            }
        }
        // What ran behind it may have written over a part.
        #expect(left.holds(["a secret": secret]).count == 1)
        #expect(left.holds(["another": .random(32)]) == [])
    }

    @Test(arguments: [false, true]) func envelope(withPassword: Bool) throws {
        let content = [UInt8].random(100)
        let certificate = try (withPassword ? Self.ecRecipient : Self.rsaRecipient).get().der
        let buffer = Place(2048)
        let left = try Remains {
            var random = try seededRandom(0x31)
            try buffer.use { buffer in
                var writer = DERWriter(&buffer, end: 2048)
                let end = try writer.beginEnvelope()
                try writer.write(bytes: content.span)
                try writer.wrapEnvelopedData(
                    from: end, for: Certificate(certificate.span), password: Self.bytes.span, cipher: .aes256CBC,
                    random: &random)
            }
            random.wipe()
        }
        let drawn = try drawn(0x31)
        var secrets = ["content": content, "content key": drawn.key]
        // That it is the key, with which the content was encrypted.
        #expect(buffer.bytes.firstRange(of: drawn.iv) != nil)
        if withPassword {
            #expect(buffer.bytes.firstRange(of: drawn.salt) != nil)
            secrets["key-encryption key"] = try derivedKey(salt: drawn.salt, iterations: 10_000, digest: "SHA256")
            secrets.merge(Self.passwordSecrets) { one, _ in one }
        }
        #expect(left.holds(secrets) == [])
        buffer.bytes.withUnsafeBytes { #expect(Remains.found(secrets, in: $0) == []) }
    }

    @Test func openingWithAKey() throws {
        let content = [UInt8].random(100)
        let drawn = try drawn(0x5A)
        let message = try enveloped(content, for: Self.rsaRecipient.get().der, cipher: .aes256CBC)
        var key = try TestKey.rsa.rsaPrivateKey()
        var exported = [UInt8](repeating: 0, count: key.exportSize)
        do {
            var buffer = exported.mutableSpan
            _ = try key.export(into: &buffer)
        }
        let buffer = Place(message)
        var range = 0..<0
        let left = try Remains {
            var random = try seededRandom(0x32)
            var key = RSAPrivateKey()
            try key.load(exported.span)
            try buffer.use { buffer in
                let envelope = try EnvelopedData(buffer.span, in: 0..<buffer.count)
                range = try envelope.open(&buffer, key: &key, password: Span(), random: &random)
            }
            key.wipe()
        }
        #expect(Array(buffer.bytes[range]) == content)
        let primes = Array(exported[7..<263])
        let encryptedKey = try #require(message.firstRange(of: [UInt8](hex: "04820100"))).upperBound
        let substitute = try OpenSSL.run(
            ["dgst", "-sha256", "-binary"], input: primes + message[encryptedKey..<(encryptedKey + 256)])
        #expect(
            left.holds(["content": content, "content key": drawn.key, "primes": primes, "substitute": substitute]) == []
        )
    }

    @Test func openingWithAPassword() throws {
        let content = [UInt8].random(100)
        var envelope = PasswordEnvelope()
        envelope.password = Self.password
        (envelope.cipher, envelope.keyCipher) = (.aes256, .aes256)
        envelope.contentKey = .random(32)
        let buffer = Place(try envelope.message(content))
        var range = 0..<0
        var key = try TestKey.p256.ecPrivateKey(.p256)
        var exported = [UInt8](repeating: 0, count: key.exportSize)
        do {
            var buffer = exported.mutableSpan
            _ = try key.export(into: &buffer)
        }
        let left = try Remains {
            var random = try seededRandom(0x33)
            var key = ECPrivateKey()
            try key.load(exported.span)
            try buffer.use { buffer in
                let envelope = try EnvelopedData(buffer.span, in: 0..<buffer.count)
                range = try envelope.open(&buffer, key: &key, password: Self.bytes.span, random: &random)
            }
            key.wipe()
        }
        #expect(Array(buffer.bytes[range]) == content)
        var secrets = Self.passwordSecrets
        secrets["content"] = content
        secrets["content key"] = envelope.contentKey
        secrets["key-encryption key"] = try envelope.keyEncryptionKey()
        #expect(left.holds(secrets) == [])
    }

    /// What a content key is unwrapped in: whatever runs later on the same stack may cover it, so that it is looked at where
    /// it is.
    @Test func wrappedKeysArePlacesThatAreEmptied() throws {
        let (key, iv) = ([UInt8].random(32), [UInt8].random(16))
        var wrapped = WrappedKey(.aes256CBC)
        try wrapped.makeKey(.sha256, password: Self.bytes.span, salt: iv.span, iterations: 2)
        let keyEncryptionKey = try derivedKey(salt: iv, iterations: 2, digest: "SHA256")
        var random = try seededRandom(0x37)
        try wrapped.wrap(key.span, iv: iv.span, random: &random)
        var again = [UInt8](repeating: 0, count: 32)
        var buffer = again.mutableSpan
        try wrapped.unwrap(iv: iv.span, into: &buffer)
        #expect(again == key)
        let secrets = ["content key": key, "key-encryption key": keyEncryptionKey]
        func found() -> [String] { withUnsafeBytes(of: &wrapped) { Remains.found(secrets, in: $0) } }
        #expect(found().count == 2)
        wrapped.wipe()
        #expect(found() == [])
    }

    /// Wrapping and unwrapping by themselves, so that nothing which runs later covers what they leave.
    @Test func wrappingAndUnwrapping() throws {
        var envelope = PasswordEnvelope()
        envelope.password = Self.password
        (envelope.cipher, envelope.keyCipher) = (.aes256, .aes256)
        envelope.contentKey = .random(32)
        let message = try envelope.message([1, 2, 3])
        let parsed = try EnvelopedData(message.span, in: message.indices)
        guard case .password(let recipient) = parsed.recipient else {
            Issue.record("no password")
            return
        }
        let key = Place(32)
        let unwrapping = try Remains {
            try key.use { buffer in
                try recipient.unwrap(message.span, parsed.encryptedKey, password: Self.bytes.span, into: &buffer)
            }
        }
        #expect(key.bytes == envelope.contentKey)
        var secrets = Self.passwordSecrets
        secrets["content key"] = envelope.contentKey
        secrets["key-encryption key"] = try envelope.keyEncryptionKey()
        #expect(unwrapping.holds(secrets) == [])

        let buffer = Place(512)
        let contentKey = envelope.contentKey
        let wrapping = try Remains {
            var random = try seededRandom(0x38)
            try buffer.use { buffer in
                var writer = DERWriter(&buffer, end: 512)
                try writer.write(
                    passwordRecipientInfo: Self.bytes.span, key: contentKey.span, cipher: .aes256CBC, random: &random)
            }
        }
        // Salt and vector are the first that are drawn.
        var random = try seededRandom(0x38)
        var salt = [UInt8](repeating: 0, count: 16)
        do {
            var buffer = salt.mutableSpan
            try random.fill(&buffer)
        }
        #expect(buffer.bytes.firstRange(of: salt) != nil)
        secrets["key-encryption key"] = try derivedKey(salt: salt, iterations: 10_000, digest: "SHA256")
        #expect(wrapping.holds(secrets) == [])
    }

    @Test func protectingAKey() throws {
        let content = Array([UInt8].random(100)).tagged(0x30)
        let buffer = Place(512)
        var range = 0..<0
        let encrypting = try Remains {
            var random = try seededRandom(0x34)
            try buffer.use { buffer in
                var writer = DERWriter(&buffer, end: 512)
                let end = try writer.beginEnvelope()
                try writer.write(bytes: content.span)
                try writer.encryptPrivateKeyInfo(
                    from: end, password: Self.bytes.span, iterations: 2, random: &random)
                range = writer.front..<512
            }
        }
        var secrets = Self.passwordSecrets
        secrets["content"] = content
        let message = Array(buffer.bytes[range])
        let salt = try #require(message.firstRange(of: [UInt8](hex: "06092A864886F70D01050C"))).upperBound + 4
        #expect(message[(salt - 2)..<salt] == [0x04, 0x10])
        secrets["key"] = try derivedKey(
            salt: Array(message[salt..<(salt + 16)]), iterations: 2, digest: "SHA256")
        #expect(encrypting.holds(secrets) == [])
        buffer.bytes.withUnsafeBytes { #expect(Remains.found(secrets, in: $0) == []) }

        let again = Place(message)
        var rangeAgain = 0..<0
        let decrypting = try Remains {
            try again.use { buffer in
                rangeAgain = try EncryptedPrivateKeyInfo(buffer.span).decrypt(&buffer, password: Self.bytes.span)
            }
        }
        #expect(Array(again.bytes[rangeAgain]) == content)
        #expect(decrypting.holds(secrets) == [])
    }

    /// What the right password opens and is no key is not left in the buffer either.
    @Test func whatIsNoKeyIsNotLeft() throws {
        let content = Array([UInt8].random(100)).tagged(0x04)
        var random = try seededRandom(0x35)
        var bytes = [UInt8](repeating: 0, count: 512)
        var buffer = bytes.mutableSpan
        var writer = DERWriter(&buffer, end: 512)
        let end = try writer.beginEnvelope()
        try writer.write(bytes: content.span)
        try writer.encryptPrivateKeyInfo(from: end, password: Self.bytes.span, iterations: 2, random: &random)
        var message = writer.written.array
        #expect(throws: CryptoError.decryptionFailed) {
            var buffer = message.mutableSpan
            _ = try EncryptedPrivateKeyInfo(buffer.span).decrypt(&buffer, password: Self.bytes.span)
        }
        message.withUnsafeBytes { #expect(Remains.found(["content": content], in: $0) == []) }
    }
}
