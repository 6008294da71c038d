import Agent
import CMS
import DER
import DeviceCrypto
import PKIX
import SCEP

// What can only be judged when two things are held against each other.

extension Inspection {
    /// Whether who signed a message may have.
    ///
    /// - Parameter certificate: the signer's, in DER; empty if it is not there.
    mutating func check(origin certificate: [UInt8], of signer: SignerInfoParts, _ der: [UInt8], isMessage: Bool) {
        guard !certificate.isEmpty else { return }
        guard let parsed = try? Certificate(certificate.span), let parts = try? SignedParts(certificate.span) else {
            return check("signer", .unknown, "the client cannot read the signer's certificate")
        }
        let isRequest = isMessage && !signer.isReply(der)
        if isRequest, parsed.isSelfIssued, parts.isSigned(certificate.span, by: parsed.subjectPublicKeyInfo) == true {
            return check("signer", .pass, "it signs with a self-signed certificate, as at a first enrolment")
        }
        let ca = ca
        let known = CACertificates(ca.span)
        guard !ca.isEmpty else { return check("signer", .unknown, "no certificate of the CA was given") }
        if contains(certificate) {
            return check("signer", .pass, "it is a given certificate of the CA")
        }
        guard known.haveIssued(parsed, mayBeCA: true) else {
            let issuer = issuer(of: parsed, parts, certificate)
            var text = Text("the client would not take it for the CA's: ")
            text.append(issuer.reason)
            return check("signer", .fail, text)
        }
        if isRequest {
            check("signer", .pass, "it signs with a certificate that the CA issued, as at a renewal")
        } else if parsed.extensions.isCA || parsed.extensions.isRegistrationAuthority {
            check("signer", .pass, "the CA issued its certificate, and marked it as an authority's")
        } else if options.policy.allowsUnmarkedRA {
            check("signer", .pass, "the CA issued its certificate; that nothing marks it as an authority's is allowed")
        } else {
            check(
                "signer", .fail,
                "the CA issued its certificate, and nothing marks it as an authority's; allow=unmarked-ra lets it pass")
        }
    }

    /// Whether this is one of the given certificates of the CA.
    func contains(_ certificate: [UInt8]) -> Bool {
        var list = DERReader(ca.span)
        while !list.isAtEnd, let whole = try? list.read() {
            if areEqual(whole.encoding, certificate.span) { return true }
        }
        return false
    }

    /// What a request asks for, against the certificate that it is signed with (RFC 8894, 2.3 and 2.5).
    mutating func check(requested plain: [UInt8], signedBy certificate: [UInt8]) {
        guard ObjectKind(plain.span) == .certificationRequest, !certificate.isEmpty,
            let signer = try? Certificate(certificate.span)
        else { return }
        var subject: [UInt8] = []
        var key: [UInt8] = []
        do throws(DERError) {
            var reader = DERReader(plain.span)
            var outer = try reader.enter()
            var info = try outer.enter()
            _ = try info.read(.integer)
            subject = Text(try info.read(.sequence).encoding)
            key = Text(try info.read(.sequence).encoding)
        } catch {
            return
        }
        var isSameKey = false
        var reader = DERReader(key.span)
        if let requested = try? SubjectPublicKeyInfo(&reader) {
            isSameKey = areEqual(requested.key, signer.subjectPublicKeyInfo.key)
        }
        if areEqual(subject.span, signer.subject) {
            check("requestSubject", .pass, "the request's subject is the signer's")
        } else {
            check(
                "requestSubject", .fail, "the request asks for another subject than the certificate that signs it has")
        }
        if isSameKey {
            check("requestKey", .pass, "the request is for the key that signs the message")
        } else if signer.isSelfIssued {
            check("requestKey", .fail, "the request is for another key than the one that signs the message")
        } else {
            check("requestKey", .pass, "the request is for a new key, as at a renewal")
        }
    }

    /// What a reply brings, against the key that it is for.
    mutating func check(issued plain: [UInt8]) {
        guard ObjectKind(plain.span) == .signedData, let parts = try? SignedDataParts(plain.span) else {
            return check("issuedCertificate", .fail, "the envelope holds something else than certificates or CRLs")
        }
        // A reply to GetCRL or GetCert has nothing for the device's key.
        if let type = request?.messageType, type == 21 || type == 22 { return }
        if parts.certificates.isEmpty, !parts.crls.isEmpty { return }
        if options.hasKey { check(keyOf: plain, parts) }
        guard let signer = request?.signer, !signer.isEmpty, let mine = try? Certificate(signer.span) else { return }
        for range in parts.certificates {
            guard let certificate = try? Certificate(plain.span.extracting(range)) else { continue }
            if areEqual(certificate.subjectPublicKeyInfo.key, mine.subjectPublicKeyInfo.key) {
                return check("requestedKey", .pass, "a certificate in it has the key that signed the request")
            }
        }
        check(
            "requestedKey", .unknown,
            "no certificate in it has the key that signed the request; at a renewal with a new key, none need have")
    }

    private mutating func check(keyOf plain: [UInt8], _ parts: SignedDataParts) {
        var policy = options.policy
        let ca = ca
        var certificates: [UInt8] = []
        for range in parts.certificates { certificates.append(contentsOf: plain[range]) }
        do throws(SCEPError) {
            _ = try IssuedCertificate.find(
                certificates.span, in: 0..<certificates.count, from: CACertificates(ca.span), key: &options.key,
                replacing: nil,
                policy: &policy, moment: options.moment, mayBeginLater: false)
            check("issuedCertificate", .pass, "one has the given key, and the given CA signed it")
        } catch {
            if error == .certificateNotFromCA, ca.isEmpty {
                return check(
                    "issuedCertificate", .unknown, "one has the given key; no certificate of the CA was given")
            }
            var text = Text("the client would refuse it: ")
            text.append(error)
            check("issuedCertificate", .fail, text)
        }
    }
}
