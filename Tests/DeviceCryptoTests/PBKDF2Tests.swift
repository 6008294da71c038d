import DeviceCrypto
import TestSupport
import Testing

@Suite struct PBKDF2Tests {
    struct Vector: Sendable {
        let digest: DigestAlgorithm
        let password: String
        let salt: String
        let iterations: Int
        let key: String
    }

    /// RFC 6070, 2, but for the one of 16,777,216 iterations; RFC 7914, 11; RFC 3211, 3.
    static let vectors = [
        Vector(
            digest: .sha1, password: "password", salt: "salt", iterations: 1,
            key: "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
        Vector(
            digest: .sha1, password: "password", salt: "salt", iterations: 2,
            key: "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        Vector(
            digest: .sha1, password: "password", salt: "salt", iterations: 4096,
            key: "4b007901b765489abead49d926f721d065a429c1"),
        Vector(
            digest: .sha1, password: "passwordPASSWORDpassword", salt: "saltSALTsaltSALTsaltSALTsaltSALTsalt",
            iterations: 4096, key: "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
        Vector(
            digest: .sha1, password: "pass\0word", salt: "sa\0lt", iterations: 4096,
            key: "56fa6aa75548099dcc37d7f03425e0c3"),
        Vector(
            digest: .sha256, password: "passwd", salt: "salt", iterations: 1,
            key: """
                55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc
                49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783
                """),
        Vector(
            digest: .sha256, password: "Password", salt: "NaCl", iterations: 80_000,
            key: """
                4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56
                a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d
                """),
        Vector(
            digest: .sha1, password: "password", salt: "\u{12}\u{34}\u{56}\u{78}\u{78}\u{56}\u{34}\u{12}",
            iterations: 5, key: "d1daa78615f287e6"),
        Vector(
            digest: .sha1,
            password: "All n-entities must communicate with other n-entities via n-1 entiteeheehees",
            salt: "\u{12}\u{34}\u{56}\u{78}\u{78}\u{56}\u{34}\u{12}", iterations: 500,
            key: "6a8970bf68c92caea84a8df28510858607126380cc47ab2d"),
    ]

    private func derived(
        _ digest: DigestAlgorithm, _ password: [UInt8], _ salt: [UInt8], _ iterations: Int, _ size: Int
    ) throws(CryptoError) -> [UInt8] {
        try output(size) { (buffer) throws(CryptoError) in
            try PBKDF2.derive(
                digest, password: password.span, salt: salt.span, iterations: iterations, into: &buffer)
            return size
        }
    }

    @Test(arguments: vectors) func publishedVectors(_ vector: Vector) throws {
        let key = [UInt8](hex: vector.key)
        #expect(
            try derived(
                vector.digest, Array(vector.password.utf8), Array(vector.salt.utf8), vector.iterations, key.count)
                == key)
    }

    /// Passwords around the size of the digest's block, and keys around the size of the digest.
    @Test(arguments: DigestAlgorithm.allCases, [0, 1, 63, 64, 65, 127, 128, 129, 255])
    func asOpenSSL(_ digest: DigestAlgorithm, passwordSize: Int) throws {
        var random = SeededGenerator(seed: UInt64(passwordSize))
        let password = random.bytes(passwordSize)
        let salt = random.bytes(8 + passwordSize % 57)
        let size = [1, digest.size - 1, digest.size, digest.size + 1, 32, 3 * digest.size][passwordSize % 6]
        // openssl's command line takes no password of no bytes: HMAC pads one of zero bytes to the same key.
        let given = password.isEmpty ? [0] : password
        let checked = try OpenSSL.run([
            "kdf", "-binary", "-keylen", "\(size)", "-kdfopt", "digest:\(digest.openSSL)", "-kdfopt",
            "hexpass:\(given.hex)", "-kdfopt", "hexsalt:\(salt.hex)", "-kdfopt", "iter:3", "-kdfopt", "pkcs5:1",
            "PBKDF2",
        ])
        #expect(try derived(digest, password, salt, 3, size) == checked)
    }

    @Test func lengthsAreChecked() throws {
        #expect(throws: CryptoError.invalidLength) { try derived(.sha256, [1], [2], 0, 32) }
        #expect(throws: CryptoError.invalidLength) { try derived(.sha256, [1], [2], -1, 32) }
        #expect(throws: CryptoError.invalidLength) { try derived(.sha1, [1], [2], 1, 255 * 20 + 1) }
        #expect(try derived(.sha1, [1], [2], 1, 255 * 20).count == 5100)
        #expect(try derived(.sha1, [1], [2], 1, 0).isEmpty)
    }
}
