import CMS
import DeviceCrypto
import TestKeys
import TestSupport
import Testing

/// What a private key is asked, and how much randomness is drawn, for an envelope whose content key is right, and for
/// those where it is not: the same (RFC 3218, 2.3.2).
@Suite struct DecryptionCostTests {
    /// A key that counts, and has no ``PrivateKey/unwrapKey(_:into:random:)`` of its own: like one on a token.
    private struct CountingKey: PrivateKey, ~Copyable {
        var key: RSAPrivateKey
        var calls: [String] = []

        init(_ key: consuming RSAPrivateKey) { self.key = key }

        var algorithm: KeyAlgorithm { key.algorithm }
        var signatureSize: Int { key.signatureSize }
        var publicExponent: UInt32 { key.publicExponent }

        mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
            try key.publicKey(into: &bytes)
        }

        mutating func sign(
            _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
        ) throws(CryptoError) -> Int {
            calls.append("sign")
            return try key.sign(digest, into: &signature, random: &random)
        }

        mutating func decrypt(
            _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
            random: inout RandomGenerator
        ) throws(CryptoError) -> Int {
            calls.append("decrypt")
            return try key.decrypt(padding, ciphertext, into: &plaintext, random: &random)
        }
    }

    /// Blocks of PKCS #1 (RFC 8017, 7.2.1) for a content key of 16 bytes, the first of them right.
    private static let blocks: [(String, [UInt8])] = [
        ("right", [0, 2] + fill(237) + [0] + key), ("another type", [0, 1] + fill(237) + [0] + key),
        ("no leading zero", [1, 2] + fill(237) + [0] + key), ("no zero", [0, 2] + fill(238) + key),
        ("short padding", [0, 2] + fill(7) + [0] + fill(246)),
        ("a key of 15 bytes", [0, 2] + fill(238) + [0] + fill(15)),
        ("a key of 17 bytes", [0, 2] + fill(236) + [0] + fill(17)), ("no key", [0, 2] + fill(253) + [0]),
        ("a key of 245 bytes", [0, 2] + fill(8) + [0] + fill(245)),
    ]

    private static let key: [UInt8] = Array(1...16)

    private static func fill(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x5A, count: count) }

    /// The block as a ciphertext for ``TestKey/rsa``.
    private func ciphertext(_ block: [UInt8]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            try OpenSSL.run(
                ["pkeyutl", "-encrypt", "-pkeyopt", "rsa_padding_mode:none"]
                    + ["-inkey", directory.write(TestKey.rsa.pem, to: "key"), "-in", directory.write(block, to: "in")])
        }
    }

    @Test func whatAnEnvelopeTakesDoesNotTellWhetherItsKeyIsRight() throws {
        let recipient = try OpenSSLIdentity(subject: "/CN=device", for: TestKey.rsa)
        let message = try enveloped([UInt8](repeating: 7, count: 40), for: recipient.der)
        let place = try #require(message.firstRange(of: [UInt8](hex: "04820100"))).upperBound
        var seen: Set<[UInt8]> = []
        for (name, block) in Self.blocks {
            var changed = message
            changed.replaceSubrange(place..<(place + 256), with: try ciphertext(block))

            var counting = CountingKey(try TestKey.rsa.rsaPrivateKey())
            _ = try? opened(changed, &counting)
            #expect(counting.calls == ["sign", "decrypt"], "\(name)")

            // In the key's own way what comes next of the generator tells how much was drawn before.
            var key = try TestKey.rsa.rsaPrivateKey()
            var random = try seededRandom()
            var contentKey = [UInt8](repeating: 0, count: 16)
            let encryptedKey = Array(changed[place..<(place + 256)])
            do {
                var buffer = contentKey.mutableSpan
                try key.unwrapKey(encryptedKey.span, into: &buffer, random: &random)
            }
            #expect((contentKey == Self.key) == (name == "right"), "\(name)")
            var next = [UInt8](repeating: 0, count: 16)
            do {
                var buffer = next.mutableSpan
                try random.fill(&buffer)
            }
            seen.insert(next)
        }
        #expect(seen.count == 1)
    }
}
