import Agent
import CMbedTLS
import DeviceCrypto
import TestSupport

/// An RSA key that signs as fast as anybody verifies, so that a fuzzer gets past the cryptography a thousand times in a
/// second: verification is the real one.
///
/// Its modulus is a product of some 150 primes p for which p - 1 divides ``order``. The private exponent therefore is the
/// inverse of 65537 modulo a number of 29 bits, where that of an honest key has 2,048. Whoever knows the primes can do
/// the same; a fuzzer does not.
struct SmoothKey: DeviceKey, ~Copyable {
    /// 2^5 * 3^3 * 5^2 * 7 * 11 * 13 * 17
    private static var order: UInt64 { 367_567_200 }
    /// 65537 * 100735073 = 1 modulo ``order``.
    private static var privateExponent: UInt64 { 100_735_073 }

    static var count: Int { moduli.count }

    /// Which of the moduli; nil for a place without a key.
    private var number: Int?
    /// The number of the key that is generated next in this place: a renewal makes another.
    private var next = 2

    init(context: Void) {}

    init() {}

    init(_ number: Int) {
        self.number = number
    }

    private var modulus: [UInt8] {
        get throws(CryptoError) {
            guard let number else { throw .invalidKey }
            return Self.moduli[number]
        }
    }

    var algorithm: KeyAlgorithm { .rsa(bits: 2048) }
    var signatureSize: Int { 256 }
    var publicExponent: UInt32 { 65537 }

    func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        try put(modulus, into: &bytes)
    }

    func sign(_ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator)
        throws(CryptoError) -> Int
    {
        try put(operate(Self.padded(digest)), into: &signature)
    }

    func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard padding == .pkcs1v15, ciphertext.count == 256 else { throw .decryptionFailed }
        // RFC 8017, 7.2.2
        let block = try operate(ciphertext.array)
        guard block[0] == 0, block[1] == 2, let end = block[2...].firstIndex(of: 0), end >= 10 else {
            throw .decryptionFailed
        }
        guard block.count - end - 1 <= plaintext.count else { throw .decryptionFailed }
        return try put(Array(block[(end + 1)...]), into: &plaintext)
    }

    mutating func generatePart(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(CryptoError) -> Bool {
        number = next
        next = next == 2 ? 3 : 2
        return true
    }

    var serializedSize: Int { 1 }

    func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard let number else { throw .invalidKey }
        return try put([UInt8(number)], into: &bytes)
    }

    mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        guard bytes.count == 1, Int(bytes[0]) < Self.count else { throw .invalidKey }
        number = Int(bytes[0])
    }

    mutating func wipe() { number = nil }

    private func put(_ result: [UInt8], into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard result.count <= bytes.count else { throw .bufferTooSmall }
        for index in result.indices { bytes[index] = result[index] }
        return result.count
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017, 9.2).
    private static func padded(_ digest: Digest) -> [UInt8] {
        let prefix: [UInt8]
        switch digest.algorithm {
        case .sha1: prefix = [UInt8](hex: "3021300906052b0e03021a05000414")
        case .sha256: prefix = [UInt8](hex: "3031300d060960864801650304020105000420")
        case .sha384: prefix = [UInt8](hex: "3041300d060960864801650304020205000430")
        case .sha512: prefix = [UInt8](hex: "3051300d060960864801650304020305000440")
        }
        let tail = [0] + prefix + digest.bytes.array
        return [0, 1] + [UInt8](repeating: 0xFF, count: 254 - tail.count) + tail
    }

    /// The private operation.
    private func operate(_ base: [UInt8]) throws(CryptoError) -> [UInt8] {
        let modulus = try modulus
        var (x, e, n, y) = (mbedtls_mpi(), mbedtls_mpi(), mbedtls_mpi(), mbedtls_mpi())
        defer {
            mbedtls_mpi_free(&x)
            mbedtls_mpi_free(&e)
            mbedtls_mpi_free(&n)
            mbedtls_mpi_free(&y)
        }
        var result = [UInt8](repeating: 0, count: 256)
        let exponent = (0..<4).map { UInt8(truncatingIfNeeded: Self.privateExponent >> (24 - 8 * $0)) }
        guard mbedtls_mpi_read_binary(&x, base, base.count) == 0, mbedtls_mpi_read_binary(&e, exponent, 4) == 0,
            mbedtls_mpi_read_binary(&n, modulus, modulus.count) == 0, mbedtls_mpi_exp_mod(&y, &x, &e, &n, nil) == 0,
            mbedtls_mpi_write_binary(&y, &result, 256) == 0
        else { throw .failed }
        return result
    }

    /// The certificate authority's, the registration authority's, and two that a device makes.
    private static let moduli = [
        """
        cc9123ceeb1f6f7eec1c56b76836969913cc72512318abb8762373fbbc5d636cd630d5c3941c7399fabcbf64c3bc365e
        a55be4595c2c832a2892e624c80442db79e9e1fb67ff570cb4b0bc30e264142f3b2787364e09706f95e9ba21b478435a
        e3f8bbdd5350c8d38664efb04357b70015b505846e06e8b4330fab9370c6b77e878ff171a6470880ba0d260593b96d3f
        f4e77fbafb251a4eea10960fb9b7e30979b4b2cf08bf6733252172e031faf164d6499f8b700ee855b75831b420872a83
        7281f7871482d9ca597cbc18f094fcf4ee513d8233f8a76745d466d6d0165894e003559861d6d34a945c66d7bcf93f09
        dcabe99bd740b4ff500c9a50be9a7935
        """,
        """
        ac32bd5e73210052a2a8a99696c64a157112680e43916d029b41d1e805835e68015bc07e220dd71de908c92c7806bf37
        a2ce25a1d7fa8e62597c681fab5d771cf886c7f17841ef5d5415d7408b92a8522d18ed6990eaf5852ac06a2878b952c5
        794b13ad52ec353f642c6ce3d130ea52615eea222a45c18c1ca8b937c541acb5189756ad6e388f6121e47ef4e5c5aa12
        50106aed0623ace2cdec6655f36ae5f681cb0057c8713e2a22f4b1ac4eb4a7495d7f045faef4dd9c501d25adc25b9661
        7d3c565694a2aa3d21c70a5ff3489386e4933b9b3a7f60eab2708ddce7e0cb67149c19ae41e2c9ff4cb21478273023e8
        e03fea9c3e0b352725e40acf7ce34901
        """,
        """
        f89396582498ba82e6a801c6bcfe213fdfddbe8a6d3c7047947bbee8fa2a670d67e5baf326072b979320ee029b4f133c
        fbc31dbe5f24b120d343245689e5d58734270dd7b4bef8a0decbbebd293ff0fa0556cabfb9aef4eb32b231cf1d7c8ec1
        a066c6f554e640bb086f674563d816b0d5a9a5c2c4d0a86d33441642079fd7e9a8c30bfb0ae50e025c6ad179af813c14
        8308503eff46f8747280eb1a94f1f7130237c6c7a26ca782306d237179505cd65c9c072017694b51909ebff5b04b7aba
        a69e921f61db5bcc042f28d9d5649409788e79b14a11dbd3380cf0a4fe0953d280f38ec449fd40e7fae1f328b4ddc937
        51a5b12a31465b47fa060004aa516997
        """,
        """
        ba55e1a487302a5c3830740a6e06c6da06c8f09e74a55d3bf70c6775f374315c3545c9fc27ca14cc714476447d53bff8
        6529a7f2ca4f886ecf8a572fd1e78233c9f5a8e6df5a248f0ea7e461390c35d5110b5acce93922665031f23f0a0baff9
        555805ce3708f4bf55233c3fe69d6402986525fd204592c444f321d8287c45894b2fcffb7a034fd4a60f80374184ed26
        936b6d5d550ff12992a276d0ca19a2f8080e4a11cd60b9d5e5d4acd25ff397e60eee90d0bfaf253e8d8b65d67df45727
        5e68f7deed2291fc2e46552187e0d9d5c5ed0f8731922cb7b5ccd37ed2043a9024ef1db2305c28c54b30ab8de0c78570
        31fc4c75b9e3825250da5f882dc3951b
        """,
    ].map { [UInt8](hex: $0) }
}
