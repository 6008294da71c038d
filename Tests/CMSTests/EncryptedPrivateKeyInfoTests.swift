import CMS
import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// Keys that a password protects (RFC 5958, 3; RFC 8018, 6.2), both ways with openssl.
@Suite struct EncryptedPrivateKeyInfoTests {
    private static let password = "correct horse"

    private static func encrypted(_ options: [String], password: String = password) throws -> [UInt8] {
        try OpenSSL.run(
            ["pkcs8", "-topk8", "-outform", "DER", "-passout", "pass:\(password)"] + options,
            input: TestKey.p256.pem)
    }

    private static let plain = Result {
        try OpenSSL.run(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], input: TestKey.p256.pem)
    }

    private func decrypted(_ bytes: [UInt8], password: String = password) throws -> [UInt8] {
        var bytes = bytes
        let info = try EncryptedPrivateKeyInfo(bytes.span)
        let password = Array(password.utf8)
        var buffer = bytes.mutableSpan
        let range = try info.decrypt(&buffer, password: password.span)
        return Array(bytes[range])
    }

    @Test(arguments: ["hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"])
    func everyDigestIsRead(digest: String) throws {
        let bytes = try Self.encrypted(["-v2", "aes-256-cbc", "-v2prf", digest])
        let isAt = EncryptedPrivateKeyInfo.isAt(bytes.span)
        #expect(isAt)
        #expect(try decrypted(bytes) == Self.plain.get())
    }

    @Test(arguments: ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"])
    func everyCipherIsRead(cipher: String) throws {
        let bytes = try Self.encrypted(["-v2", cipher, "-iter", "5000"])
        #expect(try decrypted(bytes) == Self.plain.get())
    }

    @Test(arguments: ["", "correct horsf", "Correct horse", "correct horse "])
    func aWrongPasswordIsRefused(password: String) throws {
        let bytes = try Self.encrypted(["-v2", "aes-256-cbc"])
        #expect(throws: CryptoError.decryptionFailed) { try decrypted(bytes, password: password) }
    }

    /// One wrong password in 256 leaves padding that looks right.
    @Test func noWrongPasswordOfManyIsTakenForRight() throws {
        let bytes = try Self.encrypted(["-v2", "aes-128-cbc", "-iter", "1"])
        for number in 0..<2000 {
            #expect(throws: CryptoError.decryptionFailed) { try decrypted(bytes, password: "\(number)") }
        }
    }

    @Test(arguments: [
        (["-v1", "PBE-SHA1-3DES"], DERError(.unsupportedAlgorithm, at: 3)),
        (["-v2", "des"], DERError(.unsupportedAlgorithm, at: 61)),
        (["-v2", "camellia-128-cbc"], DERError(.unsupportedAlgorithm, at: 61)),
        (["-v2", "aes-256-cbc", "-iter", "5000001"], DERError(.invalidInteger, at: 43)),
        (["-scrypt"], DERError(.unsupportedAlgorithm, at: 18)),
    ])
    func otherSchemesAreRefused(options: [String], expected: DERError) throws {
        let bytes = try Self.encrypted(options + ["-provider", "default", "-provider", "legacy"])
        #expect(throws: expected) { try decrypted(bytes) }
    }

    @Test func opensslReadsOurs() throws {
        var plain = try Self.plain.get()
        var random = try seededRandom()
        // Two in a row differ in all that is random.
        var texts: [[UInt8]] = []
        for _ in 0..<2 {
            var bytes = [UInt8](repeating: 0, count: 400)
            var buffer = bytes.mutableSpan
            var writer = DERWriter(&buffer, end: 400)
            let end = try writer.beginEnvelope()
            try writer.write(bytes: plain.span)
            let password = Array(Self.password.utf8)
            try writer.encryptPrivateKeyInfo(from: end, password: password.span, iterations: 2500, random: &random)
            texts.append(writer.written.array)
        }
        for text in texts {
            let theirs = try OpenSSL.run(
                ["pkey", "-inform", "DER", "-outform", "DER", "-passin", "pass:\(Self.password)"], input: text)
            let pkcs8 = try OpenSSL.run(
                ["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], input: theirs)
            #expect(pkcs8 == plain)
            #expect(try decrypted(text) == plain)
            #expect(throws: OpenSSL.Failure.self) {
                try OpenSSL.run(["pkey", "-inform", "DER", "-passin", "pass:wrong"], input: text)
            }
            let structure = String(
                decoding: try OpenSSL.run(["asn1parse", "-inform", "DER"], input: text), as: UTF8.self)
            #expect(structure.contains(":PBES2") && structure.contains(":PBKDF2") && structure.contains(":aes-256-cbc"))
            #expect(structure.contains(":hmacWithSHA256") && structure.contains("INTEGER           :09C4"))
        }
        #expect(texts[0].suffix(100) != texts[1].suffix(100))
        plain = []
    }
}
