import CLinux
import DER
import DeviceCrypto
import PKIX

extension KeyFailure {
    /// Appends a sentence or two for a person: what happened, and what to do. Without a full stop at the end.
    public func write(to text: inout [UInt8]) {
        switch self {
        case .file(let role, let failure):
            text.append(span(of: role.name))
            switch failure {
            case .system(let number):
                text.append(span(of: " cannot be read: "))
                text.appendSystemError(number)
            case .notAFile: text.append(span(of: " is not a file"))
            case .exposed(let mode):
                text.append(span(of: " can be read or changed by others (mode "))
                text.appendOctal(mode)
                text.append(span(of: "): chmod 600, and make it belong to this user"))
            case .tooLarge: text.append(span(of: " is larger than 64 KiB"))
            }
        case .emptySecret(let role):
            text.append(span(of: role.name))
            text.append(span(of: " has an empty first line"))
        case .badPEM(let failure):
            text.append(span(of: "the existing key is not PEM: "))
            text.append(span(of: failure.kind.text))
            text.append(span(of: " in line "))
            text.appendDecimal(failure.line)
        case .noKey: text.append(span(of: "the file of the existing key has no private key in it"))
        case .severalKeys: text.append(span(of: "the file of the existing key has more than one private key in it"))
        case .legacyEncryption:
            text.append(
                span(of: "the existing key is encrypted in openssl's old way: convert it with openssl pkcs8 -topk8"))
        case .badKey(let error): Self.write(error, to: &text)
        case .passphraseMissing:
            text.append(span(of: "the key is encrypted: name the file of its passphrase (key-passphrase-file)"))
        case .wrongPassphrase:
            text.append(span(of: "the passphrase does not open the key: it was encrypted with another, or is damaged"))
        case .damaged: text.append(span(of: "the stored key is damaged"))
        case .crypto(let error):
            text.append(span(of: "the key cannot be used: "))
            text.append(span(of: error.text))
        }
    }

    private static func write(_ error: DERError, to text: inout [UInt8]) {
        switch error.kind {
        case .unsupportedAlgorithm:
            text.append(
                span(
                    of:
                        "a key or encryption of this kind is not supported: RSA, P-256 or P-384; PBES2 with AES or 3DES"
                ))
        case .unsupportedKeySize:
            text.append(span(of: "RSA keys have 2048 to 4096 bits, a multiple of 64; this one has another size"))
        case .crypto(.invalidKey): text.append(span(of: "the numbers of the key do not belong together"))
        default: text.append(span(of: "the key is not one in PKCS #8, PKCS #1 or SEC 1"))
        }
        text.append(span(of: " (at byte "))
        text.appendDecimal(error.offset)
        text.append(UInt8(ascii: ")"))
    }
}

extension KeyFailure.Role {
    fileprivate var name: StaticString {
        switch self {
        case .existingKey: "the file of the existing key"
        case .passphrase: "the file of the key's passphrase"
        case .pin: "the file of the token's PIN"
        }
    }
}

extension PEM.Failure.Kind {
    /// What is wrong, for a person.
    public var text: StaticString {
        switch self {
        case .badBegin: "a BEGIN line that is malformed"
        case .otherEnd: "an END line that does not belong to its BEGIN line"
        case .endMissing: "a BEGIN line without an END line"
        case .badBase64: "what is not base64"
        case .empty: "nothing between BEGIN and END"
        }
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

extension [UInt8] {
    mutating func appendDecimal(_ number: Int) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        var rest = UInt(number.magnitude)
        repeat {
            digits[count] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            count &+= 1
            rest /= 10
        } while rest > 0
        if number < 0 { append(UInt8(ascii: "-")) }
        while count > 0 {
            count &-= 1
            append(digits[count])
        }
    }

    /// Four digits, as modes of files are written.
    mutating func appendOctal(_ number: UInt32) {
        for place in 0..<4 {
            append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number &>> UInt32(9 &- 3 &* place) & 7))
        }
    }

    /// What the C library calls an error number.
    mutating func appendSystemError(_ number: Int32) {
        guard let text = unsafe strerror(number) else { return appendDecimal(Int(number)) }
        unsafe append(copying: text)
    }

    /// Appends a text of C's.
    @unsafe mutating func append(copying text: UnsafePointer<CChar>) {
        for index in 0..<(unsafe strlen(text)) { append(UInt8(bitPattern: unsafe text[index])) }
    }
}
