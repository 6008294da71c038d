import Agent
import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

@Suite struct SoftwareKeyTests {
    static let algorithms: [(KeyAlgorithm, Int)] = [(.rsa(bits: 2048), 271), (.p256, 106), (.p384, 154)]

    private func bytes(
        _ count: Int, _ body: (inout MutableSpan<UInt8>) throws(CryptoError) -> Int
    ) throws(CryptoError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var buffer = bytes.mutableSpan
        let used = try body(&buffer)
        return Array(bytes[..<used])
    }

    private func kept(_ key: inout SoftwareKey) throws(CryptoError) -> [UInt8] {
        try bytes(600) { (buffer) throws(CryptoError) in try key.serialize(into: &buffer) }
    }

    private func publicKey(_ key: inout SoftwareKey) throws(CryptoError) -> [UInt8] {
        try bytes(600) { (buffer) throws(CryptoError) in try key.publicKey(into: &buffer) }
    }

    private func signature(_ key: inout SoftwareKey) throws(CryptoError) -> [UInt8] {
        var random = RandomGenerator()
        let seed = [UInt8](repeating: 1, count: 48)
        try random.seed(seed.span, personalization: Span())
        let message = Array("message".utf8)
        let digest = Hash.digest(.sha256, of: message.span)
        return try bytes(600) { (buffer) throws(CryptoError) in try key.sign(digest, into: &buffer, random: &random) }
    }

    /// Whether the public key verifies what the private key signed: by the other half of the space.
    private func verifies(_ signature: [UInt8], _ key: inout SoftwareKey) throws {
        let message = Array("message".utf8)
        let digest = Hash.digest(.sha256, of: message.span)
        let publicKey = try publicKey(&key)
        switch key.algorithm {
        case .rsa:
            let exponent: [UInt8] = [1, 0, 1]
            try RSAPublicKey.verify(
                modulus: publicKey.span, exponent: exponent.span, digest: digest, signature: signature.span)
        case .p256, .p384:
            try ECPublicKey.verify(
                curve: key.algorithm == .p256 ? .p256 : .p384, point: publicKey.span, digest: digest,
                signature: signature.span)
        }
    }

    @Test(arguments: algorithms) func whatIsKeptComesBack(algorithm: KeyAlgorithm, size: Int) throws {
        var random = try seededRandom()
        var key = SoftwareKey()
        // A key of another kind was there before.
        try key.generate(algorithm == .p256 ? .p384 : .p256, random: &random)
        try key.generate(algorithm, random: &random)
        #expect(key.algorithm == algorithm && key.serializedSize == size)
        let kept = try kept(&key)
        #expect(kept.count == size)
        var copy = SoftwareKey()
        try copy.generate(.p256, random: &random)
        try copy.load(kept.span)
        #expect(copy.algorithm == algorithm && copy.signatureSize == key.signatureSize)
        #expect(copy.publicExponent == key.publicExponent)
        #expect(try publicKey(&copy) == publicKey(&key))
        try verifies(signature(&copy), &key)
        for index in [0, 1, 2, 10, size - 1] {
            var damaged = kept
            damaged[index] ^= 1
            #expect(throws: CryptoError.invalidKey, "byte \(index)") { try copy.load(damaged.span) }
            #expect(throws: CryptoError.invalidKey) { try signature(&copy) }
        }
        for bytes in [[], [1], [2], [3], Array(kept.dropLast()), kept + [0]] {
            #expect(throws: CryptoError.invalidKey) { try copy.load(bytes.span) }
        }
    }

    @Test(arguments: algorithms) func aWipedKeyIsGone(algorithm: KeyAlgorithm, size: Int) throws {
        var random = try seededRandom()
        var key = SoftwareKey()
        try key.generate(algorithm, random: &random)
        let start = algorithm == .rsa(bits: 2048) ? 7 : 2
        let secret = Array(try kept(&key)[start..<(start + 32)])
        func memory(_ key: inout SoftwareKey) -> [UInt8] {
            unsafe withUnsafeBytes(of: &key) { unsafe Array($0) }
        }
        #expect(memory(&key).firstRange(of: secret) != nil)
        key.wipe()
        #expect(memory(&key).firstRange(of: secret) == nil)
        #expect(throws: CryptoError.invalidKey) { try signature(&key) }
        #expect(throws: CryptoError.invalidKey) { try kept(&key) }
        #expect(throws: CryptoError.invalidKey) { try publicKey(&key) }
    }

    @Test func aKeyThatCannotBeMadeLeavesNone() throws {
        var random = try seededRandom()
        var key = SoftwareKey()
        try key.generate(.p256, random: &random)
        #expect(throws: CryptoError.invalidKey) { try key.generate(.rsa(bits: 1024), random: &random) }
        #expect(throws: CryptoError.invalidKey) { try signature(&key) }
        var unseeded = RandomGenerator()
        #expect(throws: CryptoError.notSeeded) { try key.generate(.p384, random: &unseeded) }
        #expect(throws: CryptoError.invalidKey) { try kept(&key) }
    }

    /// Content keys are for RSA.
    @Test(arguments: algorithms) func onlyRSADecrypts(algorithm: KeyAlgorithm, size: Int) throws {
        var random = try seededRandom()
        var key = SoftwareKey()
        try key.generate(algorithm, random: &random)
        let modulus = try publicKey(&key)
        let exponent: [UInt8] = [1, 0, 1]
        let contentKey = [UInt8](repeating: 9, count: 16)
        guard algorithm == .rsa(bits: 2048) else {
            let ciphertext = [UInt8](repeating: 1, count: 256)
            #expect(throws: CryptoError.unsupported) {
                try bytes(16) { (buffer) throws(CryptoError) in
                    try key.unwrapKey(ciphertext.span, into: &buffer, random: &random)
                    return 16
                }
            }
            #expect(throws: CryptoError.unsupported) {
                try bytes(16) { (buffer) throws(CryptoError) in
                    try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
                }
            }
            return
        }
        let ciphertext = try bytes(256) { (buffer) throws(CryptoError) in
            try RSAPublicKey.encrypt(
                modulus: modulus.span, exponent: exponent.span, contentKey.span, into: &buffer, random: &random)
        }
        let unwrapped = try bytes(16) { (buffer) throws(CryptoError) in
            try key.unwrapKey(ciphertext.span, into: &buffer, random: &random)
            return 16
        }
        let decrypted = try bytes(16) { (buffer) throws(CryptoError) in
            try key.decrypt(.pkcs1v15, ciphertext.span, into: &buffer, random: &random)
        }
        #expect(unwrapped == contentKey && decrypted == contentKey)
    }

    // MARK: Keys that come and go

    private static let both: [(KeyAlgorithm, Int)] = [(.rsa(bits: 2048), 7), (.p256, 2)]

    /// The secret's first bytes, as the key is kept.
    private func secret(_ key: inout SoftwareKey, from start: Int) throws -> [UInt8] {
        Array(try kept(&key)[start..<(start + 32)])
    }

    private func memory(_ key: inout SoftwareKey) -> [UInt8] { unsafe withUnsafeBytes(of: &key) { unsafe Array($0) } }

    /// A key that takes another's place leaves nothing of it, of whichever kind both are, and however it comes.
    @Test func noKeyOutlivesItsPlace() throws {
        var random = try seededRandom()
        for (former, start) in Self.both {
            for (later, _) in Self.both where later != former {
                for way in ["made", "read", "imported"] {
                    var place = SoftwareKey()
                    try place.generate(former, random: &random)
                    let secret = try secret(&place, from: start)
                    #expect(memory(&place).firstRange(of: secret) != nil)
                    var other = SoftwareKey()
                    try other.generate(later, random: &random)
                    let bytes = try kept(&other)
                    let info = try exported(&other)
                    switch way {
                    case "made": try place.generate(later, random: &random)
                    case "read": try place.load(bytes.span)
                    default: try place.load(PrivateKeyInfo(info.span), random: &random)
                    }
                    #expect(memory(&place).firstRange(of: secret) == nil, "\(former), \(way)")
                    #expect(place.algorithm == later)
                }
            }
        }
    }

    private func exported(_ key: inout SoftwareKey) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 2500)
        var front = 0
        do {
            var buffer = bytes.mutableSpan
            var writer = DERWriter(&buffer, end: 2500)
            try key.write(to: &writer)
            front = writer.front
        }
        return Array(bytes[front...])
    }

    /// PKCS #8, from openssl and to it: the same key both ways.
    @Test(arguments: [["genrsa", "2048"], ["P-256"], ["P-384"]]) func keysComeFromOpenSSLAndGoThere(_ made: [String])
        throws
    {
        var random = try seededRandom()
        let pem = try OpenSSL.run(
            made[0] == "genrsa"
                ? made : ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(made[0])"])
        let info = try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], input: pem)
        let publicKey = try OpenSSL.run(["pkey", "-pubout", "-outform", "DER"], input: pem)
        var key = SoftwareKey()
        // Whatever was there before.
        try key.generate(made[0] == "genrsa" ? .p256 : .p384, random: &random)
        try key.load(PrivateKeyInfo(info.span), random: &random)
        let algorithm: KeyAlgorithm = made[0] == "genrsa" ? .rsa(bits: 2048) : made[0] == "P-256" ? .p256 : .p384
        #expect(key.algorithm == algorithm)
        #expect(key.publicExponent == (made[0] == "genrsa" ? 65_537 : 0))
        let point = try self.publicKey(&key)
        #expect(publicKey.firstRange(of: point) != nil)
        let written = try exported(&key)
        #expect(try OpenSSL.run(["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], input: written) == publicKey)
        try verifies(signature(&key), &key)
    }

    /// What is kept, byte by byte, as Docs/Storage.md has it.
    @Test func whatIsKeptIsAsTheDocumentHasIt() throws {
        for (curve, number, size) in [("P-256", 1, 32), ("P-384", 2, 48)] as [(String, UInt8, Int)] {
            let pem = try OpenSSL.run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)"])
            let info = try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], input: pem)
            var random = try seededRandom()
            var key = SoftwareKey()
            try key.load(PrivateKeyInfo(info.span), random: &random)
            // ECPrivateKey (RFC 5915): the scalar, and the point behind it.
            let der = try OpenSSL.run(["ec", "-outform", "DER"], input: pem)
            let start = try #require(der.firstRange(of: [0x02, 0x01, 0x01, 0x04, UInt8(size)])).upperBound
            let scalar = Array(der[start..<(start + size)])
            let body = [2, number] + scalar + der.suffix(2 * size)
            let digest = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: body)
            #expect(try kept(&key) == body + digest.prefix(8))
            #expect(key.serializedSize == body.count + 8)
        }
        // A place without a key is as one for RSA.
        var key = SoftwareKey()
        #expect(key.publicExponent == SoftwareKey().publicExponent)
        #expect(throws: CryptoError.invalidKey) { try kept(&key) }
    }
}
