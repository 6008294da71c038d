import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// Whether a public key is that of a private key: all of it has to be.
@Suite struct KeyMatchTests {
    private func matches<Key: PrivateKey & ~Copyable>(_ spki: [UInt8], _ key: inout Key) throws -> Bool {
        var reader = DERReader(spki.span)
        let info = try SubjectPublicKeyInfo(&reader)
        var scratch = [UInt8](repeating: 0, count: 512)
        var buffer = scratch.mutableSpan
        return try info.matches(&key, scratch: &buffer)
    }

    private func publicKey(_ key: TestKey) throws -> [UInt8] {
        try OpenSSL.run(["pkey", "-pubout", "-outform", "DER"], input: key.pem)
    }

    @Test func rsa() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let spki = try publicKey(TestKey.rsa)
        #expect(try matches(spki, &key))
        // 00 and the modulus, and 65537 behind it.
        let modulus = Array(spki.dropLast(5).suffix(257))
        #expect(Parts.rsa(modulus: modulus) == spki)
        for exponent: [UInt8] in [
            [3], [1, 0, 3], [1, 0], [1, 0, 1, 0, 1], [1, 0, 0, 0, 0, 0, 1, 0, 1], [0x7F, 0xFF, 0xFF, 0xFF], [0x01],
        ] {
            #expect(try !matches(Parts.rsa(modulus: modulus, exponent: exponent), &key), "\(exponent.hex)")
        }
        for place in [1, 2, 33, 128, 255, 256] {
            var other = modulus
            other[place] ^= 2
            #expect(try !matches(Parts.rsa(modulus: other), &key), "byte \(place)")
        }
        #expect(try !matches(Parts.rsa(modulus: modulus.dropLast()), &key))
        #expect(try !matches(Parts.rsa(modulus: modulus + [1]), &key))
    }

    /// A point in another form than the uncompressed one (SEC 1, 2.3.3): hybrid ones are as long.
    @Test(arguments: [0x00, 0x02, 0x05, 0x06, 0x07] as [UInt8]) func formOfAPoint(form: UInt8) throws {
        var spki = try publicKey(TestKey.p256)
        func defect(_ spki: [UInt8]) throws -> KeyDefect? {
            var reader = DERReader(spki.span)
            return try SubjectPublicKeyInfo(&reader).defect
        }
        #expect(try defect(spki) == nil)
        spki[spki.count - 65] = form
        #expect(try defect(spki) == .point(.p256))
    }

    @Test func ec() throws {
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let spki = try publicKey(TestKey.p256)
        #expect(try matches(spki, &key))
        var reader = DERReader(spki.span)
        let (point, exponent) = try { () throws -> ([UInt8], [UInt8]) in
            let info = try SubjectPublicKeyInfo(&reader)
            return (info.key.array, info.exponent.array)
        }()
        #expect(point == spki.suffix(65) && exponent == [])
        for place in [0, 1, 31, 32, 33, 63, 64] {
            var other = spki
            other[other.count - 65 + place] ^= 2
            #expect(try !matches(other, &key), "byte \(place)")
        }
        // The same bytes on another curve.
        let (p256, p384) = ([UInt8](hex: "06082A8648CE3D030107"), [UInt8](hex: "06052B81040022"))
        let algorithm = [UInt8](hex: "06072A8648CE3D0201")
        let bits = Array(spki.suffix(68))
        #expect(((algorithm + p256).tagged(0x30) + bits).tagged(0x30) == spki)
        #expect(try !matches(((algorithm + p384).tagged(0x30) + bits).tagged(0x30), &key))
        var rsa = try TestKey.rsa.rsaPrivateKey()
        #expect(try !matches(spki, &rsa))
    }
}
