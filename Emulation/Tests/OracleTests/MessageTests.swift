import CMS
import DER
import DeviceCrypto
import LibCrypto
import PKIX
import Testing

/// Messages and keys of ours, as OpenSSL reads them.
@Suite struct MessageTests {
    private static let ciphers: [CipherAlgorithm] = [.aes128CBC, .aes192CBC, .aes256CBC, .tripleDESCBC, .desCBC]
    private static let digests: [DigestAlgorithm] = [.sha1, .sha256, .sha384, .sha512]

    @Test func `OpenSSL opens our envelopes`() throws {
        var generator = Trial.generator("envelopes")
        let samples = try Samples.shared.get()
        let password = Array("correct horse".utf8)
        var random = try Self.random(&generator)
        for round in 0..<Trial.count / 20 {
            let content = generator.bytes(0...600)
            let cipher = Self.ciphers[round % Self.ciphers.count]
            // Ten thousand rounds of PBKDF2 take longer than RSA.
            let isRSA = round % 8 != 0
            let recipient = try samples.certificate(isRSA ? .rsa2048 : .p256)
            let message = try written { writer throws(DERError) in
                let end = try writer.beginEnvelope()
                try writer.write(bytes: content.span)
                try writer.wrapEnvelopedData(
                    from: end, for: try PKIX.Certificate(recipient.span), password: password.span, cipher: cipher,
                    random: &random)
            }
            let key = try samples.key(.rsa2048)
            let theirs = OpenSSLReader.envelopedData(message, key: key, password: isRSA ? [] : password)
            #expect(theirs == .accepted(hex(content)), "\(hex(message))")
        }
    }

    @Test(arguments: [KeyKind.rsa2048, .rsa3072, .p256, .p384])
    func `OpenSSL verifies our signatures`(_ kind: KeyKind) throws {
        var generator = Trial.generator(kind.rawValue)
        let samples = try Samples.shared.get()
        let (der, certificate) = (try samples.key(kind), try samples.certificate(kind))
        var random = try Self.random(&generator)
        for round in 0..<Trial.count / 80 {
            let content = generator.bytes(0...600)
            let attribute = generator.bytes(0...40)
            let digest = Self.digests[round % Self.digests.count]
            let capacity = 8192
            let message = try written(capacity: capacity) { writer throws(DERError) in
                try writer.write(bytes: content.span)
                let end = writer.front
                try writer.write(bytes: certificate.span)
                let range = writer.front..<end
                try writer.write(attribute: ObjectIdentifier("2.16.840.1.113733.1.9.5"), .octetString, attribute.span)
                let info = try PrivateKeyInfo(der.span)
                if info.kind == .rsa {
                    var key = RSAPrivateKey()
                    try key.load(info)
                    try writer.wrapSignedData(
                        from: capacity, certificate: range, digest: digest, key: &key, random: &random)
                } else {
                    var key = ECPrivateKey()
                    try key.load(info, random: &random)
                    try writer.wrapSignedData(
                        from: capacity, certificate: range, digest: digest, key: &key, random: &random)
                }
            }
            let theirs = OpenSSLReader.signedData(message, signer: certificate)
            #expect(theirs == .accepted(hex(content)), "\(hex(message))")
            #expect(CoreReader.signedData(message, signer: certificate) == theirs)
        }
    }

    /// A key that OpenSSL made, read and written again: the very same bytes, but for what RFC 5915 leaves to choose.
    @Test(arguments: [KeyKind.rsa2048, .rsa3072, .p256, .p384])
    func `a private key comes back as it was`(_ kind: KeyKind) throws {
        let der = try Samples.shared.get().key(kind)
        var random = CoreReader.seededRandom()
        let again = try written { writer throws(DERError) in
            let info = try PrivateKeyInfo(der.span)
            if info.kind == .rsa {
                var key = RSAPrivateKey()
                try key.load(info)
                try writer.write(privateKeyInfo: &key)
            } else {
                var key = ECPrivateKey()
                try key.load(info, random: &random)
                try writer.write(privateKeyInfo: &key)
            }
        }
        #expect(again == der)
    }

    @Test func `OpenSSL decrypts our encrypted keys`() throws {
        var generator = Trial.generator("encrypted keys")
        var random = try Self.random(&generator)
        let der = try Samples.shared.get().key(.p256)
        for _ in 0..<Trial.count / 100 {
            let password = generator.bytes(1...60).map { $0 & 0x7F | 0x20 }
            let iterations = Int.random(in: 1...300, using: &generator)
            let encrypted = try written { writer throws(DERError) in
                let end = try writer.beginEnvelope()
                try writer.write(bytes: der.span)
                try writer.encryptPrivateKeyInfo(
                    from: end, password: password.span, iterations: iterations, random: &random)
            }
            #expect(OpenSSLReader.encryptedPrivateKey(encrypted, password: password) == OpenSSLReader.privateKey(der))
        }
    }

    private static func random(_ generator: inout some RandomNumberGenerator) throws -> RandomGenerator {
        var random = RandomGenerator()
        let seed = generator.bytes(48...48)
        try random.seed(seed.span, personalization: Span())
        return random
    }
}
