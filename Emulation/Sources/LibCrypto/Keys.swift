import COpenSSL

/// A kind of key pair to make.
public enum KeyKind: String, CaseIterable, Sendable, Codable {
    case rsa2048
    case rsa3072
    case rsa4096
    case p256
    case p384

    /// Whether such a key can decrypt as well as sign.
    public var canDecrypt: Bool {
        switch self {
        case .rsa2048, .rsa3072, .rsa4096: true
        case .p256, .p384: false
        }
    }
}

/// A public key.
public final class PublicKey: @unchecked Sendable, Hashable {
    let pointer: OpaquePointer
    /// SubjectPublicKeyInfo, DER (RFC 5280, section 4.1).
    public let der: [UInt8]

    /// Takes over the reference to `pointer`.
    init(taking pointer: OpaquePointer) throws(LibCryptoError) {
        self.pointer = pointer
        // A class that is not whole yet is not deinitialised.
        do throws(LibCryptoError) {
            der = try encoded("encoding a public key") { i2d_PUBKEY(pointer, $0) }
        } catch {
            EVP_PKEY_free(pointer)
            throw error
        }
    }

    deinit { EVP_PKEY_free(pointer) }

    /// Whether it is an RSA key, the only kind that messages can be encrypted for by key transport.
    public var isRSA: Bool { EVP_PKEY_get_base_id(pointer) == EVP_PKEY_RSA }

    /// The key's size: of an RSA modulus, or of the field of a curve.
    public var bits: Int { Int(EVP_PKEY_get_bits(pointer)) }

    public static func == (one: PublicKey, other: PublicKey) -> Bool { one.der == other.der }
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

/// A private key.
public final class PrivateKey: @unchecked Sendable {
    let pointer: OpaquePointer

    private init(taking pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    public static func generate(_ kind: KeyKind) throws(LibCryptoError) -> PrivateKey {
        let pointer =
            switch kind {
            case .rsa2048: COpenSSL_generateRSA(2048)
            case .rsa3072: COpenSSL_generateRSA(3072)
            case .rsa4096: COpenSSL_generateRSA(4096)
            case .p256: COpenSSL_generateEC("P-256")
            case .p384: COpenSSL_generateEC("P-384")
            }
        return PrivateKey(taking: try made(pointer, "making a \(kind.rawValue) key"))
    }

    /// Reads an unencrypted key in PEM.
    public convenience init(pem: [UInt8]) throws(LibCryptoError) {
        let bio = try MemoryBIO(pem)
        let pointer = PEM_read_bio_PrivateKey(bio.pointer, nil, nil, nil)
        self.init(taking: try made(pointer, "reading a private key in PEM"))
    }

    /// Reads a key in DER, PKCS#8 or traditional.
    public convenience init(der: [UInt8]) throws(LibCryptoError) {
        let pointer = try decoded(der, "reading a private key in DER", free: { EVP_PKEY_free($0) }) {
            d2i_AutoPrivateKey(nil, $0, $1)
        }
        self.init(taking: pointer)
    }

    /// PKCS#8 in PEM, not encrypted.
    public func pem() throws(LibCryptoError) -> [UInt8] {
        let bio = try MemoryBIO()
        try check(
            PEM_write_bio_PrivateKey(bio.pointer, pointer, nil, nil, 0, nil, nil), "writing a private key in PEM")
        return bio.contents
    }

    public func publicKey() throws(LibCryptoError) -> PublicKey {
        let der = try encoded("encoding a public key") { i2d_PUBKEY(pointer, $0) }
        return try PublicKey(
            taking: decoded(der, "reading a public key", free: { EVP_PKEY_free($0) }) { d2i_PUBKEY(nil, $0, $1) })
    }

    /// Whether the key can decrypt as well as sign.
    public var canDecrypt: Bool { EVP_PKEY_get_base_id(pointer) == EVP_PKEY_RSA }
}
