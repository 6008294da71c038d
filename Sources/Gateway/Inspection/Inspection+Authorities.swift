import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP

extension Inspection {
    /// Describes a SignedData without a signer: a CA's certificates, or what a reply brings (RFC 8894, 3.4).
    mutating func describe(degenerate der: [UInt8], _ parts: SignedDataParts) throws(DERError) {
        report.field("kind", "certificates-only SignedData")
        report.field("cmsVersion", number: parts.version)
        report.field("eContentType", text: parts.contentType)
        if let content = parts.content { report.field("eContentBytes", number: content.count) }
        report.field("certificateCount", number: parts.certificates.count)
        report.field("crlCount", number: parts.crls.count)
        report.field("order", order(of: parts.certificates, der))
        describe(certificates: parts.certificates, der)
        describe(crls: parts.crls, der)
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
        judge(authorities: certificates)
    }

    /// How the certificates follow each other.
    private func order(of ranges: [Range<Int>], _ der: [UInt8]) -> StaticString {
        guard ranges.count > 1 else { return "one or none" }
        var (ascends, descends) = (true, true)
        for index in 1..<ranges.count {
            guard let first = try? Certificate(der.span.extracting(ranges[index - 1])),
                let second = try? Certificate(der.span.extracting(ranges[index]))
            else { return "not known" }
            if !areEqual(first.issuer, second.subject) { ascends = false }
            if !areEqual(first.subject, second.issuer) { descends = false }
        }
        return ascends ? "leaf to root" : descends ? "root to leaf" : "no chain"
    }

    /// Judges a single certificate that is a file's object as a reply to GetCACert, if there is a fingerprint.
    mutating func judge(single der: [UInt8]) {
        guard !isInEnvelope, depth == 1, !options.fingerprints.isEmpty,
            let certificate = try? Certificate(der.span), certificate.extensions.isCA
        else { return }
        judge(authorities: der)
    }

    /// What the client would make of a GetCACert reply: the same code decides.
    private mutating func judge(authorities certificates: [UInt8]) {
        var trusted = certificates
        let fingerprintTexts = options.fingerprints
        if let fingerprints = Fingerprints(fingerprintTexts.span) {
            var policy = options.policy
            do throws(SCEPError) {
                var room = [UInt8](repeating: 0, count: certificates.count)
                let count: Int
                do {
                    var span = room.mutableSpan
                    count = try GetCACert.accept(
                        certificates.span, certificates: 0..<certificates.count, fingerprints: fingerprints,
                        policy: &policy, moment: options.moment, into: &span)
                }
                room.removeLast(room.count - count)
                trusted = room
                var text = Text("the fingerprint fits; the client would trust ")
                text.append(decimal: count == 0 ? 0 : Self.count(room))
                text.append(" of ")
                text.append(decimal: Self.count(certificates))
                check("fingerprint", .pass, text)
            } catch {
                var text = Text("the client would refuse these certificates: ")
                text.append(error)
                check("fingerprint", .fail, text)
            }
        } else {
            check("fingerprint", .unknown, "no fingerprint was given; what follows takes all of them as trusted")
        }
        let authorities = CACertificates(trusted.span)
        do throws(SCEPError) {
            let issuing = try authorities.issuingCertificate()
            check("issuingCA", .pass, Self.words(issuing))
        } catch {
            check("issuingCA", .fail, "none of them is a CA's by its basicConstraints")
        }
        do throws(SCEPError) {
            let recipient = try authorities.encryptionCertificate()
            let result: CheckResult
            if let usage = recipient.extensions.keyUsage, recipient.subjectPublicKeyInfo.kind == .rsa {
                result = usage.contains(.keyEncipherment) ? .pass : .fail
            } else {
                result = .pass
            }
            check("encryption", result, Self.words(recipient))
        } catch {
            check("encryption", .fail, "no certificate has a key that a request can be encrypted to")
        }
    }

    private static func count(_ certificates: [UInt8]) -> Int {
        var count = 0
        var list = DERReader(certificates.span)
        while !list.isAtEnd, (try? list.read()) != nil { count += 1 }
        return count
    }

    /// Which certificate it is, and what speaks for it.
    private static func words(_ certificate: borrowing Certificate) -> Text {
        var text = Text(name: certificate.subject)
        text.append(" (serialNumber ")
        text.append(Text(integer: certificate.serialNumber))
        text.append("): ")
        text.append(certificate.extensions.isCA ? "a CA's" : "a registration authority's")
        switch certificate.subjectPublicKeyInfo.kind {
        case .rsa: text.append(", RSA")
        case .ellipticCurve: text.append(", elliptic curve, to which requests are encrypted by password")
        }
        if let usage = certificate.extensions.keyUsage {
            text.append(usage.contains(.keyEncipherment) ? ", for encryption" : ", not for encryption by its keyUsage")
        } else {
            text.append(", for any use")
        }
        return text
    }
}
