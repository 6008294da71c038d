import CPKCS11
import Output

extension TokenFailure {
    /// Appends a sentence for a person, without a full stop at the end.
    func write(to text: inout [UInt8]) {
        switch self {
        case .moduleNotLoaded(let words):
            text.append("the PKCS #11 module cannot be loaded: ")
            text.append(printable: words.span)
        case .staticProgram:
            text.append("this static program loads no modules; use the Debian package")
        case .notAModule: text.append("what was loaded is no PKCS #11 module")
        case .tokenAbsent: text.append("no token has this label: is it plugged in, and initialized?")
        case .severalTokens: text.append("several tokens have this label")
        case .otherToken: text.append("another token than before has this label")
        case .wrongPIN:
            text.append(
                "the token refused the PIN; it is not tried again: put the right one into the PIN's file")
        case .pinRefusedBefore:
            text.append(
                "the token refused this PIN before, so it was not tried: put the right one into the PIN's file"
            )
        case .pinFinalTry:
            text.append(
                "one more wrong PIN would lock the token, so none was tried: log in once with another program")
        case .pinLocked: text.append("the token is locked after too many wrong PINs")
        case .cannotRemember(let number):
            text.append("a refused PIN could not be remembered, so none was tried: ")
            text.append(systemMessage(number))
        case .ownerNotKept(let number):
            text.append("the store could not be written, so no key was made on the token: ")
            text.append(systemMessage(number))
        case .keyAbsent: text.append("the token does not have the key")
        case .severalKeys: text.append("the token has several keys that could be meant")
        case .unsuitableKey:
            text.append("the token's key is not RSA of 2048 to 4096 bits, P-256 or P-384, or its public key ")
            text.append("cannot be read")
        case .otherKey: text.append("the token has another key in the place of the stored one")
        case .function(let function, let result):
            text.append("the token failed: ")
            text.append(function.name)
            text.append(" returned ")
            text.append(Self.name(of: result))
            text.append(" (0x")
            for shift in [24, 16, 8, 0] { text.append(hex: UInt8(truncatingIfNeeded: result &>> UInt(shift))) }
            text.append(")")
        }
    }

    /// The names of the results that are seen most.
    private static func name(of result: UInt) -> StaticString {
        switch result {
        case CKR_HOST_MEMORY, CKR_DEVICE_MEMORY: "out of memory"
        case CKR_GENERAL_ERROR: "CKR_GENERAL_ERROR"
        case CKR_FUNCTION_FAILED: "CKR_FUNCTION_FAILED"
        case CKR_ARGUMENTS_BAD: "CKR_ARGUMENTS_BAD"
        case CKR_DEVICE_ERROR: "CKR_DEVICE_ERROR"
        case CKR_DEVICE_REMOVED: "CKR_DEVICE_REMOVED"
        case CKR_FUNCTION_NOT_SUPPORTED: "CKR_FUNCTION_NOT_SUPPORTED"
        case CKR_KEY_FUNCTION_NOT_PERMITTED: "CKR_KEY_FUNCTION_NOT_PERMITTED"
        case CKR_MECHANISM_INVALID: "CKR_MECHANISM_INVALID"
        case CKR_PIN_EXPIRED: "CKR_PIN_EXPIRED"
        case CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED: "write protection"
        case CKR_TEMPLATE_INCONSISTENT: "CKR_TEMPLATE_INCONSISTENT"
        case CKR_USER_NOT_LOGGED_IN: "CKR_USER_NOT_LOGGED_IN"
        case CKR_USER_PIN_NOT_INITIALIZED: "CKR_USER_PIN_NOT_INITIALIZED"
        default: "an error"
        }
    }
}
