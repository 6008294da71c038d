import CMbedTLS
import DeviceCrypto
import TestKeys
import TestSupport
import Testing

/// A generator that has given all that one seed is good for (SP 800-90A, 9.3.1): whoever needs it says so, makes nothing,
/// and leaves no half of a key.
@Suite struct ExhaustionTests {
    private func exhausted() throws -> RandomGenerator {
        var random = try seededRandom()
        unsafe random.withContext { unsafe mbedtls_ctr_drbg_set_reseed_interval(&$0.pointee.drbg, 0) }
        return random
    }

    @Test(arguments: [1, 16, 3000]) func itGivesNothing(_ count: Int) throws {
        var random = try exhausted()
        var bytes = [UInt8](repeating: 0xEE, count: count)
        var buffer = bytes.mutableSpan
        #expect(failure { () throws(CryptoError) in try random.fill(&buffer) } == .notSeeded)
        #expect(bytes == [UInt8](repeating: 0, count: count))
    }

    @Test func noRSAKeyIsMade() throws {
        var random = try exhausted()
        var key = try RSAPrivateKey(OpenSSLKey.rsa2048.get())
        #expect(
            failure { () throws(CryptoError) in while try !key.generatePart(bits: 2048, random: &random) {} }
                == .notSeeded)
        #expect(key.signatureSize == 0)
        #expect(failure { () throws(CryptoError) in _ = try key.signature() } == .invalidKey)
    }

    @Test(arguments: [Curve.p256, .p384]) func noECKeyIsMade(_ curve: Curve) throws {
        var random = try exhausted()
        var good = try seededRandom()
        let scalar = [UInt8](repeating: 3, count: curve.fieldSize)
        for isLoaded in [false, true] {
            var key = try ECPrivateKey.generate(curve: curve, random: &good)
            let error = failure { () throws(CryptoError) in
                if isLoaded {
                    try key.load(curve: curve, privateScalar: scalar.span, random: &random)
                } else {
                    try key.generate(curve: curve, random: &random)
                }
            }
            #expect(error == .notSeeded)
            var buffer = [UInt8](repeating: 0, count: 200)
            var span = buffer.mutableSpan
            #expect(failure { () throws(CryptoError) in _ = try key.export(into: &span) } == .invalidKey)
        }
    }

    @Test func nothingIsSignedOrDecrypted() throws {
        let file = try OpenSSLKey.rsa2048.get()
        var good = try seededRandom()
        var random = try exhausted()
        var rsa = try RSAPrivateKey(file)
        var ec = try ECPrivateKey.generate(curve: .p256, random: &good)
        let digest = digest(of: message)
        let ciphertext = try file.encrypt([UInt8](repeating: 1, count: 16), [])
        let oaep = try file.encrypt([1, 2, 3], ["rsa_padding_mode:oaep"])
        var bytes = [UInt8](repeating: 0xEE, count: 512)
        var buffer = bytes.mutableSpan
        let errors = [
            failure { () throws(CryptoError) in _ = try rsa.sign(digest, into: &buffer, random: &random) },
            failure { () throws(CryptoError) in _ = try ec.sign(digest, into: &buffer, random: &random) },
            failure { () throws(CryptoError) in
                _ = try rsa.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
            },
            failure { () throws(CryptoError) in
                _ = try rsa.decrypt(.oaep(.sha1), oaep.span, into: &buffer, random: &random)
            },
            failure { () throws(CryptoError) in
                var key = buffer._mutatingExtracting(first: 16)
                try rsa.unwrapKey(ciphertext.span, into: &key, random: &random)
            },
            failure { () throws(CryptoError) in
                _ = try RSAPublicKey.encrypt(
                    modulus: file.modulus.span, exponent: [1, 0, 1].span, [1, 2, 3].span, into: &buffer, random: &random
                )
            },
        ]
        #expect(errors == [CryptoError?](repeating: .notSeeded, count: errors.count))
    }
}
