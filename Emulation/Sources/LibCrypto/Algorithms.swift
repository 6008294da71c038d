import COpenSSL

/// Single DES and MD5 live in OpenSSL's legacy provider or need no more than the default one; both are loaded once.
private let providers: Bool = {
    let standard = OSSL_PROVIDER_load(nil, "default") != nil
    // Without it, a message in single DES is answered with an error: all else works.
    _ = OSSL_PROVIDER_load(nil, "legacy")
    ERR_clear_error()
    return standard
}()

/// A message digest.
public enum Digest: String, CaseIterable, Sendable, Codable {
    case md5
    case sha1
    case sha256
    case sha384
    case sha512

    var nid: Int32 {
        switch self {
        case .md5: NID_md5
        case .sha1: NID_sha1
        case .sha256: NID_sha256
        case .sha384: NID_sha384
        case .sha512: NID_sha512
        }
    }

    init?(nid: Int32) {
        guard let match = Self.allCases.first(where: { $0.nid == nid }) else { return nil }
        self = match
    }

    var algorithm: OpaquePointer? {
        _ = providers
        return EVP_get_digestbyname(OBJ_nid2sn(nid))
    }

    /// The digest of `bytes`.
    public func hash(_ bytes: [UInt8]) throws(LibCryptoError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        try check(EVP_Digest(bytes, bytes.count, &result, &count, algorithm, nil), "hashing with \(rawValue)")
        return [UInt8](result[..<Int(count)])
    }
}

/// A block cipher in CBC mode.
public enum Cipher: String, CaseIterable, Sendable, Codable {
    case des
    case des3
    case aes128
    case aes192
    case aes256

    var nid: Int32 {
        switch self {
        case .des: NID_des_cbc
        case .des3: NID_des_ede3_cbc
        case .aes128: NID_aes_128_cbc
        case .aes192: NID_aes_192_cbc
        case .aes256: NID_aes_256_cbc
        }
    }

    init?(nid: Int32) {
        guard let match = Self.allCases.first(where: { $0.nid == nid }) else { return nil }
        self = match
    }

    var algorithm: OpaquePointer? {
        _ = providers
        return EVP_get_cipherbyname(OBJ_nid2sn(nid))
    }
}
