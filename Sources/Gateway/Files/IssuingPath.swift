import DER
import DeviceCrypto
import PKIX
import SCEP

/// The certificates above one, as far as they are trusted and there.
struct IssuingPath {
    /// From the one that issued the certificate upwards, without the last.
    private(set) var intermediates: [[UInt8]] = []
    /// The last one: a root, or the highest that there is.
    private(set) var anchor: [UInt8] = []

    /// - Parameter trusted: certificates in DER, one after the other.
    init(of certificate: [UInt8], in trusted: [UInt8]) {
        let all = Self.split(trusted)
        var path: [[UInt8]] = []
        var lowest = certificate
        while path.count < CACertificates.maximumCount, let issuer = Self.issuer(of: lowest, in: all) {
            path.append(issuer)
            guard let parsed = try? Certificate(issuer.span), !parsed.isSelfIssued else { break }
            lowest = issuer
        }
        if let last = path.popLast() { anchor = last }
        intermediates = path
    }

    private static func issuer(of certificate: [UInt8], in all: [[UInt8]]) -> [UInt8]? {
        guard let parsed = try? Certificate(certificate.span) else { return nil }
        for candidate in all {
            if CACertificates(candidate.span).haveIssued(parsed, mayBeCA: true) { return candidate }
        }
        return nil
    }

    /// Certificates that stand one after the other.
    static func split(_ certificates: [UInt8]) -> [[UInt8]] {
        var all: [[UInt8]] = []
        var reader = DERReader(certificates.span)
        while !reader.isAtEnd, let element = try? reader.read() {
            all.append([UInt8](element.encoding))
        }
        return all
    }

    static func pem(_ certificates: [UInt8]) -> Text {
        var text = Text()
        for certificate in split(certificates) { text.append(PEM.encode("CERTIFICATE", certificate.span)) }
        return text
    }
}
