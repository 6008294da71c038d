import CMS
import DER
import DeviceCrypto
import TestKeys
import TestSupport
import Testing

/// What is decrypted and is not what it should be: padding (RFC 5652, 6.3), and content keys of another size than the
/// cipher's. openssl encrypts all of it.
@Suite struct ContentTests {
    private static let device = Result { try OpenSSLIdentity(subject: "/CN=sensor", for: TestKey.rsa) }
    private static let key = [UInt8](hex: "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")

    /// An envelope in AES-256 to the device's key.
    ///
    /// - Parameters:
    ///   - padded: whole blocks.
    ///   - key: what is encrypted to the device as the content key.
    ///   - contentKey: what the content is encrypted with.
    private func message(
        _ padded: [UInt8], key: [UInt8] = key, contentKey: [UInt8] = key, options: [String] = []
    ) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let certificate = try directory.write(Self.device.get().certificate, to: "crt")
            // A message of the same size, whose two secrets are changed for others.
            var message = try OpenSSL.run(
                ["cms", "-encrypt", "-binary", "-outform", "DER", "-aes256", "-recip", certificate]
                    + options.flatMap { ["-keyopt", $0] }, input: [UInt8](repeating: 0, count: padded.count - 1))
            let encryptedKey = try OpenSSL.run(
                ["pkeyutl", "-encrypt", "-certin", "-inkey", certificate] + options.flatMap { ["-pkeyopt", $0] },
                input: key)
            let place = try #require(message.firstRange(of: [UInt8](hex: "04820100"))).upperBound
            message.replaceSubrange(place..<(place + 256), with: encryptedKey)
            let vector = try #require(message.firstRange(of: [UInt8](hex: "0609 60864801 65030401 2A 0410"))).upperBound
            let content = try OpenSSL.run(
                [
                    "enc", "-aes-256-cbc", "-nopad", "-K", contentKey.hex, "-iv",
                    Array(message[vector..<(vector + 16)]).hex,
                ], input: padded)
            message.replaceSubrange((message.count - padded.count)..., with: content)
            return message
        }
    }

    static let paddings: [(String, [UInt8], isRight: Bool)] = [
        ("1", [1], true), ("2", [2, 2], true), ("16", [UInt8](repeating: 16, count: 16), true), ("0", [0], false),
        ("17", [UInt8](repeating: 17, count: 17), false), ("32", [UInt8](repeating: 32, count: 32), false),
        ("255", [255], false), ("2, the first byte 3", [3, 2], false), ("2, the first byte 0", [0, 2], false),
        ("16, the first byte 15", [15] + [UInt8](repeating: 16, count: 15), false),
        ("16, one in the middle", [UInt8](repeating: 16, count: 7) + [17] + [UInt8](repeating: 16, count: 8), false),
        ("5, all others 4", [4, 4, 4, 4, 5], false),
    ]

    @Test(arguments: paddings.indices) func padding(index: Int) throws {
        let (name, padding, isRight) = Self.paddings[index]
        let content = [UInt8](repeating: 0x55, count: 48 - padding.count)
        let message = try message(content + padding)
        var key = try TestKey.rsa.rsaPrivateKey()
        if isRight {
            #expect(try opened(message, &key) == content, "\(name)")
        } else {
            #expect(throws: DERError(.crypto(.decryptionFailed), at: message.count - 48), "\(name)") {
                try opened(message, &key)
            }
        }
    }

    /// Of a key that is too short the rest would be zeros, with which the content is encrypted here.
    @Test(arguments: [0, 8, 16, 24, 31, 32, 33, 48], [["rsa_padding_mode:oaep"], []])
    func keyOfAnotherSize(size: Int, options: [String]) throws {
        let sent = Array((Self.key + Self.key).prefix(size))
        let contentKey = Array((sent + [UInt8](repeating: 0, count: 32)).prefix(32))
        let content = [UInt8](repeating: 0x55, count: 40)
        let padded = content + [UInt8](repeating: 8, count: 8)
        let message = try message(padded, key: sent, contentKey: contentKey, options: options)
        var key = try TestKey.rsa.rsaPrivateKey()
        if size == 32 {
            #expect(try opened(message, &key) == content)
        } else if options.isEmpty {
            // Another key takes the place of this one (RFC 3218, 2.3.2), whose padding is right once in 256 times.
            let found = try? opened(message, &key)
            #expect(found != content)
        } else {
            #expect(throws: DERError(.crypto(.decryptionFailed), at: message.count - 48)) { try opened(message, &key) }
        }
    }
}
