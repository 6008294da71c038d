import Foundation

/// An EnvelopedData with a PasswordRecipientInfo (RFC 5652, 6.2.4) that openssl computes and that is put together here,
/// so that every part can be another than what openssl's own `cms -encrypt` writes.
public struct PasswordEnvelope {
    /// A cipher by openssl's name, with its identifier in DER and the bytes of its key and block.
    public struct Cipher: Sendable {
        public let name: String
        public let identifier: [UInt8]
        public let keySize: Int
        public let blockSize: Int

        public static let aes128 = Cipher(name: "aes-128-cbc", "0609 60864801 65030401 02", 16, 16)
        public static let aes192 = Cipher(name: "aes-192-cbc", "0609 60864801 65030401 16", 24, 16)
        public static let aes256 = Cipher(name: "aes-256-cbc", "0609 60864801 65030401 2A", 32, 16)
        public static let tripleDES = Cipher(name: "des-ede3-cbc", "0608 2A864886 F70D0307", 24, 8)
        public static let des = Cipher(name: "des-cbc", "0605 2B0E030207", 8, 8)

        private init(name: String, _ identifier: String, _ keySize: Int, _ blockSize: Int) {
            self.name = name
            self.identifier = [UInt8](hex: identifier)
            self.keySize = keySize
            self.blockSize = blockSize
        }
    }

    public var password = "secret"
    public var cipher = Cipher.aes128
    public var keyCipher = Cipher.aes128
    public var contentKey = [UInt8](hex: "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")
    public var iv = [UInt8](repeating: 0xC1, count: 16)
    public var keyIV = [UInt8](repeating: 0xC2, count: 16)
    public var salt = [UInt8](repeating: 0x5A, count: 16)
    /// The magnitude and sign as DER has them.
    public var iterations: [UInt8] = [0x08, 0x00]
    /// What stands behind the iterations in PBKDF2-params: keyLength and prf.
    public var parameters: [UInt8] = []
    /// The pseudorandom function's digest by openssl's name.
    public var digest = "SHA1"
    public var version: [UInt8] = [0x02, 0x01, 0x00]
    /// What a wrapped key begins with: its size, and the complement of its first three bytes.
    public var check: [UInt8]?
    /// What is wrapped, in whole blocks, in place of the check, the content key and the padding.
    public var block: [UInt8]?
    /// The wrapped key, when it is known already.
    public var encryptedKey: [UInt8]?
    /// Changes an element before it is wrapped in the next: by name, from the inside out.
    public var change: (_ name: String, _ element: [UInt8]) -> [UInt8] = { $1 }

    public init() {}

    /// The algorithm of HMAC with a digest, as it stands in PBKDF2-params: the last arc of 1.2.840.113549.2.
    public static func prf(_ arc: UInt8, null: Bool = true) -> [UInt8] {
        ([UInt8](hex: "0608 2A864886 F70D02") + [arc] + (null ? [0x05, 0x00] : [])).tagged(0x30)
    }

    /// The key-encryption key, by openssl.
    public func keyEncryptionKey() throws -> [UInt8] {
        let count = iterations.reduce(0) { $0 << 8 | Int($1) }
        return try OpenSSL.run([
            "kdf", "-binary", "-keylen", "\(keyCipher.keySize)", "-kdfopt", "digest:\(digest)", "-kdfopt",
            "hexpass:\(Array(password.utf8).hex)", "-kdfopt", "hexsalt:\(salt.hex)", "-kdfopt",
            // What is out of range for openssl is refused for that anyway.
            "iter:\(1...1_000_000 ~= count ? count : 1)", "-kdfopt", "pkcs5:1", "PBKDF2",
        ])
    }

    /// The EnvelopedData around `content`.
    public func message(_ content: [UInt8]) throws -> [UInt8] {
        let contentKey = Array(contentKey.prefix(cipher.keySize))
        let padding = cipher.blockSize - content.count % cipher.blockSize
        let padded = content + [UInt8](repeating: UInt8(padding), count: padding)
        let encrypted = try Self.encrypt(padded, cipher, key: contentKey, iv: Array(iv.prefix(cipher.blockSize)))
        let contentInfo =
            [UInt8](hex: "0609 2A864886 F70D010701")
            + changed("cipher", (cipher.identifier + iv.prefix(cipher.blockSize).tagged(4)).tagged(0x30))
            + encrypted.tagged(0x80)
        let recipient = try changed("recipient", recipientInfo(contentKey)).tagged(0xA3)
        let envelopedData =
            [0x02, 0x01, 0x03] + changed("recipients", recipient).tagged(0x31) + contentInfo.tagged(0x30)
        return ([UInt8](hex: "0609 2A864886 F70D010703") + envelopedData.tagged(0x30).tagged(0xA0)).tagged(0x30)
    }

    private func recipientInfo(_ contentKey: [UInt8]) throws -> [UInt8] {
        let pbkdf2 = (salt.tagged(4) + iterations.tagged(2) + parameters).tagged(0x30)
        let derivation = changed(
            "derivation", ([UInt8](hex: "0609 2A864886 F70D01050C") + changed("pbkdf2", pbkdf2)).tagged(0xA0))
        let keyCipher = (keyCipher.identifier + keyIV.prefix(keyCipher.blockSize).tagged(4)).tagged(0x30)
        let encryption = changed(
            "encryption",
            ([UInt8](hex: "060B 2A864886 F70D0109100309") + changed("keyCipher", keyCipher)).tagged(0x30))
        return try version + derivation + encryption + (encryptedKey ?? wrapped(contentKey)).tagged(4)
    }

    /// PWRI-KEK (RFC 3211, 2.3.1).
    private func wrapped(_ contentKey: [UInt8]) throws -> [UInt8] {
        var block = block ?? (check ?? [UInt8(contentKey.count)] + contentKey.prefix(3).map { ~$0 }) + contentKey
        while block.count % keyCipher.blockSize != 0 || block.count < 2 * keyCipher.blockSize { block.append(0xEE) }
        let key = try keyEncryptionKey()
        let once = try Self.encrypt(block, keyCipher, key: key, iv: Array(keyIV.prefix(keyCipher.blockSize)))
        return try Self.encrypt(once, keyCipher, key: key, iv: once.suffix(keyCipher.blockSize))
    }

    private func changed(_ name: String, _ element: [UInt8]) -> [UInt8] { change(name, element) }

    private static func encrypt(_ bytes: [UInt8], _ cipher: Cipher, key: [UInt8], iv: [UInt8]) throws -> [UInt8] {
        try OpenSSL.run(
            ["enc", "-\(cipher.name)", "-nopad", "-K", key.hex, "-iv", iv.hex, "-provider", "default"]
                // Single DES is in openssl's attic.
                + (cipher.blockSize == 8 && cipher.keySize == 8 ? ["-provider", "legacy"] : []),
            input: bytes)
    }
}

extension ArraySlice where Element == UInt8 {
    fileprivate func tagged(_ identifier: UInt8) -> [UInt8] { Array(self).tagged(identifier) }
}
