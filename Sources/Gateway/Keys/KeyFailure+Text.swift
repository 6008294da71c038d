import CLinux
import DER
import DeviceCrypto
import Output
import PKIX

extension KeyFailure {
    /// Appends a sentence or two for a person: what happened, and what to do. Without a full stop at the end.
    func write(to text: inout [UInt8]) {
        switch self {
        case .badPEM(let failure):
            text.append("the existing key is not PEM: ")
            text.append(failure.kind.text)
            text.append(" in line ")
            text.append(decimal: failure.line)
        case .noKey: text.append("the file of the existing key has no private key in it")
        case .severalKeys: text.append("the file of the existing key has more than one private key in it")
        case .legacyEncryption:
            text.append(
                "the existing key is encrypted in openssl's old way: convert it with openssl pkcs8 -topk8")
        case .badKey(let error): Self.write(error, to: &text)
        case .passphraseMissing:
            text.append("the key is encrypted: name the file of its passphrase (key-passphrase-file)")
        case .wrongPassphrase:
            text.append("the passphrase does not open the key: it was encrypted with another, or is damaged")
        case .damaged: text.append("the stored key is damaged")
        case .token(let failure): failure.write(to: &text)
        case .tokenMissing: text.append("the stored key is on a token: name its PKCS #11 module and label")
        case .crypto(let error):
            text.append("the key cannot be used: ")
            text.append(error.text)
        }
    }

    private static func write(_ error: DERError, to text: inout [UInt8]) {
        switch error.kind {
        case .unsupportedAlgorithm:
            text.append(
                "a key or encryption of this kind is not supported: RSA, P-256 or P-384; PBES2 with AES or 3DES")
        case .unsupportedKeySize:
            text.append("RSA keys have 2048 to 4096 bits, a multiple of 64; this one has another size")
        case .crypto(.invalidKey): text.append("the numbers of the key do not belong together")
        default: text.append("the key is not one in PKCS #8, PKCS #1 or SEC 1")
        }
        text.append(" (at byte ")
        text.append(decimal: error.offset)
        text.append(UInt8(ascii: ")"))
    }
}

extension CryptoError {
    fileprivate var text: StaticString {
        switch self {
        case .outOfMemory: "out of memory"
        case .unsupported: "this algorithm is not supported"
        case .notSeeded: "no randomness"
        default: "the operation failed"
        }
    }
}
