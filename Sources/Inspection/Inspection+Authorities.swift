import Bytes
import CMS
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

extension Inspection {
    /// Describes a SignedData without a signer: a CA's certificates, or what a reply brings (RFC 8894, 3.4).
    mutating func describe(certificatesOnly der: [UInt8], _ parts: SignedDataParts) throws(DERError) {
        report.field("kind", "certificates-only SignedData")
        report.field("cmsVersion", number: parts.version)
        report.field("eContentType", text: parts.contentType)
        if let content = parts.content { report.field("eContentBytes", number: content.count) }
        report.field("certificateCount", number: parts.certificates.count)
        report.field("crlCount", number: parts.crls.count)
        report.field("order", order(of: parts.certificates, der))
        describe("certificates", parts.certificates, der)
        describe("crls", parts.crls, der)
        do throws(DERError) {
            let read = try SignedData(der.span, in: 0..<der.count)
            _ = read.certificates
            check("client", .pass, "the client reads this SignedData")
        } catch {
            return check("client", .fail, "the client would refuse this SignedData: ", error)
        }
        if parts.content.map({ !$0.isEmpty }) ?? false {
            check("content", .fail, "there is content, where it has to be absent (RFC 8894, 3.4)")
        }
        guard !isInEnvelope, !parts.certificates.isEmpty else { return }
        var certificates: [UInt8] = []
        for range in parts.certificates { certificates.append(contentsOf: der[range]) }
        check(authorities: certificates)
    }

    /// How the certificates follow each other.
    private func order(of ranges: [Range<Int>], _ der: [UInt8]) -> StaticString {
        guard ranges.count > 1 else { return "one or none" }
        var (ascends, descends) = (true, true)
        for index in 1..<ranges.count {
            guard let first = try? Certificate(der.span.extracting(ranges[index - 1])),
                let second = try? Certificate(der.span.extracting(ranges[index]))
            else { return "not known" }
            if !areNamesEqual(first.issuer, second.subject) { ascends = false }
            if !areNamesEqual(first.subject, second.issuer) { descends = false }
        }
        return ascends ? "leaf to root" : descends ? "root to leaf" : "no chain"
    }

    /// Checks a single certificate that is all of a file as a reply to GetCACert.
    mutating func check(single der: [UInt8]) {
        guard !isInEnvelope, depth == 1, isSingle, let certificate = try? Certificate(der.span),
            certificate.isCA || isPinned(der)
        else { return }
        check(authorities: der)
    }

    /// Whether it has one of the given fingerprints.
    func isPinned(_ der: [UInt8]) -> Bool {
        let text = options.fingerprints
        guard let fingerprints = Fingerprints(text.span) else { return false }
        return fingerprints.contains(der.span)
    }

    /// What the client would make of a GetCACert reply: the same code decides.
    mutating func check(authorities certificates: [UInt8]) {
        let pins = options.fingerprints
        let isVerified = !pins.isEmpty
        let evaluation = Evaluation(
            certificates, fingerprints: isVerified ? pins : Evaluation.pins(certificates),
            canDecrypt: options.canDecrypt, policy: options.policy, moment: options.moment)
        report.beginList("authorities")
        for item in evaluation.items {
            report.beginItem()
            if let certificate = try? Certificate(item.encoding.span) {
                report.field("subject", text: Text(name: certificate.subject))
            }
            report.evaluation(of: item, isVerified: isVerified)
            report.endItem()
        }
        report.endList()
        if let failure = evaluation.failure {
            var text = Text(
                isVerified
                    ? "the client would refuse these certificates: "
                    : "the client would refuse these certificates, whichever is pinned: ")
            text.append(failure)
            check("fingerprint", .fail, text)
        } else if isVerified {
            var text = Text("the fingerprint fits; the client would trust ")
            text.append(decimal: evaluation.trustedCount)
            text.append(" of ")
            text.append(decimal: evaluation.items.count)
            check("fingerprint", .pass, text)
        } else {
            check("fingerprint", .unknown, "no fingerprint was given; what follows takes all of them as pinned")
        }
        let authorities = CACertificates(evaluation.trusted.span)
        if let issuing = try? authorities.issuingCertificate() { check("issuingCA", .pass, Self.words(issuing)) }
        if let recipient = try? Certificate(evaluation.recipient.span) {
            check("encryption", .pass, Self.words(recipient))
        }
        for item in evaluation.items where isVerified && !item.isTrusted {
            guard case .passedOver(let reason)? = item.standing, let certificate = try? Certificate(item.encoding.span)
            else { continue }
            let passedOver = PassedOver(certificate: 0..<0, role: certificate.role, reason: reason)
            guard passedOver.matters else { continue }
            var text = Text(name: certificate.subject)
            text.append(": ")
            text.append(item.reason)
            check("passedOver", .unknown, text)
        }
    }

    /// Which certificate it is, and what speaks for it.
    private static func words(_ certificate: borrowing Certificate) -> Text {
        var text = Text(name: certificate.subject)
        text.append(" (serialNumber ")
        text.append(Text(integer: certificate.serialNumber))
        text.append("): ")
        text.append(certificate.isCA ? "a CA's" : "a registration authority's")
        switch certificate.subjectPublicKeyInfo.kind {
        case .rsa: text.append(", RSA")
        case .ellipticCurve: text.append(", elliptic curve, to which requests are encrypted by password")
        case .other: text.append(", a key of no use here")
        }
        if let usage = certificate.extensions.keyUsage {
            text.append(usage.contains(.keyEncipherment) ? ", for encryption" : ", not for encryption by its keyUsage")
        } else {
            text.append(", for any use")
        }
        return text
    }
}
