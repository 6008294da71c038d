import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

extension Inspection {
    /// Describes a certificate (RFC 5280, 4.1) of any version and algorithm.
    mutating func describe(certificate der: [UInt8]) throws(DERError) {
        report.field("kind", "certificate")
        let parts = try SignedParts(der.span)
        var reader = DERReader(der.span)
        var outer = try reader.enter()
        var tbs = try outer.enter()
        var version = 1
        if let wrapped = try tbs.readIfPresent(.contextConstructed(0)) {
            var content = wrapped.reader
            version = try content.read(.integer).smallInteger(atMost: 255) + 1
        }
        report.field("version", number: version)
        field("serialNumber", integer: try tbs.read(.integer).contents)
        _ = try tbs.read(.sequence)
        report.field("signatureAlgorithm", text: parts.algorithm)
        field("issuer", nameOf: try tbs.read(.sequence).encoding)
        var validity = try tbs.enter()
        try field("notBefore", time: &validity)
        try field("notAfter", time: &validity)
        field("subject", nameOf: try tbs.read(.sequence).encoding)
        report.beginObject("publicKey")
        try describe(publicKey: &tbs)
        report.endObject()
        _ = try tbs.readIfPresent(.context(1))
        _ = try tbs.readIfPresent(.context(2))
        if let wrapped = try tbs.readIfPresent(.contextConstructed(3)) {
            var content = wrapped.reader
            try describe(extensions: &content)
        }
        field("sha1", digest: .sha1, of: der.span)
        field("sha256", digest: .sha256, of: der.span)
        if isTakenAsPinned(der) {
            check(
                "signatureAlgorithm", .pass, "the client does not look at the signature of a certificate that is pinned"
            )
        } else {
            check(parts, "signatureAlgorithm")
        }
        check(certificate: der, parts)
        check(single: der)
    }

    /// Whether the client would not look at what only a pin makes good: it has a given fingerprint or, where none is given
    /// and it is a root, needs one anyway.
    private func isTakenAsPinned(_ der: [UInt8]) -> Bool {
        guard options.fingerprints.isEmpty else { return isPinned(der) }
        guard !isInEnvelope, let certificate = try? Certificate(der.span) else { return false }
        return certificate.isCA && certificate.isSelfIssued
    }

    /// What can be checked of a certificate that stands anywhere.
    private mutating func check(certificate der: [UInt8], _ parts: SignedParts) {
        let certificate: Certificate
        do throws(DERError) {
            certificate = try Certificate(der.span)
        } catch {
            return check("client", .fail, "the client would refuse this certificate: ", error)
        }
        // A small key of a device is no concern of the client's; the CA's is.
        if let defect = certificate.subjectPublicKeyInfo.defect, defect.isOfKind || certificate.role != .other {
            var text = Text("the client reads this certificate, and has no use for its key: ")
            text.append(SCEPError.caKeyUnusable(defect))
            check("client", .fail, text)
        } else {
            check("client", .pass, "the client reads this certificate")
        }
        if !certificate.forbiddingExtension.isEmpty {
            if isTakenAsPinned(der) {
                check(
                    "criticalExtensions", .pass,
                    "the client does not check the one that is critical, since it is pinned")
            } else {
                check("criticalExtensions", .fail, Text(.criticalExtension(certificate.forbiddingExtension), of: der))
            }
        }
        check(validityOf: certificate)
        if certificate.isSelfIssued {
            switch parts.isSigned(der.span, by: certificate.subjectPublicKeyInfo) {
            case true?: check("selfSignature", .pass, "it is signed by its own key")
            case false?:
                check(
                    "selfSignature", .unknown,
                    "it names itself as its issuer, and another key has signed it: a link certificate, or it was changed"
                )
            case nil: check("selfSignature", .unknown, "the signature algorithm is not known here")
            }
        }
        // Whether one may sign itself is asked of who signs with it.
        guard !certificate.isSelfIssued || contains(der) else { return }
        let issuer = issuer(of: certificate, parts, der)
        check("issuedByCA", issuer.result, issuer.reason)
    }

    mutating func check(validityOf certificate: borrowing Certificate) {
        guard options.moment != .unknown else { return check("validity", .unknown, "the time is not known") }
        if options.moment.isPast(certificate.notAfter) {
            check("validity", .fail, "it has expired")
        } else if options.moment.isBefore(certificate.notBefore) {
            check("validity", .fail, "it has not begun yet")
        } else {
            check("validity", .pass, "it is valid at the time")
        }
    }

    /// Whether one of the given CA's certificates has issued this one, and if not, why.
    func issuer(
        of certificate: borrowing Certificate, _ parts: SignedParts, _ der: [UInt8]
    ) -> (result: CheckResult, reason: Text) {
        guard !ca.isEmpty else { return (.unknown, Text("no certificate of the CA was given")) }
        let trusted = CACertificates(ca.span)
        if trusted.haveIssued(certificate, mayBeCA: true) {
            return (.pass, Text("a given CA certificate's key has signed it"))
        }
        var reason: StaticString = "no given CA certificate has the name of its issuer"
        var list = DERReader(ca.span)
        while !list.isAtEnd, let whole = try? list.read() {
            guard let candidate = try? Certificate(whole.encoding), areNamesEqual(candidate.subject, certificate.issuer)
            else { continue }
            if parts.isSigned(der.span, by: candidate.subjectPublicKeyInfo) != true {
                reason = "the given CA certificate with the name of its issuer has another key: it did not sign this"
            } else if !candidate.isCA {
                reason =
                    candidate.extensions.cA
                    ? "the given CA certificate's keyUsage does not allow it to sign certificates"
                    : "the given certificate that signed it is no CA's by its basicConstraints"
            } else if candidate.subjectPublicKeyInfo.defect != nil {
                reason = "the client has no use for the CA's key: it takes RSA-2048 to 4096, P-256 and P-384"
            } else {
                reason = "the given CA certificate signed it, but the path lengths leave no space for it"
            }
        }
        return (.fail, Text(reason))
    }
}

extension KeyDefect {
    fileprivate var isOfKind: Bool { if case .kind = self { true } else { false } }
}
