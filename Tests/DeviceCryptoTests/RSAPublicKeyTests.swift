import DeviceCrypto
import TestKeys
import TestSupport
import Testing

@Suite struct RSAPublicKeyTests {
    static let exponent: [UInt8] = [1, 0, 1]

    private func verification(
        _ modulus: [UInt8], _ signature: [UInt8], exponent: [UInt8] = exponent,
        _ algorithm: DigestAlgorithm = .sha256, of message: [UInt8] = message, saltSize: Int? = nil,
        minimumBits: Int = 2048
    ) -> CryptoError? {
        failure { () throws(CryptoError) in
            try RSAPublicKey.verify(
                modulus: modulus.span, exponent: exponent.span, digest: digest(of: message, algorithm),
                saltSize: saltSize, signature: signature.span, minimumBits: minimumBits)
        }
    }

    @Test(arguments: DigestAlgorithm.allCases, [OpenSSLKey.rsa2048, OpenSSLKey.rsa3072, OpenSSLKey.rsa4096])
    func whatOpenSSLSigns(_ algorithm: DigestAlgorithm, _ file: Result<OpenSSLKey, any Error>) throws {
        let file = try file.get()
        let signature = try file.sign(message, algorithm)
        #expect(verification(file.modulus, signature, algorithm) == nil)
        #expect(
            verification([0, 0] + file.modulus, signature, exponent: [0] + Self.exponent, algorithm) == nil,
            "leading zeros")
        #expect(verification(file.modulus, signature, algorithm, of: message + [0]) == .invalidSignature)
        for other in DigestAlgorithm.allCases where other != algorithm {
            #expect(verification(file.modulus, signature, other) == .invalidSignature)
        }
    }

    /// RSASSA-PSS, whose salt has the size that the certificate says, and no other.
    @Test(arguments: DigestAlgorithm.allCases, [0, 1, 20, 32])
    func probabilisticSignatures(_ algorithm: DigestAlgorithm, _ saltSize: Int) throws {
        let file = try OpenSSLKey.rsa2048.get()
        let signature = try file.sign(
            message, algorithm, ["rsa_padding_mode:pss", "rsa_pss_saltlen:\(saltSize)"])
        #expect(verification(file.modulus, signature, algorithm, saltSize: saltSize) == nil)
        for other in [nil, saltSize + 1, saltSize - 1] where other != -1 {
            #expect(verification(file.modulus, signature, algorithm, saltSize: other) == .invalidSignature)
        }
        #expect(
            verification(file.modulus, signature, algorithm, of: message + [0], saltSize: saltSize)
                == .invalidSignature)
        let other = try file.sign(message, algorithm)
        #expect(verification(file.modulus, other, algorithm, saltSize: saltSize) == .invalidSignature)
    }

    /// At both ends of what is in range.
    @Test(arguments: [
        (2047, 17, false), (2048, 17, true), (4096, 17, true), (4097, 17, false), (2048, 1, false), (2048, 2, true),
        (2048, 64, true), (2048, 65, false),
    ])
    func keysInRange(_ bits: Int, _ exponentBits: Int, _ isUsable: Bool) {
        /// Odd, with as many bits.
        func number(_ bits: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: (bits + 7) / 8)
            bytes[0] |= 1 << UInt8((bits - 1) % 8)
            bytes[bytes.count - 1] |= 1
            return bytes
        }
        #expect(RSAPublicKey.isUsable(modulus: number(bits).span, exponent: number(exponentBits).span) == isUsable)
    }

    @Test func everyTamperedBitIsNoticed() throws {
        let file = try OpenSSLKey.rsa2048.get()
        let signature = try file.sign(message, .sha256)
        for bit in stride(from: 0, to: 2048, by: 37) {
            var tampered = signature
            tampered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(verification(file.modulus, tampered) == .invalidSignature)
        }
        let rows = [
            [], Array(signature.dropLast()), [0] + signature, signature + [0], [UInt8](repeating: 0, count: 256),
            [UInt8](repeating: 0, count: 255) + [1], file.modulus, [UInt8](repeating: 0xFF, count: 256),
        ]
        for bytes in rows { #expect(verification(file.modulus, bytes) == .invalidSignature) }
        #expect(try verification(OpenSSLKey(rsaBits: 2048).modulus, signature) == .invalidSignature)
        #expect(verification(file.modulus, signature, exponent: [3]) == .invalidSignature)
    }

    @Test func keysOutOfRange() throws {
        let file = try OpenSSLKey.rsa2048.get()
        let signature = try file.sign(message, .sha256)
        let even = Array(file.modulus.dropLast()) + [0xFE]
        let rows: [(String, [UInt8], [UInt8])] = [
            ("no modulus", [], Self.exponent),
            ("the modulus 0", [UInt8](repeating: 0, count: 256), Self.exponent),
            ("an even modulus", even, Self.exponent),
            ("2047 bits", [0x7F] + file.modulus.dropFirst(), Self.exponent),
            ("4097 bits", [1] + [UInt8](repeating: 0xFF, count: 512), Self.exponent),
            ("no exponent", file.modulus, []),
            ("the exponent 0", file.modulus, [0, 0]),
            ("the exponent 1", file.modulus, [1]),
            ("the exponent 2", file.modulus, [2]),
            ("an even exponent", file.modulus, [1, 0, 0]),
            ("an exponent of 65 bits", file.modulus, [1, 0, 0, 0, 0, 0, 0, 0, 1]),
        ]
        var random = try seededRandom()
        let plaintext = message
        for (name, modulus, exponent) in rows {
            #expect(verification(modulus, signature, exponent: exponent) == .invalidKey, "\(name)")
            let encryption = failure { () throws(CryptoError) in
                _ = try output(520) { (buffer) throws(CryptoError) in
                    try RSAPublicKey.encrypt(
                        modulus: modulus.span, exponent: exponent.span, plaintext.span, into: &buffer, random: &random)
                }
            }
            #expect(encryption == .invalidKey, "\(name)")
        }
    }

    @Test func smallKeysCountWhenTheCallerSaysSo() throws {
        let file = try OpenSSLKey(rsaBits: 1024)
        let signature = try file.sign(message, .sha256)
        #expect(verification(file.modulus, signature) == .invalidKey)
        #expect(verification(file.modulus, signature, minimumBits: 1024) == nil)
        #expect(verification(file.modulus, signature, minimumBits: 1025) == .invalidKey)
        let tiny = try OpenSSLKey(rsaBits: 512)
        let tinySignature = try tiny.sign(message, .sha1)
        #expect(verification(tiny.modulus, tinySignature, .sha1, minimumBits: 0) == nil)
    }

    struct Encoding: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let block: [UInt8]
        let expected: CryptoError?
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017, 9.2), and what resembles it.
    static let encodings: [Encoding] = {
        let value = digest(of: message).bytes.array
        let algorithm = DigestAlgorithm.sha256.identifier
        let info = ((algorithm + [5, 0]).tagged(0x30) + value.tagged(4)).tagged(0x30)
        func block(start: [UInt8] = [0, 1], fill: UInt8 = 0xFF, _ end: [UInt8]) -> [UInt8] {
            start + [UInt8](repeating: fill, count: 256 - start.count - end.count) + end
        }
        let short = [UInt8](repeating: 0xFF, count: 8)
        let rows: [(String, [UInt8], CryptoError?)] = [
            ("as it should be", block([0] + info), nil),
            ("no NULL", block([0] + (algorithm.tagged(0x30) + value.tagged(4)).tagged(0x30)), .invalidSignature),
            (
                "bytes behind, short padding", block(start: [0, 1] + short + [0] + info, fill: 0x55, []),
                .invalidSignature
            ),
            ("bytes behind", block([0] + info + [0]), .invalidSignature),
            ("padding of zeros", block(fill: 0, [0] + info), .invalidSignature),
            ("one padding byte otherwise", block(start: [0, 1, 0xFE], [0] + info), .invalidSignature),
            ("the type of encryption", block(start: [0, 2], [0] + info), .invalidSignature),
            ("no zero before the digest", block(info), .invalidSignature),
            ("the digest alone", block([0] + value), .invalidSignature),
            (
                "a length in two bytes",
                block([0] + [0x30, 0x81, UInt8(info.count - 2)] + info.dropFirst(2)), .invalidSignature
            ),
            (
                "parameters with something in them",
                block([0] + ((algorithm + [5, 1, 0]).tagged(0x30) + value.tagged(4)).tagged(0x30)), .invalidSignature
            ),
        ]
        return rows.map { Encoding(testDescription: $0, block: $1, expected: $2) }
    }()

    @Test(arguments: encodings)
    func encodingIsExact(_ encoding: Encoding) throws {
        let file = try OpenSSLKey.rsa2048.get()
        let signature = try file.signBlock(encoding.block)
        #expect(verification(file.modulus, signature) == encoding.expected)
    }
}
