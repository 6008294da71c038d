import CPKCS11
import Output

/// Why a token does not do what it is asked to.
enum TokenFailure: Error, Equatable {
    /// The module cannot be loaded; the words of the system.
    case moduleNotLoaded([UInt8])
    /// This program is linked statically, and such a program loads nothing.
    case staticProgram
    /// What was loaded is no PKCS #11 module.
    case notAModule
    /// No slot has a token with this label.
    case tokenAbsent
    /// Several slots have a token with this label.
    case severalTokens
    /// Another token than before has this label.
    case otherToken
    /// The token refused the PIN, just now.
    case wrongPIN
    /// The token refused this PIN before, so it was not tried.
    case pinRefusedBefore
    /// One more wrong PIN would lock the token, so none was tried.
    case pinFinalTry
    /// The token is locked after too many wrong PINs.
    case pinLocked
    /// It could not be made sure that a refused PIN would be remembered, so none was tried: an error number of errno(3).
    case cannotRemember(Int32)
    /// It could not be noted in the store whose keys these are, so none was made: an error number of errno(3).
    case ownerNotKept(Int32)
    /// The token does not have the key.
    case keyAbsent
    /// The token has several keys that could be meant.
    case severalKeys
    /// The key is not RSA, P-256 or P-384, or its public half cannot be read.
    case unsuitableKey
    /// The token has another key in the place of the one that is stored.
    case otherKey
    /// A function of the module failed, with this CK_RV.
    case function(Function, UInt)

    /// Those that can fail in ways that have no case of their own.
    enum Function: UInt8, Equatable, Sendable {
        case initialize, getSlotList, getTokenInfo, openSession, login, generateKeyPair, findObjects, getAttributeValue
        case sign, decrypt, destroyObject

        var name: StaticString {
            switch self {
            case .initialize: "C_Initialize"
            case .getSlotList: "C_GetSlotList"
            case .getTokenInfo: "C_GetTokenInfo"
            case .openSession: "C_OpenSession"
            case .login: "C_Login"
            case .generateKeyPair: "C_GenerateKeyPair"
            case .findObjects: "C_FindObjects"
            case .getAttributeValue: "C_GetAttributeValue"
            case .sign: "C_Sign"
            case .decrypt: "C_Decrypt"
            case .destroyObject: "C_DestroyObject"
            }
        }
    }
}
