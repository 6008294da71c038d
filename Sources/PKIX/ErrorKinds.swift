import DER
import DeviceCrypto

// One error type serves from DER up to CMS, since a message is read in one go through all of them; each module adds
// its kinds.

extension DERError.Kind {
    /// An algorithm that is unknown here, or not allowed at this place.
    public static var unsupportedAlgorithm: DERError.Kind { DERError.Kind(rawValue: 32) }
    /// A version number that is unknown here.
    public static var unsupportedVersion: DERError.Kind { DERError.Kind(rawValue: 33) }
    /// A time that is not UTCTime or GeneralizedTime as RFC 5280, 4.1.2.5 has them.
    public static var invalidTime: DERError.Kind { DERError.Kind(rawValue: 34) }
    /// The same thing twice, where once is all that is allowed.
    public static var duplicate: DERError.Kind { DERError.Kind(rawValue: 38) }
    /// A challenge password that is too long or not UTF-8; the offset counts in the text.
    public static var invalidChallengePassword: DERError.Kind { DERError.Kind(rawValue: 39) }
    /// A critical extension that is not checked here, so that what it stands in cannot be used (RFC 5280, 4.2).
    public static var unknownCriticalExtension: DERError.Kind { DERError.Kind(rawValue: 40) }

    /// A key of a size that is not supported here.
    public static var unsupportedKeySize: DERError.Kind { DERError.Kind(rawValue: 41) }

    /// The cryptography refused.
    public static func crypto(_ error: CryptoError) -> DERError.Kind {
        DERError.Kind(rawValue: 0x80 | error.rawValue)
    }

    /// What the cryptography said, if it was that.
    public var cryptoError: CryptoError? {
        rawValue & 0x80 == 0 ? nil : CryptoError(rawValue: rawValue & 0x7F)
    }
}
