import DER
import DeviceCrypto
import PKIX

extension CoreReader {
    static func checked(_ body: () throws(DERError) -> String) -> Verdict {
        do throws(DERError) {
            return .accepted(try body())
        } catch {
            return .refused(word(error.kind))
        }
    }

    static func verify(_ signed: borrowing Signed, _ issuer: [UInt8]) throws(DERError) {
        var reader = DERReader(issuer.span)
        let key = try SubjectPublicKeyInfo(&reader)
        do throws(CryptoError) {
            try signed.verify(signedBy: key)
        } catch {
            throw DERError(.crypto(error), at: 0)
        }
    }

    /// A public key as OpenSSL's i2d_PublicKey has it: RSAPublicKey, or the point.
    static func key(_ info: borrowing SubjectPublicKeyInfo) -> String {
        guard info.kind == .rsa else { return hex(info.key) }
        var bytes = [UInt8](repeating: 0, count: 2048)
        var buffer = bytes.mutableSpan
        var writer = DERWriter(&buffer, end: 2048)
        do {
            try writer.write(unsignedInteger: info.exponent)
            try writer.write(unsignedInteger: info.key)
            try writer.wrap(.sequence, from: 2048)
        } catch {
            return "too large"
        }
        return hex(writer.written)
    }

    static func hex(_ bytes: Span<UInt8>) -> String {
        var array: [UInt8] = []
        for index in bytes.indices { array.append(bytes[index]) }
        return OracleTests.hex(array)
    }

    /// One that gives the same bytes every time; 48 bytes are a seed.
    static func seededRandom() -> RandomGenerator {
        var random = RandomGenerator()
        let seed = [UInt8](repeating: 0x5A, count: 48)
        do throws(CryptoError) {
            try random.seed(seed.span, personalization: Span())
        } catch {
            preconditionFailure("the seed has a right size")
        }
        return random
    }

    private static let words: [(DERError.Kind, String)] = [
        (.truncated, "truncated"), (.unexpectedTag, "unexpectedTag"), (.highTagNumber, "highTagNumber"),
        (.lengthNotMinimal, "lengthNotMinimal"), (.lengthTooLarge, "lengthTooLarge"),
        (.trailingBytes, "trailingBytes"), (.invalidInteger, "invalidInteger"), (.invalidBoolean, "invalidBoolean"),
        (.invalidBitString, "invalidBitString"), (.invalidObjectIdentifier, "invalidObjectIdentifier"),
        (.tooDeep, "tooDeep"), (.misplacedEndOfContents, "misplacedEndOfContents"),
        (.constructedString, "constructedString"), (.bufferFull, "bufferFull"),
        (.unsupportedAlgorithm, "unsupportedAlgorithm"), (.unsupportedVersion, "unsupportedVersion"),
        (.invalidTime, "invalidTime"), (.duplicate, "duplicate"),
        (.unknownCriticalExtension, "unknownCriticalExtension"), (.unsupportedKeySize, "unsupportedKeySize"),
        (.unexpectedContentType, "unexpectedContentType"), (.notOneRecipient, "notOneRecipient"),
        (.notOneSigner, "notOneSigner"), (.attributeMissing, "attributeMissing"),
        (.digestMismatch, "digestMismatch"), (.passwordMissing, "passwordMissing"),
    ]

    static func word(_ kind: DERError.Kind) -> String {
        if let error = kind.cryptoError { return "crypto.\(error)" }
        return words.first { $0.0 == kind }?.1 ?? "kind \(kind.rawValue)"
    }
}
