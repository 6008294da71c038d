import Agent
import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP

extension Text {
    /// Appends what is wrong with bytes, as the end of a sentence, and where.
    package mutating func append(_ error: DERError) {
        append(reason(error.kind))
        append(", at byte ")
        append(decimal: error.offset)
    }

    /// Appends what the client says of an error.
    package mutating func append(_ error: SCEPError) {
        if case .reply(let error) = error { return append(error) }
        append(ErrorWords(.scep(.getCACert, error, text: 0..<0), Span()).message)
    }

    package init(_ error: DERError) {
        self = []
        append(error)
    }
}

private func reason(_ kind: DERError.Kind) -> StaticString {
    switch kind {
    case .truncated: "it ends inside an element, or before one that is due"
    case .unexpectedTag: "another element was due"
    case .highTagNumber: "a tag number of 31 or more, which nothing in X.509 or CMS has"
    case .lengthNotMinimal: "a length that DER does not have"
    case .lengthTooLarge: "an element of 16 MiB or more, which the client does not take"
    case .trailingBytes: "something follows where nothing may"
    case .invalidInteger: "an INTEGER that is empty, padded, negative or too large"
    case .invalidBoolean: "a BOOLEAN that is not of one octet"
    case .invalidBitString: "a BIT STRING whose count of unused bits is impossible"
    case .invalidObjectIdentifier: "an OBJECT IDENTIFIER that is badly encoded"
    case .tooDeep: "elements that are nested too deep"
    case .misplacedEndOfContents: "an end-of-contents where none is due, or a missing one"
    case .constructedString: "a string in pieces that is no OCTET STRING"
    case .unsupportedAlgorithm: "an algorithm or a parameter that the client does not know, or not at this place"
    case .unsupportedVersion: "a version that is unknown"
    case .invalidTime: "a time that is not UTCTime or GeneralizedTime in seconds and Z (RFC 5280, 4.1.2.5)"
    case .duplicate: "the same thing twice, where it may stand once"
    case .unknownCriticalExtension: "a critical extension that the client does not check"
    case .unexpectedContentType: "another content type than is due"
    case .notOneRecipient: "it has not the one recipient that is due"
    case .notOneSigner: "it has not the one signature that is due"
    case .attributeMissing: "an attribute is missing"
    case .digestMismatch: "the content's digest is not the one that was signed"
    case .passwordMissing: "a challengePassword is needed to decrypt"
    default: kind.cryptoError.map(reason) ?? "it cannot be read"
    }
}

private func reason(_ error: CryptoError) -> StaticString {
    switch error {
    case .outOfMemory: "not enough memory"
    case .invalidKey: "a key that is malformed, or of a size that is not taken"
    case .invalidSignature: "the signature is wrong"
    case .decryptionFailed: "it was encrypted to another key or password, or was changed"
    case .unsupported: "the key cannot do this"
    default: "the cryptography failed"
    }
}

extension PEM.Failure.Kind {
    /// What is wrong, for a person.
    package var text: StaticString {
        switch self {
        case .badBegin: "a BEGIN line that is malformed"
        case .otherEnd: "an END line that does not belong to its BEGIN line"
        case .endMissing: "a BEGIN line without an END line"
        case .badBase64: "what is not base64"
        case .empty: "nothing between BEGIN and END"
        }
    }
}
