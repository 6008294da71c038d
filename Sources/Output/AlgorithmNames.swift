import DeviceCrypto

extension DigestAlgorithm {
    package var name: StaticString {
        switch self {
        case .sha1: "SHA-1"
        case .sha256: "SHA-256"
        case .sha384: "SHA-384"
        case .sha512: "SHA-512"
        }
    }
}

extension CipherAlgorithm {
    package var name: StaticString {
        switch self {
        case .desCBC: "DES-CBC"
        case .tripleDESCBC: "3DES-CBC"
        case .aes128CBC: "AES-128-CBC"
        case .aes192CBC: "AES-192-CBC"
        case .aes256CBC: "AES-256-CBC"
        }
    }
}
