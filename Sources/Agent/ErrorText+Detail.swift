import Board
import Bytes
import DER
import DeviceCrypto
import PKIX
import SCEP

extension Line {
    /// Appends what fills a word's gap.
    mutating func append(_ detail: ErrorText.Detail) {
        switch detail {
        case .none: break
        case .failInfo(let failInfo): append(failInfo)
        case .key(let defect): append(defect)
        case .weakness(let weakness): append(weakness)
        case .form(let form): append(form)
        case .limit(let limit): append(limit)
        case .name(let name): append(name.text)
        }
    }

    /// Appends the words of `allow` for what the CA uses, or what a name can have.
    mutating func appendChoice(of detail: ErrorText.Detail) {
        if case .name(let name) = detail { append(name.values) }
        guard case .weakness(let weakness) = detail else { return }
        let isCipher = weakness.contains(.des) || weakness.contains(.tripleDES)
        if weakness.contains(.sha1) { append(isCipher ? "sha1," : "sha1") }
        if isCipher { append(weakness.contains(.des) ? "des" : "3des") }
    }

    private mutating func append(_ weakness: Leniency) {
        let isCipher = weakness.contains(.des) || weakness.contains(.tripleDES)
        if weakness.contains(.sha1) { append(isCipher ? "SHA-1 and " : "SHA-1") }
        if isCipher { append(weakness.contains(.des) ? "single DES" : "triple DES") }
    }

    /// As RFC 8894, 3.2.1.4 calls it.
    private mutating func append(_ failInfo: FailInfo) {
        switch failInfo {
        case .badAlg: append("badAlg")
        case .badMessageCheck: append("badMessageCheck")
        case .badRequest: append("badRequest")
        case .badTime: append("badTime")
        case .badCertId: append("badCertId")
        case .other(let number): append(decimal: Int(number))
        case .missing: append("no reason")
        }
    }

    private mutating func append(_ defect: KeyDefect) {
        switch defect {
        case .rsaSize(let bits), .rsaExponent(let bits):
            append("RSA-")
            append(decimal: bits)
            if case .rsaExponent = defect { append(" of this exponent") }
        case .kind(.p521): append("P-521")
        case .kind(.ed25519): append("Ed25519")
        default: append("of this kind")
        }
    }

    private mutating func append(_ form: BodyForm) {
        guard Footprint.isUnconstrained else { return append("is not DER") }
        switch form {
        case .empty: append("is empty")
        case .html: append("is a web page")
        case .json: append("is JSON")
        case .gzip: append("is compressed")
        case .byteOrderMark: append("begins with a byte order mark")
        case .text: append("is text")
        }
    }

    private mutating func append(_ limit: CertificateRevocationList.Limit) {
        guard Footprint.isUnconstrained else { return append("issuingDistributionPoint") }
        switch limit {
        case .delta: append("deltaCRLIndicator")
        case .userCertificates: append("onlyContainsUserCerts")
        case .caCertificates: append("onlyContainsCACerts")
        case .someReasons: append("onlySomeReasons")
        case .indirect: append("indirectCRL")
        case .attributeCertificates: append("onlyContainsAttributeCerts")
        case .otherDistributionPoint: append("issuingDistributionPoint of another name")
        }
    }
}
