import CMS
import DER
import DeviceCrypto
import PKIX
import TestSupport
import Testing

/// Whatever a message takes by chance is another in the next one, and no constant: content keys, initialization vectors,
/// salts, the padding of a wrapped key. All of it is taken out of the messages by openssl.
@Suite struct FreshnessTests {
    /// A cipher with its identifier, as it stands in front of the vector, and openssl's name for `enc`.
    struct Cipher: Sendable, CustomTestStringConvertible {
        let algorithm: CipherAlgorithm
        let identifier: String
        let testDescription: String
    }

    static let ciphers = [
        Cipher(algorithm: .aes128CBC, identifier: "0609 60864801 65030401 02", testDescription: "aes-128-cbc"),
        Cipher(algorithm: .aes256CBC, identifier: "0609 60864801 65030401 2A", testDescription: "aes-256-cbc"),
        Cipher(algorithm: .tripleDESCBC, identifier: "0608 2A864886 F70D0307", testDescription: "des-ede3-cbc"),
    ]

    /// Expects values that are all different, of which none is a byte over and over.
    private func expectFresh(_ values: [[UInt8]], count: Int, _ what: Comment) {
        #expect(values.allSatisfy { $0.count == count }, what)
        #expect(Set(values).count == values.count, what)
        #expect(values.allSatisfy { Set($0).count > count / 2 }, what)
    }

    /// Two messages of one content, by one generator.
    private func messages(_ body: (inout DERWriter, inout RandomGenerator) throws -> Void) throws -> [[UInt8]] {
        var sizes: [Int] = []
        let all = try writing { writer, random in
            for _ in 0..<2 {
                let end = writer.front
                try body(&writer, &random)
                sizes.append(end - writer.front)
            }
        }
        return [Array(all.suffix(sizes[0])), Array(all.prefix(sizes[1]))]
    }

    private func envelopes(_ cipher: Cipher, for recipient: [UInt8]) throws -> [[UInt8]] {
        try messages { writer, random in
            let end = try writer.beginEnvelope()
            let content = [UInt8](repeating: 0x55, count: 40)
            let password = Array("secret".utf8)
            try writer.write(bytes: content.span)
            try writer.wrapEnvelopedData(
                from: end, for: Certificate(recipient.span), password: password.span, cipher: cipher.algorithm,
                random: &random)
        }
    }

    /// The `count` bytes behind the last occurrence of `mark`.
    private func part(_ message: [UInt8], behind mark: String, _ count: Int) throws -> [UInt8] {
        let ranges = message.ranges(of: [UInt8](hex: mark))
        return Array(message[try #require(ranges.last).upperBound...].prefix(count))
    }

    @Test(arguments: ciphers) func ofKeyTransport(_ cipher: Cipher) throws {
        let recipient = try OpenSSLIdentity.recipient
        let messages = try envelopes(cipher, for: recipient.der)
        let block = cipher.algorithm.blockSize
        let mark = cipher.identifier + [0x04, UInt8(block)].hex
        expectFresh(try messages.map { try part($0, behind: mark, block) }, count: block, "vectors")
        let keys = try messages.map { message in
            let encrypted = try part(message, behind: "04820100", 256)
            return try withTemporaryDirectory { directory in
                try OpenSSL.run(
                    ["pkeyutl", "-decrypt", "-inkey", directory.write(recipient.key, to: "key")], input: encrypted)
            }
        }
        expectFresh(keys, count: cipher.algorithm.keySize, "content keys")
    }

    @Test(arguments: ciphers) func ofAPassword(_ cipher: Cipher) throws {
        let authority = try OpenSSLIdentity(subject: "/CN=RA", for: TestKey.p256)
        let messages = try envelopes(cipher, for: authority.der)
        let (block, size) = (cipher.algorithm.blockSize, cipher.algorithm.keySize)
        let vector = cipher.identifier + [0x04, UInt8(block)].hex
        let keyCipherSize = [UInt8](hex: vector).count + block
        let keyVector = "060B 2A864886 F70D0109100309" + [0x30, UInt8(keyCipherSize)].hex + vector
        expectFresh(try messages.map { try part($0, behind: vector, block) }, count: block, "vectors")
        let keyVectors = try messages.map { try part($0, behind: keyVector, block) }
        expectFresh(keyVectors, count: block, "vectors of the keys")
        var (contentKeys, paddings): ([[UInt8]], [[UInt8]]) = ([], [])
        for (message, keyVector) in zip(messages, keyVectors) {
            let salt = try derivation(message).salt
            let wrapped = try part(message, behind: keyVector.hex + "04", 65)
            let key = try unwrapped(
                Array(wrapped.dropFirst().prefix(Int(wrapped[0]))), cipher, salt: salt, iv: keyVector)
            #expect(key[0] == UInt8(size) && (0..<3).allSatisfy { key[1 + $0] == ~key[4 + $0] })
            contentKeys.append(Array(key[4..<(4 + size)]))
            paddings.append(Array(key[(4 + size)...]))
        }
        expectFresh(contentKeys, count: size, "content keys")
        expectFresh(try messages.map { try derivation($0).salt }, count: 16, "salts")
        // Of AES-192 and triple DES there are 4.
        expectFresh(paddings, count: paddings[0].count, "padding")
    }

    /// What openssl reads of PBKDF2's parameters: the salt, and the iterations.
    private func derivation(_ message: [UInt8]) throws -> (salt: [UInt8], iterations: Int) {
        let text = String(decoding: try OpenSSL.run(["asn1parse", "-inform", "DER"], input: message), as: UTF8.self)
        let lines = text.split(separator: "\n")
        let start = try #require(lines.firstIndex { $0.hasSuffix(":PBKDF2") })
        let salt = try #require(lines[start...].first { $0.contains("OCTET STRING") }?.split(separator: ":").last)
        let iterations = try #require(lines[start...].first { $0.contains("INTEGER") }?.split(separator: ":").last)
        return ([UInt8](hex: String(salt)), try #require(Int(iterations, radix: 16)))
    }

    /// Undoes PWRI-KEK (RFC 3211, 2.3.2).
    private func unwrapped(_ wrapped: [UInt8], _ cipher: Cipher, salt: [UInt8], iv: [UInt8]) throws -> [UInt8] {
        let key = try OpenSSL.run([
            "kdf", "-binary", "-keylen", "\(cipher.algorithm.keySize)", "-kdfopt", "digest:SHA256", "-kdfopt",
            "pass:secret", "-kdfopt", "hexsalt:\(salt.hex)", "-kdfopt", "iter:10000", "PBKDF2",
        ])
        func decrypted(_ bytes: some Sequence<UInt8>, iv: some Sequence<UInt8>) throws -> [UInt8] {
            try OpenSSL.run(
                ["enc", "-d", "-\(cipher.testDescription)", "-nopad", "-K", key.hex, "-iv", Array(iv).hex],
                input: Array(bytes))
        }
        let block = cipher.algorithm.blockSize
        let last = try decrypted(wrapped.suffix(block), iv: wrapped.dropLast(block).suffix(block))
        return try decrypted(decrypted(wrapped, iv: last), iv: iv)
    }

    @Test func ofAProtectedKey() throws {
        let messages = try messages { writer, random in
            let end = try writer.beginEnvelope()
            let content = [UInt8](repeating: 0x55, count: 40)
            let password = Array("secret".utf8)
            try writer.write(bytes: content.span)
            try writer.encryptPrivateKeyInfo(from: end, password: password.span, iterations: 2500, random: &random)
        }
        let derivations = try messages.map(derivation)
        expectFresh(derivations.map(\.salt), count: 16, "salts")
        #expect(derivations.allSatisfy { $0.iterations == 2500 })
        expectFresh(
            try messages.map { try part($0, behind: "0609 60864801 65030401 2A 0410", 16) }, count: 16, "vectors")
    }
}
