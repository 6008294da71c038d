import CMbedTLS
import TestKeys
import TestSupport
import Testing

@testable import DeviceCrypto

/// No secret that passes through here is left on the stack: SECURITY.md, "Secrets in RAM".
@Suite struct DeviceCryptoWipeTests {
    /// The password may be longer than a block of the digest, whose digest then takes its place (RFC 2104, 2).
    @Test(arguments: DigestAlgorithm.allCases, [32, 200]) func passwords(_ digest: DigestAlgorithm, size: Int) throws {
        let password = [UInt8].random(size)
        let salt = [UInt8].random(16)
        let place = Place(32)
        let left = try Remains {
            try place.use { buffer in
                try PBKDF2.derive(digest, password: password.span, salt: salt.span, iterations: 2, into: &buffer)
            }
        }
        let key = try OpenSSL.run([
            "kdf", "-binary", "-keylen", "32", "-kdfopt", "digest:\(digest.openSSL)", "-kdfopt",
            "hexpass:\(password.hex)", "-kdfopt", "hexsalt:\(salt.hex)", "-kdfopt", "iter:2", "-kdfopt", "pkcs5:1",
            "PBKDF2",
        ])
        #expect(place.bytes == key)
        let blockSize = digest.size <= 32 ? 64 : 128
        let begin =
            size <= blockSize ? password : try OpenSSL.run(["dgst", "-\(digest.openSSL)", "-binary"], input: password)
        // What is kept of a pad once it is digested: as good as the password for whoever wants the key.
        func begun(_ pad: UInt8) -> [UInt8] {
            let block = (begin + [UInt8](repeating: 0, count: blockSize - begin.count)).map { $0 ^ pad }
            var context = cmbedtls_hash()
            unsafe cmbedtls_hash_start(&context, digest.rawValue)
            unsafe cmbedtls_hash_update(&context, block, block.count)
            return unsafe withUnsafeBytes(of: &context) { Array($0) }
        }
        var secrets = [
            "password": password, "inner pad": begin.map { $0 ^ 0x36 },
            "outer pad": begin.map { $0 ^ 0x5C }, "key": key,
        ]
        // What the inner digest gave for the first message: with it, the outer pad makes a key.
        let padded = begin + [UInt8](repeating: 0, count: blockSize - begin.count)
        secrets["inside"] = try OpenSSL.run(
            ["dgst", "-\(digest.openSSL)", "-binary"], input: padded.map { $0 ^ 0x36 } + salt + [0, 0, 0, 1])
        // What is added up to the key: both of it, or one of it beside the key, are as good as it.
        let first = try OpenSSL.run([
            "kdf", "-binary", "-keylen", "\(digest.size)", "-kdfopt", "digest:\(digest.openSSL)", "-kdfopt",
            "hexpass:\(password.hex)", "-kdfopt", "hexsalt:\(salt.hex)", "-kdfopt", "iter:1", "-kdfopt", "pkcs5:1",
            "PBKDF2",
        ])
        secrets["first tag"] = first
        secrets["last tag"] = zip(first, key).map { $0 ^ $1 }
        // Of a state of SHA-1, mbedTLS leaves three of five words on its own stack.
        if digest != .sha1 { (secrets["inner digest"], secrets["outer digest"]) = (begun(0x36), begun(0x5C)) }
        #expect(left.holds(secrets) == [])
    }

    /// Nothing runs after it that would cover what it left.
    @Test(arguments: DigestAlgorithm.allCases, [32, 200]) func padsOfAPassword(_ digest: DigestAlgorithm, size: Int)
        throws
    {
        let password = [UInt8].random(size)
        let blockSize = digest.size <= 32 ? 64 : 128
        let begin =
            size <= blockSize ? password : try OpenSSL.run(["dgst", "-\(digest.openSSL)", "-binary"], input: password)
        let left = try Remains {
            var code = HMAC(digest)
            code.begin(key: password.span)
            code.wipe()
        }
        let secrets = [
            "password": password, "its digest": begin, "inner pad": begin.map { $0 ^ 0x36 },
            "outer pad": begin.map { $0 ^ 0x5C },
        ]
        #expect(left.holds(secrets) == [])
    }

    @Test(arguments: DigestAlgorithm.allCases) func whatIsDigested(_ algorithm: DigestAlgorithm) throws {
        let secret = [UInt8].random(40)
        let left = try Remains { _ = Hash.digest(algorithm, of: secret.span) }
        #expect(left.holds(["what was digested": secret]) == [])
    }

    @Test func seeds() throws {
        let seed = [UInt8].random(48)
        let place = Place(32)
        let left = try Remains {
            var random = RandomGenerator()
            try random.seed(seed.span, personalization: Span())
            try place.use { buffer in try random.fill(&buffer) }
            random.wipe()
        }
        #expect(left.holds(["seed": seed, "randomness": place.bytes]) == [])
    }

    @Test(arguments: [
        CipherAlgorithm.aes128CBC, .aes192CBC, .aes256CBC, .tripleDESCBC, .desCBC,
    ]) func contentKeys(_ cipher: CipherAlgorithm) throws {
        let key = [UInt8].random(cipher.keySize)
        let iv = [UInt8].random(cipher.blockSize)
        let plain = [UInt8].random(64)
        let place = Place(64)
        place.bytes = plain
        let left = try Remains {
            try place.use { buffer in
                try CBC.encrypt(cipher, key: key.span, iv: iv.span, &buffer)
                try CBC.decrypt(cipher, key: key.span, iv: iv.span, &buffer)
            }
        }
        #expect(place.bytes == plain)
        #expect(left.holds(["key": key]) == [])
    }

    /// A scalar, and what mbedTLS takes for it to multiply by it: its bits in columns, as many as a window is wide, with
    /// odd digits alone, of the scalar or of the group's order less the scalar (`ecp_comb_recode_core`).
    private static func forms(_ scalar: [UInt8], _ curve: Curve) -> [String: [UInt8]] {
        let order = [UInt8](
            hex: curve == .p256
                ? "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"
                : "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973")
        var odd = scalar
        if scalar.last.map({ $0 & 1 }) == 0 {
            var borrow = 0
            for index in scalar.indices.reversed() {
                let difference = Int(order[index]) - Int(scalar[index]) - borrow
                odd[index] = UInt8(truncatingIfNeeded: difference)
                borrow = difference < 0 ? 1 : 0
            }
        }
        func bit(_ number: Int) -> UInt8 {
            number < 8 * odd.count ? odd[odd.count - 1 - number / 8] >> (number % 8) & 1 : 0
        }
        var forms = ["scalar": scalar, "scalar, little-endian": Array(scalar.reversed())]
        for width in 2...7 {
            let size = (8 * scalar.count + width - 1) / width
            var digits = (0..<size).map { place in
                (0..<width).reduce(UInt8(0)) { $0 | bit(place + size * $1) << UInt8($1) }
            }
            digits.append(0)
            var carry: UInt8 = 0
            for place in 1...size {
                let both = digits[place] & carry
                digits[place] ^= carry
                carry = both
                guard digits[place] & 1 == 0 else { continue }
                carry |= digits[place] & digits[place - 1]
                digits[place] ^= digits[place - 1]
                digits[place - 1] |= 0x80
            }
            forms["digits of \(width) bits"] = digits
        }
        return forms
    }

    @Test(arguments: [Curve.p256, .p384]) func scalars(_ curve: Curve) throws {
        var random = try seededRandom()
        var key = ECPrivateKey()
        let made = try Remains { try key.generate(curve: curve, random: &random) }
        var scalar = [UInt8](repeating: 0, count: curve.fieldSize)
        var buffer = scalar.mutableSpan
        try key.privateScalar(into: &buffer)
        let secrets = Self.forms(scalar, curve)
        #expect(made.holds(secrets) == [], "made")
        let loaded = try Remains { try key.load(curve: curve, privateScalar: scalar.span, random: &random) }
        #expect(loaded.holds(secrets) == [], "loaded")
        let place = Place(128)
        let signed = Hash.digest(.sha256, of: [UInt8]([1, 2, 3]).span)
        let signing = try Remains {
            try place.use { buffer in _ = try key.sign(signed, into: &buffer, random: &random) }
        }
        #expect(signing.holds(secrets) == [], "signed")
    }

    @Test func primes() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let (kept, place) = (Place(600), Place(256))
        try kept.use { buffer in _ = try key.export(into: &buffer) }
        let (first, second) = (Array(kept.bytes[7..<135]), Array(kept.bytes[135..<263]))
        let secrets = [
            "P": first, "Q": second, "P, little-endian": first.reversed(), "Q, little-endian": second.reversed(),
        ]
        var random = try seededRandom()
        let signed = Hash.digest(.sha256, of: [UInt8]([1, 2, 3]).span)
        let signing = try Remains {
            try place.use { buffer in _ = try key.sign(signed, into: &buffer, random: &random) }
        }
        #expect(signing.holds(secrets) == [], "signed")
        let ciphertext = [UInt8]([0]) + .random(255)
        let decrypting = try Remains {
            place.use { buffer in
                #expect(throws: CryptoError.decryptionFailed) {
                    _ = try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
                }
            }
            try Place(16).use { buffer in try key.unwrapKey(ciphertext.span, into: &buffer, random: &random) }
        }
        #expect(decrypting.holds(secrets) == [], "decrypted")
        let showing = try Remains { try place.use { buffer in _ = try key.publicKey(into: &buffer) } }
        #expect(showing.holds(secrets) == [], "shown")
    }

    /// A key as a token has it, whose signature stands for a content key that it could not decrypt (RFC 3218, 2.3.2).
    private struct Token: PrivateKey, ~Copyable {
        let signature: [UInt8]
        let plain: Result<[UInt8], CryptoError>

        var algorithm: KeyAlgorithm { .rsa(bits: 2048) }
        var signatureSize: Int { 256 }
        var publicExponent: UInt32 { 65537 }

        mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int { throw .unsupported }

        mutating func sign(
            _ digest: Digest, into target: inout MutableSpan<UInt8>, random: inout RandomGenerator
        ) throws(CryptoError) -> Int {
            for index in 0..<256 { target[index] = signature[index] }
            return 256
        }

        mutating func decrypt(
            _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
            random: inout RandomGenerator
        ) throws(CryptoError) -> Int {
            let plain = try plain.get()
            for index in plain.indices { plaintext[index] = plain[index] }
            return plain.count
        }
    }

    @Test(arguments: [true, false]) func keysOfATokensMaking(isRight: Bool) throws {
        let (signature, plain) = ([UInt8].random(256), [UInt8].random(32))
        let ciphertext = [UInt8].random(256)
        let place = Place(32)
        let left = try Remains {
            var random = try seededRandom()
            var token = Token(signature: signature, plain: isRight ? .success(plain) : .failure(.decryptionFailed))
            try place.use { buffer in try token.unwrapKey(ciphertext.span, into: &buffer, random: &random) }
        }
        let substitute = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: signature)
        #expect(place.bytes == (isRight ? plain : substitute))
        #expect(left.holds(["signature": signature, "content key": plain, "substitute": substitute]) == [])
    }

    /// One that was drawn out, say: that has nothing to do with the ciphertext, so that nobody is given another key for it.
    @Test(arguments: [CryptoError.failed, .outOfMemory, .notSeeded]) func tokensThatFail(_ error: CryptoError) throws {
        let signature = [UInt8].random(256)
        let (ciphertext, place) = ([UInt8].random(256), Place(32))
        let left = try Remains {
            var random = try seededRandom()
            var token = Token(signature: signature, plain: .failure(error))
            #expect(throws: error) {
                try place.use { buffer in try token.unwrapKey(ciphertext.span, into: &buffer, random: &random) }
            }
        }
        let substitute = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: signature)
        #expect(left.holds(["substitute": substitute]) == [])
    }

    /// No cipher has such a key, and no ciphertext such a size.
    @Test(arguments: [(0, 256, CryptoError.invalidLength), (33, 256, .invalidLength), (16, 255, .decryptionFailed)])
    func sizesThatCannotBe(_ size: Int, _ ciphertextSize: Int, _ error: CryptoError) throws {
        var random = try seededRandom()
        var token = Token(signature: .random(256), plain: .success([]))
        let ciphertext = [UInt8].random(ciphertextSize)
        #expect(throws: error) {
            try Place(size).use { buffer in try token.unwrapKey(ciphertext.span, into: &buffer, random: &random) }
        }
    }
}
