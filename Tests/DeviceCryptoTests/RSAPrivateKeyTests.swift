import DeviceCrypto
import TestKeys
import TestSupport
import Testing

@Suite struct RSAPrivateKeyTests {
    @Test(arguments: DigestAlgorithm.allCases)
    func openSSLVerifiesWhatWeSign(_ algorithm: DigestAlgorithm) throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        let signature = try key.signature(algorithm)
        #expect(signature.count == 256)
        try file.verify(message, algorithm, signature)
        #expect(try key.signature(algorithm) == signature, "PKCS#1 v1.5 is deterministic")
    }

    @Test(arguments: [(OpenSSLKey.rsa3072, 384), (OpenSSLKey.rsa4096, 512)])
    func largerKeys(_ file: Result<OpenSSLKey, any Error>, _ size: Int) throws {
        let file = try file.get()
        var key = try RSAPrivateKey(file)
        #expect(key.algorithm == .rsa(bits: size * 8))
        #expect(key.signatureSize == size)
        try file.verify(message, .sha256, key.signature())
        let ciphertext = try file.encrypt(message, [])
        #expect(try key.plaintext(.pkcs1v15, ciphertext) == message)
        var copy = try RSAPrivateKey(importing: key.exported.span)
        #expect(try copy.signature() == key.signature())
    }

    @Test func aKeyOfOurOwn() throws {
        var random = try seededRandom()
        var key = try RSAPrivateKey.generate(bits: 2048, random: &random)
        #expect(key.algorithm == .rsa(bits: 2048))
        #expect(key.publicExponent == 65537)
        let modulus = try key.modulus
        #expect(modulus.count == 256)
        #expect(modulus[0] & 0x80 != 0)
        let exported = try key.exported
        #expect(exported.count == 271)
        #expect(Array(exported[..<7]) == [1, 0x08, 0x00, 0x00, 0x01, 0x00, 0x01])
        let p = Array(exported[7..<135])
        let q = Array(exported[135..<263])
        for prime in [p, q] {
            let verdict = try OpenSSL.run(["prime", "-hex", prime.hex])
            #expect(String(decoding: verdict, as: UTF8.self).contains("is prime"))
        }
        // FIPS 186-5, A.1.3, 5.5: far enough apart.
        #expect(Array(p[..<12]) != Array(q[..<12]))
        let file = OpenSSLKey(publicKey: rsaPublicKey(modulus))
        try file.verify(message, .sha256, key.signature())
        #expect(try key.plaintext(.pkcs1v15, file.encrypt(message, [])) == message)
    }

    /// FIPS 186-5, A.1.3, 4.4 and 5.4: above the square root of 2, so that the product has all its bits; and prime to the exponent.
    @Test func primeFactorsAreLarge() throws {
        var random = try seededRandom()
        for _ in 0..<8 {
            var key = try RSAPrivateKey.generate(bits: 2048, random: &random)
            let exported = try key.exported
            let primes = [Array(exported[7..<135]), Array(exported[135..<263])]
            #expect(primes[1].lexicographicallyPrecedes(primes[0]))
            for prime in primes {
                #expect(prime[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } >= 0xB504_F333)
                #expect(prime.reduce(0) { ($0 << 8 | Int($1)) % 65537 } != 1)
            }
        }
    }

    @Test(arguments: [(2048, 12), (3072, 8), (4096, 8)])
    func aKeyIsMadeInParts(_ bits: Int, _ fewest: Int) throws {
        var random = try seededRandom()
        var key = try RSAPrivateKey(OpenSSLKey.rsa2048.get())
        var parts = 1
        while try !key.generatePart(bits: bits, random: &random) {
            parts += 1
            #expect(key.signatureSize == 0)
            #expect(failure { () throws(CryptoError) in _ = try key.signature() } == .invalidKey)
        }
        // Each prime factor passes so many tests; what fails takes one.
        #expect(parts >= fewest)
        #expect(key.algorithm == .rsa(bits: bits))
        let file = OpenSSLKey(publicKey: rsaPublicKey(try key.modulus))
        try file.verify(message, .sha256, key.signature())
        #expect(try !key.generatePart(bits: bits, random: &random), "the next call begins another key")
        #expect(key.signatureSize == 0)
    }

    @Test func anotherSizeBeginsAnew() throws {
        var random = try seededRandom()
        var key = RSAPrivateKey()
        for _ in 0..<5 { #expect(try !key.generatePart(bits: 3072, random: &random)) }
        var parts = 1
        while try !key.generatePart(bits: 2048, random: &random) { parts += 1 }
        #expect(parts >= 12)
        #expect(key.algorithm == .rsa(bits: 2048))
        let exported = try key.exported
        for prime in [exported[7..<135], exported[135..<263]] {
            #expect(
                String(decoding: try OpenSSL.run(["prime", "-hex", Array(prime).hex]), as: UTF8.self).contains(
                    "is prime"))
        }
    }

    @Test func whatIsBegunIsWiped() throws {
        var random = try seededRandom()
        var key = RSAPrivateKey()
        for _ in 0..<3 { _ = try key.generatePart(bits: 4096, random: &random) }
        #expect(withUnsafeBytes(of: &key) { bytes in bytes.contains { $0 != 0 } })
        key.wipe()
        #expect(withUnsafeBytes(of: &key) { bytes in bytes.allSatisfy { $0 == 0 } })
        for _ in 0..<3 { _ = try key.generatePart(bits: 4096, random: &random) }
        random.wipe()
        #expect(
            failure { () throws(CryptoError) in _ = try key.generatePart(bits: 4096, random: &random) } == .notSeeded)
        #expect(withUnsafeBytes(of: &key) { bytes in bytes.allSatisfy { $0 == 0 } })
    }

    @Test func everyKeyIsAnother() throws {
        var random = try seededRandom()
        var firstKey = try RSAPrivateKey.generate(bits: 2048, random: &random)
        var secondKey = try RSAPrivateKey.generate(bits: 2048, random: &random)
        let (first, second) = (try firstKey.exported, try secondKey.exported)
        #expect(first[7..<135] != second[7..<135])
        #expect(first[135..<263] != second[135..<263])
    }

    @Test(arguments: [0, 1024, 2040, 2047, 2049, 2056, 4097, 4160, 65536, -2048])
    func otherSizesAreRefused(_ bits: Int) throws {
        var random = try seededRandom()
        let error = failure { () throws(CryptoError) in _ = try RSAPrivateKey.generate(bits: bits, random: &random) }
        #expect(error == .invalidKey)
    }

    @Test func withoutASeedNothingIsDone() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var random = RandomGenerator()
        var key = try RSAPrivateKey(file)
        let ciphertext = try file.encrypt(message, [])
        let digest = digest(of: message)
        let generation = failure { () throws(CryptoError) in
            _ = try RSAPrivateKey.generate(bits: 2048, random: &random)
        }
        let signing = failure { () throws(CryptoError) in
            _ = try output(256) { (buffer) throws(CryptoError) in try key.sign(digest, into: &buffer, random: &random) }
        }
        let decryption = failure { () throws(CryptoError) in
            _ = try output(256) { (buffer) throws(CryptoError) in
                try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
            }
        }
        let unwrapping = failure { () throws(CryptoError) in
            _ = try output(16) { (buffer) throws(CryptoError) in
                try key.unwrapKey(ciphertext.span, into: &buffer, random: &random)
                return 16
            }
        }
        #expect([generation, signing, decryption, unwrapping] == [.notSeeded, .notSeeded, .notSeeded, .notSeeded])
    }

    @Test func smallerBuffersAreRefused() throws {
        var key = try RSAPrivateKey(OpenSSLKey.rsa2048.get())
        var random = try seededRandom()
        let digest = digest(of: message)
        let signing = failure { () throws(CryptoError) in
            _ = try output(255) { (buffer) throws(CryptoError) in try key.sign(digest, into: &buffer, random: &random) }
        }
        let publicKey = failure { () throws(CryptoError) in
            _ = try output(255) { (buffer) throws(CryptoError) in try key.publicKey(into: &buffer) }
        }
        let export = failure { () throws(CryptoError) in
            _ = try output(270) { (buffer) throws(CryptoError) in try key.export(into: &buffer) }
        }
        #expect([signing, publicKey, export] == [.bufferTooSmall, .bufferTooSmall, .bufferTooSmall])
    }

    // MARK: Import and export

    @Test func whatIsExportedComesBack() throws {
        var key = try RSAPrivateKey(OpenSSLKey.rsa2048.get())
        let exported = try key.exported
        #expect(exported.count == key.exportSize)
        var copy = try RSAPrivateKey(importing: exported.span)
        #expect(try copy.exported == exported)
        #expect(try copy.modulus == OpenSSLKey.rsa2048.get().modulus)
        #expect(copy.publicExponent == 65537)
        try OpenSSLKey.rsa2048.get().verify(message, .sha256, copy.signature())
    }

    @Test func everyDamageToAnExportIsNoticed() throws {
        var key = try RSAPrivateKey(OpenSSLKey.rsa2048.get())
        let exported = try key.exported
        for index in exported.indices {
            for bit in [0x01, 0x80] as [UInt8] {
                var damaged = exported
                damaged[index] ^= bit
                let error = failure { () throws(CryptoError) in _ = try RSAPrivateKey(importing: damaged.span) }
                #expect(error == .invalidKey, "byte \(index)")
            }
        }
        let lengths: [[UInt8]] = [
            [], [1], Array(exported[..<7]), exported.dropLast(), exported + [0], Array(exported.dropFirst()),
        ]
        for bytes in lengths {
            let error = failure { () throws(CryptoError) in _ = try RSAPrivateKey(importing: bytes.span) }
            #expect(error == .invalidKey)
        }
    }

    /// An export whose check is right and whose content is not.
    @Test(
        arguments: [
            ("another kind", 0, 2), ("1024 bits", 1, 0x04), ("an even exponent", 6, 0x02), ("an even P", 134, 0x02),
            ("an even Q", 262, 0x02), ("a short P", 7, 0x01), ("a short Q", 135, 0x01),
        ] as [(String, Int, UInt8)])
    func aForgedExportIsRefused(_ name: String, _ index: Int, _ value: UInt8) throws {
        var key = try RSAPrivateKey(OpenSSLKey.rsa2048.get())
        var bytes = try key.exported
        bytes[index] = value
        let check = Hash.digest(.sha256, of: bytes.span.extracting(first: 263))
        bytes.replaceSubrange(263..., with: check.bytes.array[..<8])
        let error = failure { () throws(CryptoError) in _ = try RSAPrivateKey(importing: bytes.span) }
        #expect(error == .invalidKey)
    }

    @Test(arguments: [
        "another modulus", "an even modulus", "another private exponent", "another prime 1", "another prime 2",
        "prime 1 twice", "an even exponent", "exponent 1", "exponent 3", "no prime", "an exponent of 32 bits",
    ])
    func integersThatDoNotBelongTogether(_ name: String) throws {
        var integers = try OpenSSLKey.rsa2048.get().integers
        let other = try OpenSSLKey(rsaBits: 2048).integers
        switch name {
        case "another modulus": integers[1] = other[1]
        case "an even modulus": integers[1][256] ^= 1
        case "another private exponent": integers[3] = other[3]
        case "another prime 1": integers[4] = other[4]
        case "another prime 2": integers[5] = other[5]
        case "prime 1 twice": integers[5] = integers[4]
        case "an even exponent": integers[2] = [1, 0, 0]
        case "exponent 1": integers[2] = [1]
        case "exponent 3": integers[2] = [3]
        case "no prime": integers[4] = []
        default: integers[2] = [0x80, 0, 0, 1]
        }
        let error = failure { () throws(CryptoError) in
            _ = try RSAPrivateKey(integers: integers)
        }
        #expect(error == .invalidKey)
    }

    /// Too small, or of a size that the two prime factors do not fill words with.
    @Test(arguments: [1024, 2080]) func keysOfOtherSizesAreNotImported(_ bits: Int) throws {
        let file = try OpenSSLKey(rsaBits: bits)
        let error = failure { () throws(CryptoError) in _ = try RSAPrivateKey(file) }
        #expect(error == .invalidKey)
    }

    // MARK: Wiping

    /// As openssl has them (RFC 8017, A.1.2).
    @Test func integersAreWritten() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        for (place, size) in [(3, 256), (4, 128), (5, 128), (6, 128), (7, 128), (8, 128)] {
            let integer = try #require(RSAPrivateKey.SecretInteger(rawValue: UInt8(place)))
            #expect(key.size(of: integer) == size)
            let written = try output(size) { (buffer) throws(CryptoError) in
                try key.write(integer, into: &buffer)
                return size
            }
            #expect(Array(written.drop { $0 == 0 }) == Array(file.integers[place].drop { $0 == 0 }), "\(integer)")
            let short = failure { () throws(CryptoError) in
                _ = try output(size - 1) { (buffer) throws(CryptoError) in
                    try key.write(integer, into: &buffer)
                    return 0
                }
            }
            #expect(short == .bufferTooSmall)
        }
        key.wipe()
        var none = MutableSpan<UInt8>()
        #expect(failure { () throws(CryptoError) in try key.write(.prime1, into: &none) } == .invalidKey)
    }

    @Test func aWipedKeyIsGone() throws {
        let file = try OpenSSLKey.rsa2048.get()
        let prime = Array(file.integers[4].drop { $0 == 0 })
        var key = try RSAPrivateKey(file)
        #expect(unsafe memory(of: &key).contains(prime))
        key.wipe()
        #expect(unsafe memory(of: &key).allSatisfy { $0 == 0 })
        var random = try seededRandom()
        let digest = digest(of: message)
        let ciphertext = [UInt8](repeating: 1, count: 256)
        let errors = [
            failure { () throws(CryptoError) in _ = try key.modulus },
            failure { () throws(CryptoError) in _ = try key.exported },
            failure { () throws(CryptoError) in
                _ = try output(512) { (buffer) throws(CryptoError) in
                    try key.sign(digest, into: &buffer, random: &random)
                }
            },
            failure { () throws(CryptoError) in _ = try key.plaintext(.pkcs1v15, ciphertext) },
            failure { () throws(CryptoError) in _ = try key.contentKey(16, ciphertext) },
        ]
        #expect(errors == [CryptoError?](repeating: .invalidKey, count: 5))
    }

    @Test func aFailedLoadLeavesNothingBehind() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var key = try RSAPrivateKey(file)
        let error = failure { () throws(CryptoError) in try key.load([1, 2, 3].span) }
        #expect(error == .invalidKey)
        #expect(unsafe memory(of: &key).allSatisfy { $0 == 0 })
    }
}

/// A SubjectPublicKeyInfo with the exponent 65537.
func rsaPublicKey(_ modulus: [UInt8]) -> [UInt8] {
    let algorithm = ([0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01] + [0x05, 0x00]).tagged(0x30)
    let key = (([0] + modulus).tagged(0x02) + [0x02, 3, 1, 0, 1]).tagged(0x30)
    return (algorithm + ([0] + key).tagged(0x03)).tagged(0x30)
}

/// The bytes that a value stands in.
@unsafe func memory<Value: ~Copyable>(of value: inout Value) -> [UInt8] {
    unsafe withUnsafeMutablePointer(to: &value) { pointer in
        unsafe Array(UnsafeRawBufferPointer(start: pointer, count: MemoryLayout<Value>.size))
    }
}
