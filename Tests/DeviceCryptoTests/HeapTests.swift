import DeviceCrypto
import TestKeys
import TestSupport
import Testing

/// Whatever mbedTLS was lent for an operation is given back: a board has an arena of a few kilobytes, a gateway runs for
/// years, and a key that stays there is wiped by nobody.
@Suite struct HeapTests {
    static let operations = [
        "RSA: generate", "RSA: sign", "RSA: verify", "RSA: encrypt", "RSA: decrypt", "RSA: export", "RSA: load",
        "RSA: a bad load",
        "EC: generate", "EC: sign", "EC: verify", "EC: a bad signature", "EC: load",
    ]

    @Test(arguments: operations) func nothingIsKept(_ operation: String) throws {
        let kept = try perform(operation) { body in
            try operation == "RSA: generate" ? heapKept(rounds: 4, times: 2, by: body) : heapKept(by: body)
        }
        // Less than the smallest block.
        #expect(kept < 16, "bytes each time")
    }

    /// Whatever stood on the stack before: there is none of it in what an operation works with.
    @Test(arguments: operations) func nothingIsTakenFromTheStack(_ operation: String) throws {
        let left = try perform(operation) { body in try stackLeft(blank: 0xFF, by: body).count }
        #expect(left > 0)
    }

    private func perform(_ operation: String, _ measure: (() throws -> Void) throws -> Int) throws -> Int {
        try operation.hasPrefix("RSA") ? performWithRSA(operation, measure) : performWithEC(operation, measure)
    }

    private func performWithRSA(_ operation: String, _ measure: (() throws -> Void) throws -> Int) throws -> Int {
        let file = try OpenSSLKey.rsa2048.get()
        let signed = digest(of: [1, 2, 3])
        let (modulus, exponent) = (file.modulus, [UInt8]([1, 0, 1]))
        let (place, other) = (Place(600), Place(256))
        var key = try RSAPrivateKey(file)
        var random = try seededRandom()
        try place.use { buffer in _ = try key.sign(signed, into: &buffer, random: &random) }
        let signature = Array(place.bytes.prefix(256))
        try other.use { buffer in
            let content = [UInt8](repeating: 7, count: 16)
            _ = try RSAPublicKey.encrypt(
                modulus: modulus.span, exponent: exponent.span, content.span, into: &buffer, random: &random)
        }
        let encrypted = other.bytes
        let integers = file.integers
        var damaged = integers
        damaged[4][damaged[4].count - 1] ^= 2
        return try measure {
            switch operation {
            case "RSA: generate": while try !key.generatePart(bits: 2048, random: &random) {}
            case "RSA: sign": try place.use { buffer in _ = try key.sign(signed, into: &buffer, random: &random) }
            case "RSA: verify":
                try RSAPublicKey.verify(
                    modulus: modulus.span, exponent: exponent.span, digest: signed, signature: signature.span)
            case "RSA: encrypt":
                try other.use { buffer in
                    let content = [UInt8](repeating: 7, count: 16)
                    _ = try RSAPublicKey.encrypt(
                        modulus: modulus.span, exponent: exponent.span, content.span, into: &buffer, random: &random)
                }
            case "RSA: decrypt":
                try place.use { buffer in
                    _ = try key.decrypt(.pkcs1v15, encrypted.span, into: &buffer, random: &random)
                }
            case "RSA: export": try place.use { buffer in _ = try key.export(into: &buffer) }
            case "RSA: load": _ = try RSAPrivateKey(integers: integers)
            default: #expect(throws: CryptoError.invalidKey) { _ = try RSAPrivateKey(integers: damaged) }
            }
        }
    }

    private func performWithEC(_ operation: String, _ measure: (() throws -> Void) throws -> Int) throws -> Int {
        let place = Place(200)
        var random = try seededRandom()
        var key = try ECPrivateKey.generate(curve: .p256, random: &random)
        let signed = digest(of: [1, 2, 3])
        var size = 0
        try place.use { buffer in size = try key.publicKey(into: &buffer) }
        let point = Array(place.bytes.prefix(size))
        try place.use { buffer in size = try key.sign(signed, into: &buffer, random: &random) }
        let signature = Array(place.bytes.prefix(size))
        let other = digest(of: [1, 2])
        let scalar = [UInt8](repeating: 3, count: 32)
        return try measure {
            switch operation {
            case "EC: generate": try key.generate(curve: .p256, random: &random)
            case "EC: sign": try place.use { buffer in _ = try key.sign(signed, into: &buffer, random: &random) }
            case "EC: verify":
                try ECPublicKey.verify(curve: .p256, point: point.span, digest: signed, signature: signature.span)
            case "EC: a bad signature":
                do {
                    try ECPublicKey.verify(curve: .p256, point: point.span, digest: other, signature: signature.span)
                } catch {}
            default: try key.load(curve: .p256, privateScalar: scalar.span, random: &random)
            }
        }
    }
}
