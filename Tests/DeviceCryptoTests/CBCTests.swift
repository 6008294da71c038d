import DeviceCrypto
import TestSupport
import Testing

@Suite struct CBCTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let algorithm: CipherAlgorithm
        let key, iv, plaintext, ciphertext: String
        var testDescription: String { "\(algorithm)" }
    }

    static let plaintext = """
        6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
        30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710
        """
    static let iv = "000102030405060708090a0b0c0d0e0f"

    /// SP 800-38A, F.2, and FIPS 81's example for DES.
    static let vectors = [
        Vector(
            algorithm: .aes128CBC, key: "2b7e151628aed2a6abf7158809cf4f3c", iv: iv, plaintext: plaintext,
            ciphertext: """
                7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
                73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7
                """),
        Vector(
            algorithm: .aes192CBC, key: "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", iv: iv,
            plaintext: plaintext,
            ciphertext: """
                4f021db243bc633d7178183a9fa071e8 b4d9ada9ad7dedf4e5e738763f69145a
                571b242012fb7ae07fa9baac3df102e0 08b0e27988598881d920a9e64f5615cd
                """),
        Vector(
            algorithm: .aes256CBC, key: "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", iv: iv,
            plaintext: plaintext,
            ciphertext: """
                f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
                39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b
                """),
        Vector(
            algorithm: .desCBC, key: "0123456789abcdef", iv: "1234567890abcdef",
            plaintext: "4e6f7720697320746865207469 6d6520666f7220616c6c20",
            ciphertext: "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"),
    ]

    @Test(arguments: vectors)
    func knownAnswer(_ vector: Vector) throws {
        let key = [UInt8](hex: vector.key)
        let iv = [UInt8](hex: vector.iv)
        var bytes = [UInt8](hex: vector.plaintext)
        var span = bytes.mutableSpan
        try CBC.encrypt(vector.algorithm, key: key.span, iv: iv.span, &span)
        #expect(span.span.array == [UInt8](hex: vector.ciphertext))
        try CBC.decrypt(vector.algorithm, key: key.span, iv: iv.span, &span)
        #expect(bytes == [UInt8](hex: vector.plaintext))
    }

    @Test(arguments: [
        (CipherAlgorithm.aes128CBC, "aes-128-cbc"), (.aes192CBC, "aes-192-cbc"), (.aes256CBC, "aes-256-cbc"),
        (.tripleDESCBC, "des-ede3-cbc"), (.desCBC, "des-cbc"),
    ])
    func openSSLAgrees(_ algorithm: CipherAlgorithm, _ name: String) throws {
        var generator = SeededGenerator(seed: 1)
        for blocks in [0, 1, 2, 63] {
            let key = generator.bytes(algorithm.keySize)
            let iv = generator.bytes(algorithm.blockSize)
            let plaintext = generator.bytes(blocks * algorithm.blockSize)
            var bytes = plaintext
            var span = bytes.mutableSpan
            try CBC.encrypt(algorithm, key: key.span, iv: iv.span, &span)
            let expected = try OpenSSL.run(
                [
                    "enc", "-\(name)", "-provider", "legacy", "-provider", "default", "-nopad", "-K", key.hex, "-iv",
                    iv.hex,
                ], input: plaintext)
            #expect(span.span.array == expected)
            try CBC.decrypt(algorithm, key: key.span, iv: iv.span, &span)
            #expect(bytes == plaintext)
        }
    }

    @Test(arguments: [CipherAlgorithm.aes128CBC, .aes192CBC, .aes256CBC, .tripleDESCBC, .desCBC])
    func otherLengthsAreRefused(_ algorithm: CipherAlgorithm) {
        let key = algorithm.keySize
        let block = algorithm.blockSize
        let rows = [
            (key - 1, block, 32), (key + 1, block, 32), (0, block, 32), (key, block - 1, 32), (key, block + 1, 32),
            (key, 0, 32), (key, block, 31), (key, block, 33), (key, block, 1), (key, block, block - 1),
        ]
        for (keySize, ivSize, count) in rows {
            let key = [UInt8](repeating: 1, count: keySize)
            let iv = [UInt8](repeating: 2, count: ivSize)
            var bytes = [UInt8](repeating: 3, count: count)
            var span = bytes.mutableSpan
            let encryption = failure { () throws(CryptoError) in
                try CBC.encrypt(algorithm, key: key.span, iv: iv.span, &span)
            }
            let decryption = failure { () throws(CryptoError) in
                try CBC.decrypt(algorithm, key: key.span, iv: iv.span, &span)
            }
            #expect(encryption == .invalidLength)
            #expect(decryption == .invalidLength)
            #expect(bytes == [UInt8](repeating: 3, count: count))
        }
    }
}
