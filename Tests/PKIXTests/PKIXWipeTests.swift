import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// A private key that is read or written leaves none of its integers on the stack: SECURITY.md, "Secrets in RAM".
@Suite struct PKIXWipeTests {
    @Test func rsa() throws {
        let der = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: TestKey.rsa.pem)
        let names = ["", "", "", "private exponent", "prime 1", "prime 2", "exponent 1", "exponent 2", "coefficient"]
        var secrets: [String: [UInt8]] = [:]
        var reader = DERReader(der.span)
        var content = try reader.enter()
        for name in names {
            let integer = try content.read(.integer).contents.array
            if !name.isEmpty { secrets[name] = integer }
        }
        let place = Place(2500)
        let left = try Remains {
            var key = RSAPrivateKey()
            try key.load(PrivateKeyInfo(der.span))
            try place.use { buffer in
                var writer = DERWriter(&buffer, end: 2500)
                try writer.write(privateKeyInfo: &key)
            }
            key.wipe()
        }
        place.bytes.withUnsafeBytes { #expect(Remains.found(secrets, in: $0).count == 6) }
        #expect(left.holds(secrets) == [])
        // By itself, so that nothing which runs later covers what it leaves.
        let loading = try Remains {
            var key = RSAPrivateKey()
            try key.load(PrivateKeyInfo(der.span))
            key.wipe()
        }
        #expect(loading.holds(secrets) == [])
    }

    @Test func ec() throws {
        let der = try OpenSSL.run(["ec", "-outform", "DER"], input: TestKey.p256.pem)
        let secrets = ["scalar": Array(der[7..<39])]
        let place = Place(2500)
        let left = try Remains {
            var random = try seededRandom()
            var key = ECPrivateKey()
            try key.load(PrivateKeyInfo(der.span), random: &random)
            try place.use { buffer in
                var writer = DERWriter(&buffer, end: 2500)
                try writer.write(privateKeyInfo: &key)
            }
            key.wipe()
        }
        place.bytes.withUnsafeBytes { #expect(Remains.found(secrets, in: $0).count == 1) }
        #expect(left.holds(secrets) == [])
    }
}
