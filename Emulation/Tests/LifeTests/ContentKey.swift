import Agent
import DeviceCrypto
import LibCrypto

/// The content-encryption key of a message, found as its recipient finds it: of the OCTET STRINGs as long as an RSA
/// modulus, the one that is a key once it is decrypted. Nil where the message is for nobody with an RSA key.
enum ContentKey {
    /// - Parameter message: a pkiMessage of the device's, for one of the CA's keys.
    static func ofRequest(_ message: [UInt8]) -> [UInt8]? {
        let keys = CAKeys.all
        for encrypted in encryptedKeys(message) {
            for key in keys where key.canDecrypt {
                for label in [nil, .sha1, .sha256] as [LibCrypto.Digest?] {
                    if let content = (try? key.decrypt(encrypted, oaep: label)) ?? nil, isKey(content) {
                        return content
                    }
                }
            }
        }
        return nil
    }

    /// - Parameters:
    ///   - message: of the CA.
    ///   - keys: the device's: what they keep.
    static func ofReply(_ message: [UInt8], to keys: [[UInt8]]) -> [UInt8]? {
        let encrypted = encryptedKeys(message)
        guard !encrypted.isEmpty else { return nil }
        var random = RandomGenerator()
        let seed = [UInt8](repeating: 7, count: 48)
        guard (try? random.seed(seed.span, personalization: Span())) != nil else { return nil }
        for kept in keys.reversed() {
            var key = SoftwareKey()
            guard (try? key.load(kept.span)) != nil, key.publicExponent != 0 else { continue }
            for encrypted in encrypted where encrypted.count == key.signatureSize {
                for padding in [.pkcs1v15, .oaep(.sha1), .oaep(.sha256)] as [RSAPadding] {
                    var content = [UInt8](repeating: 0, count: encrypted.count)
                    var buffer = content.mutableSpan
                    let count = try? key.decrypt(padding, encrypted.span, into: &buffer, random: &random)
                    if let count, isKey(Array(content[..<count])) { return Array(content[..<count]) }
                }
            }
        }
        return nil
    }

    /// Of AES-128 to AES-256, and triple DES.
    private static func isKey(_ bytes: [UInt8]) -> Bool { [16, 24, 32].contains(bytes.count) }

    private static func encryptedKeys(_ message: [UInt8]) -> [[UInt8]] {
        message.indices.dropLast(4).compactMap { start in
            guard message[start] == 0x04, message[start + 1] == 0x82 else { return nil }
            let count = Int(message[start + 2]) << 8 | Int(message[start + 3])
            guard [256, 384, 512].contains(count), start + 4 + count <= message.count else { return nil }
            return Array(message[(start + 4)..<(start + 4 + count)])
        }
    }
}
