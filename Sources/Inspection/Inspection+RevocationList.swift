import Bytes
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

extension Inspection {
    /// Entries of a CRL that are shown.
    private static var shownEntries: Int { 10 }

    /// Describes a CRL (RFC 5280, 5.1).
    mutating func describe(revocationList der: [UInt8]) throws(DERError) {
        report.field("kind", "CRL")
        let parts = try SignedParts(der.span)
        var reader = DERReader(der.span)
        var outer = try reader.enter()
        var tbs = try outer.enter()
        let version = try tbs.readIfPresent(.integer)?.smallInteger(atMost: 255) ?? 0
        report.field("version", number: version + 1)
        _ = try tbs.read(.sequence)
        report.field("signatureAlgorithm", text: parts.algorithm)
        let issuer = try tbs.read(.sequence)
        field("issuer", nameOf: issuer.encoding)
        try field("thisUpdate", time: &tbs)
        if tbs.nextTag == .utcTime || tbs.nextTag == .generalizedTime { try field("nextUpdate", time: &tbs) }
        let entries = try tbs.readIfPresent(.sequence)
        if let entries {
            try describe(entries)
        } else {
            report.field("revoked", number: 0)
        }
        if let wrapped = try tbs.readIfPresent(.contextConstructed(0)) {
            var content = wrapped.reader
            try describe(extensions: &content)
        }
        check(parts, "signatureAlgorithm")
        check(revocationList: der, parts)
    }

    private mutating func describe(_ entries: borrowing DERElement) throws(DERError) {
        var count = 0
        var list = entries.reader
        while !list.isAtEnd {
            _ = try list.read()
            count += 1
        }
        report.field("revoked", number: count)
        report.beginList("entries")
        list = entries.reader
        for _ in 0..<min(count, Self.shownEntries) {
            var entry = try list.enter()
            report.beginItem()
            field("serialNumber", integer: try entry.read(.integer).contents)
            try field("revocationDate", time: &entry)
            if let extensions = try entry.readIfPresent(.sequence) { try describe(reasonIn: extensions) }
            report.endItem()
        }
        report.endList()
    }

    private mutating func describe(reasonIn extensions: borrowing DERElement) throws(DERError) {
        var list = extensions.reader
        while !list.isAtEnd {
            var item = try list.enter()
            let identifier = try item.read(.objectIdentifier)
            _ = try item.readIfPresent(.boolean)
            let value = try item.read(.octetString)
            // ENUMERATED, one byte (RFC 5280, 5.3.1).
            guard identifier.contents.count == 3, identifier.contents[2] == 21, value.content.count == 3 else {
                continue
            }
            report.field("reason", name(ofReason: value.contents[2]))
        }
    }

    private mutating func check(revocationList der: [UInt8], _ parts: SignedParts) {
        let list: CertificateRevocationList
        do throws(DERError) {
            var reader = DERReader(der.span)
            list = try CertificateRevocationList(&reader)
            _ = try list.revokes(Span())
        } catch {
            return check("client", .fail, "the client would refuse this CRL: ", error)
        }
        if let limit = list.limit {
            var text = Text("the client would refuse this CRL: ")
            text.append(SCEPError.crlIncomplete(limit))
            return check("client", .fail, text)
        }
        check("client", .pass, "the client reads this CRL")
        if options.moment == .unknown {
            check("validity", .unknown, "the time is not known")
        } else if options.moment.isBefore(list.thisUpdate) {
            check("validity", .fail, "it has not begun yet")
        } else if let nextUpdate = list.nextUpdate, options.moment.isPast(nextUpdate) {
            check("validity", .fail, "a newer one was due")
        } else {
            check("validity", .pass, "it is the latest that can be asked for")
        }
        let ca = ca
        guard !ca.isEmpty else { return check("signature", .unknown, "no certificate of the CA was given") }
        var reason: StaticString = "no given CA certificate has the name of its issuer"
        var certificates = DERReader(ca.span)
        while !certificates.isAtEnd, let whole = try? certificates.read() {
            guard let candidate = try? Certificate(whole.encoding), areNamesEqual(candidate.subject, list.issuer) else {
                continue
            }
            guard parts.isSigned(der.span, by: candidate.subjectPublicKeyInfo) == true else {
                reason = "the given CA certificate with the name of its issuer has not signed it"
                continue
            }
            guard candidate.extensions.keyUsage?.contains(.cRLSign) ?? true else {
                reason = "the given CA certificate's keyUsage does not allow it to sign CRLs"
                continue
            }
            return check("signature", .pass, "a given CA certificate's key has signed it")
        }
        check("signature", .fail, reason)
    }
}

private func name(ofReason code: UInt8) -> StaticString {
    switch code {
    case 0: "unspecified"
    case 1: "keyCompromise"
    case 2: "cACompromise"
    case 3: "affiliationChanged"
    case 4: "superseded"
    case 5: "cessationOfOperation"
    case 6: "certificateHold"
    case 8: "removeFromCRL"
    case 9: "privilegeWithdrawn"
    case 10: "aACompromise"
    default: "unknown"
    }
}
