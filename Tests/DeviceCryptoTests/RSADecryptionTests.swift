import DeviceCrypto
import TestKeys
import TestSupport
import Testing

@Suite struct RSADecryptionTests {
    @Test(arguments: [0, 1, 16, 24, 32, 245])
    func whatOpenSSLEncrypts(_ count: Int) throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        var generator = SeededGenerator(seed: 3)
        let plaintext = generator.bytes(count)
        #expect(try key.plaintext(.pkcs1v15, file.encrypt(plaintext, [])) == plaintext)
    }

    @Test(arguments: DigestAlgorithm.allCases)
    func oaep(_ algorithm: DigestAlgorithm) throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        let options = ["rsa_padding_mode:oaep", "rsa_oaep_md:\(algorithm.openSSL)"]
        let ciphertext = try file.encrypt(message, options)
        #expect(try key.plaintext(.oaep(algorithm), ciphertext) == message)
        for other in DigestAlgorithm.allCases where other != algorithm {
            let error = failure { () throws(CryptoError) in _ = try key.plaintext(.oaep(other), ciphertext) }
            #expect(error == .decryptionFailed)
        }
        // One in four hundred happens to be padded like PKCS #1 v1.5, too: the masked seed begins with 02, and a 0 follows.
        let other = try? key.plaintext(.pkcs1v15, ciphertext)
        #expect(other != message)
    }

    @Test func openSSLDecryptsWhatWeEncrypt() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var random = try seededRandom()
        var ciphertexts: Set<[UInt8]> = []
        for count in [0, 1, 16, 32, 245, 245] {
            let plaintext = [UInt8](repeating: 0, count: count)
            let ciphertext = try output(300) { (buffer) throws(CryptoError) in
                try RSAPublicKey.encrypt(
                    modulus: file.modulus.span, exponent: [1, 0, 1].span, plaintext.span, into: &buffer, random: &random
                )
            }
            #expect(ciphertext.count == 256)
            #expect(try file.decrypt(ciphertext) == plaintext)
            ciphertexts.insert(ciphertext)
        }
        #expect(ciphertexts.count == 6, "no padding twice")
    }

    @Test(arguments: [
        ("too much plaintext", 246, 256, true, CryptoError.invalidLength),
        ("too small a buffer", 16, 255, true, .bufferTooSmall),
        ("no seed", 16, 256, false, .notSeeded),
    ])
    func whatIsNotEncrypted(_ name: String, _ count: Int, _ capacity: Int, _ seeded: Bool, _ expected: CryptoError)
        throws
    {
        let modulus = try OpenSSLKey.rsa2048.get().modulus
        let plaintext = [UInt8](repeating: 1, count: count)
        var random = seeded ? try seededRandom() : RandomGenerator()
        let error = failure { () throws(CryptoError) in
            _ = try output(capacity) { (buffer) throws(CryptoError) in
                try RSAPublicKey.encrypt(
                    modulus: modulus.span, exponent: [1, 0, 1].span, plaintext.span, into: &buffer, random: &random)
            }
        }
        #expect(error == expected)
    }

    // MARK: Padding (RFC 8017, 7.2.2)

    struct Block: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]

        init(_ name: String, _ start: [UInt8], fill: UInt8 = 0x11, _ end: [UInt8]) {
            testDescription = name
            bytes = start + [UInt8](repeating: fill, count: 256 - start.count - end.count) + end
        }
    }

    static let contentKey: [UInt8] = Array(101...116)

    static let wrongBlocks = [
        Block("the type of a signature", [0, 1], [0] + contentKey),
        Block("another type", [0, 3], [0] + contentKey),
        Block("no leading zero", [1, 2], [0] + contentKey),
        Block("no zero after the padding", [0, 2], [0x11] + contentKey),
        Block("padding of 7 bytes", [0, 2, 1, 2, 3, 4, 5, 6, 7, 0], contentKey),
        Block("no padding", [0, 2, 0], contentKey),
        Block("all zeros", [], fill: 0, [1]),
    ]

    @Test(arguments: wrongBlocks)
    func wrongPaddingIsOneError(_ block: Block) throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        let ciphertext = try file.encrypt(block.bytes, ["rsa_padding_mode:none"])
        let error = failure { () throws(CryptoError) in _ = try key.plaintext(.pkcs1v15, ciphertext) }
        #expect(error == .decryptionFailed)
    }

    @Test func aPlaintextThatDoesNotFitIsTheSameError() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        var random = try seededRandom()
        let ciphertext = try file.encrypt(Self.contentKey, [])
        let error = failure { () throws(CryptoError) in
            _ = try output(15) { (buffer) throws(CryptoError) in
                try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
            }
        }
        #expect(error == .decryptionFailed)
    }

    @Test(arguments: [1, 8, 16, 24, 32])
    func aContentKeyIsUnwrapped(_ size: Int) throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        var generator = SeededGenerator(seed: 4)
        let contentKey = generator.bytes(size)
        #expect(try key.contentKey(size, file.encrypt(contentKey, [])) == contentKey)
    }

    static let otherSizes = [
        Block("15 bytes", [0, 2], [0] + contentKey.dropLast()),
        Block("17 bytes", [0, 2], [0] + contentKey + [1]),
        Block("no byte", [0, 2], [0]),
    ]

    /// Bleichenbacher's question gets no answer: no error, and a key that depends on the ciphertext and our secret.
    @Test(arguments: wrongBlocks + otherSizes)
    func aWrongContentKeyLooksLikeARightOne(_ block: Block) throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        let ciphertext = try file.encrypt(block.bytes, ["rsa_padding_mode:none"])
        let substitute = try key.contentKey(16, ciphertext)
        #expect(substitute != Self.contentKey)
        #expect(substitute != [UInt8](repeating: 0xEE, count: 16))
        #expect(Set(substitute).count > 4)
        #expect(try key.contentKey(16, ciphertext) == substitute, "the same ciphertext, the same key")
        let longer = try key.contentKey(24, ciphertext)
        #expect(Array(longer[..<16]) == substitute)
        let another = try file.encrypt(Block("", [0, 3], fill: 0x12, [1]).bytes, ["rsa_padding_mode:none"])
        #expect(try key.contentKey(16, another) != substitute)
    }

    @Test func theSubstituteHangsOnTheSecret() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        var random = try seededRandom()
        var other = try RSAPrivateKey.generate(bits: 2048, random: &random)
        let ciphertext = [UInt8](repeating: 0x33, count: 256)
        #expect(try key.contentKey(32, ciphertext) != other.contentKey(32, ciphertext))
    }

    @Test func whatAnybodyCanSeeIsAnError() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        let ciphertext = try file.encrypt(Self.contentKey, [])
        let rows = [
            [], Array(ciphertext.dropLast()), [0] + ciphertext, file.modulus, [UInt8](repeating: 0xFF, count: 256),
        ]
        for bytes in rows {
            let decryption = failure { () throws(CryptoError) in _ = try key.plaintext(.pkcs1v15, bytes) }
            let optimal = failure { () throws(CryptoError) in _ = try key.plaintext(.oaep(.sha1), bytes) }
            let unwrapping = failure { () throws(CryptoError) in _ = try key.contentKey(16, bytes) }
            #expect([decryption, optimal, unwrapping] == [.decryptionFailed, .decryptionFailed, .decryptionFailed])
        }
        for size in [0, 33] {
            let error = failure { () throws(CryptoError) in _ = try key.contentKey(size, ciphertext) }
            #expect(error == .invalidLength)
        }
    }
}
