import DER
import DeviceCrypto
import Output
import PKIX

/// Why there is no key to work with, more exactly than a ``DeviceKey`` can say.
enum KeyFailure: Error, Equatable {
    /// The file of the existing key is not PEM.
    case badPEM(PEM.Failure)
    /// PEM without a private key in it.
    case noKey
    /// PEM with more than one private key in it.
    case severalKeys
    /// PEM with a key that is encrypted in the way of old openssl, whose MD5 nobody should rely on.
    case legacyEncryption
    /// The file of the existing key, or a stored key, is not a private key, or not one that is supported.
    case badKey(DERError)
    /// The key is encrypted, and no passphrase is configured.
    case passphraseMissing
    /// The key is encrypted with another passphrase, or is damaged: the two look the same.
    case wrongPassphrase
    /// The stored key is damaged.
    case damaged
    /// The token does not do what it is asked to.
    case token(TokenFailure)
    /// A stored key is on a token, and no token is configured.
    case tokenMissing
    /// The cryptography failed.
    case crypto(CryptoError)

    /// What a ``DeviceKey`` throws for it.
    var cryptoError: CryptoError {
        switch self {
        case .crypto(let error): error
        case .badKey(let error) where error.kind == .unsupportedAlgorithm || error.kind == .unsupportedKeySize:
            .unsupported
        case .token(.function): .failed
        default: .invalidKey
        }
    }
}
