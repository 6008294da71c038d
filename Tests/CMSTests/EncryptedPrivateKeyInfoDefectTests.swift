import CMS
import DER
import DeviceCrypto
import TestSupport
import Testing

/// The parts of a key that a password protects, each of which can be a bad one; what is encrypted, openssl encrypts.
private struct ProtectedParts {
    var iterations = "02020800"
    var keySize = ""
    var behindCipher = ""
    var behindParameters = ""
    var behindData = ""
    var behind = ""
    /// What is encrypted: whole blocks.
    var padded = [UInt8](hex: "3003020100") + [UInt8](repeating: 11, count: 11)

    static let content = [UInt8](hex: "3003020100")
    static let vector = "C1C1C1C1C1C1C1C1C1C1C1C1C1C1C1C1"

    func der() throws -> [UInt8] {
        var derivation = PasswordEnvelope()
        derivation.keyCipher = .aes256
        let key = try derivation.keyEncryptionKey()
        let data = try OpenSSL.run(
            ["enc", "-aes-256-cbc", "-nopad", "-K", key.hex, "-iv", Self.vector], input: padded)
        let pbkdf2 = (derivation.salt.tagged(0x04) + [UInt8](hex: iterations + keySize)).tagged(0x30)
        let cipher = [UInt8](hex: "0609 60864801650304012A 0410" + Self.vector).tagged(0x30)
        let parameters =
            ([UInt8](hex: "0609 2A864886F70D01050C") + pbkdf2).tagged(0x30) + cipher + [UInt8](hex: behindCipher)
        let algorithm =
            [UInt8](hex: "0609 2A864886F70D01050D") + parameters.tagged(0x30) + [UInt8](hex: behindParameters)
        return (algorithm.tagged(0x30) + data.tagged(0x04) + [UInt8](hex: behindData)).tagged(0x30)
            + [UInt8](hex: behind)
    }

    static func changed(_ change: (inout ProtectedParts) -> Void) throws -> [UInt8] {
        var parts = ProtectedParts()
        change(&parts)
        return try parts.der()
    }
}

@Suite struct EncryptedPrivateKeyInfoDefectTests {
    private func decrypted(_ bytes: [UInt8]) throws -> [UInt8] {
        var bytes = bytes
        let info = try EncryptedPrivateKeyInfo(bytes.span)
        let password = Array("secret".utf8)
        var buffer = bytes.mutableSpan
        let range = try info.decrypt(&buffer, password: password.span)
        return Array(bytes[range])
    }

    /// The size of the key may be told (RFC 8018, A.2).
    @Test(arguments: ["", "020120"]) func isDecrypted(keySize: String) throws {
        #expect(try decrypted(ProtectedParts.changed { $0.keySize = keySize }) == ProtectedParts.content)
    }

    /// A defect, the bytes that stand where the error is, and how far behind the first of them that is.
    private static let defects: [(String, DERError.Kind, String, Int, @Sendable (inout ProtectedParts) -> Void)] = [
        ("bytes behind the cipher", .trailingBytes, "0C0177", 0, { $0.behindCipher = "0C0177" }),
        ("bytes behind the parameters", .trailingBytes, "0C0177", 0, { $0.behindParameters = "0C0177" }),
        ("bytes behind the data", .trailingBytes, "0C0177", 0, { $0.behindData = "0C0177" }),
        ("bytes behind everything", .trailingBytes, "0C0177", 0, { $0.behind = "0C0177" }),
        (
            "a key of another size", .unsupportedAlgorithm, "0609 2A864886F70D01050C", -2, { $0.keySize = "020118" }
        ),
        ("a key of 33 bytes", .invalidInteger, "020121", 0, { $0.keySize = "020121" }),
        ("no iterations", .invalidInteger, "020100 301D", 0, { $0.iterations = "020100" }),
        ("5,000,001 iterations", .invalidInteger, "02034C4B41", 0, { $0.iterations = "02034C4B41" }),
    ]

    @Test(arguments: defects.indices) func isRefused(index: Int) throws {
        let (name, kind, place, behind, change) = Self.defects[index]
        let message = try ProtectedParts.changed(change)
        let offset = try #require(message.firstRange(of: [UInt8](hex: place)), "\(name)").lowerBound + behind
        #expect(throws: DERError(kind, at: offset), "\(name)") { _ = try EncryptedPrivateKeyInfo(message.span) }
    }

    /// The most iterations are read; what they would cost is not paid here.
    @Test func theMostIterationsAreRead() throws {
        #expect(EncryptedPrivateKeyInfo.greatestIterations == 0x4C4B40)
        let message = try ProtectedParts.changed { $0.iterations = "02034C4B40" }
        _ = try EncryptedPrivateKeyInfo(message.span)
    }

    /// The password is right, and what comes out is no one SEQUENCE.
    @Test(arguments: [
        [UInt8](repeating: 16, count: 16), [UInt8](hex: "3004020100") + [UInt8](repeating: 11, count: 11),
        [UInt8](hex: "3002020100") + [UInt8](repeating: 11, count: 11),
        [UInt8](hex: "3103020100") + [UInt8](repeating: 11, count: 11),
    ])
    func whatIsNoKeyIsRefused(padded: [UInt8]) throws {
        let message = try ProtectedParts.changed { $0.padded = padded }
        #expect(throws: CryptoError.decryptionFailed) { try decrypted(message) }
    }

    /// A key that is not protected begins with its version (RFC 5958, 2; RFC 5915, 3).
    @Test(arguments: [
        ("3002 3000", true), ("3000", false), ("", false), ("30", false), ("3005 3000", false), ("3103 020100", false),
        ("3003 020100", false), ("0400", false),
    ])
    func isAt(start: String, isProtected: Bool) {
        let bytes = [UInt8](hex: start)
        let isAt = EncryptedPrivateKeyInfo.isAt(bytes.span)
        #expect(isAt == isProtected)
    }
}
