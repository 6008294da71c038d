import Agent
import Bytes
import CMS
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

// What can only be checked when two things are held against each other.

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
        guard !ca.isEmpty else { return check("signer", .unknown, "no certificate of the CA was given") }
        guard isRequest else {
            return check(signer: certificate, of: der, casOnly: !isMessage)
        }
        if contains(certificate) { return check("signer", .pass, "it is a given certificate of the CA") }
        let issuer = issuer(of: parsed, parts, certificate)
        guard issuer.result != .pass else {
            return check("signer", .pass, "it signs with a certificate that the CA issued, as at a renewal")
        }
        var text = Text("the CA would not know who it is: ")
        text.append(issuer.reason)
        check("signer", .fail, text)
    }

    /// Whether the client would take who signed a reply for the CA, or for its registration authority: the certificate
    /// has to be among those that GetCACert gives and the client trusts.
    private mutating func check(signer certificate: [UInt8], of der: [UInt8], casOnly: Bool) {
        let isGiven = contains(certificate)
        let ca = ca
        let evaluation = Evaluation(
            isGiven ? ca : certificate + ca,
            fingerprints: options.fingerprints.isEmpty ? Evaluation.pins(ca) : options.fingerprints,
            canDecrypt: false, policy: options.policy, moment: options.moment)
        var failure = Text("the client would not take it for the CA's: ")
        for item in evaluation.items where item.encoding == certificate && !item.isTrusted {
            failure.append(item.reason)
            return check("signer", .fail, failure)
        }
        // Whether there is somebody to encrypt to is nothing to whoever reads a reply.
        if let error = evaluation.failure, evaluation.trusted.isEmpty {
            failure.append(error)
            return check("signer", .fail, failure)
        }
        var policy = options.policy
        do throws(SCEPError) {
            let message = try readSignedData(der, of: casOnly ? .signedData : .envelopedData)
            // What is below the floor has a check of its own.
            _ = try CACertificates(evaluation.trusted.span)
                .authenticate(message, &policy, options.moment, casOnly: casOnly)
        } catch {
            // So has a signature that is wrong.
            guard error != .invalidSignature else {
                return check("signer", .pass, "it would be one whom the client takes for the CA's")
            }
            if case .reply = error { return check("signer", .unknown, "the client does not read it so far") }
            failure.append(error)
            return check("signer", .fail, failure)
        }
        check(
            "signer", .pass,
            isGiven
                ? "it is a given certificate of the CA"
                : "the CA issued its certificate, and marked it as an authority's")
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

    /// Whether the request was signed with a certificate that somebody issued: it may be for a new key, which is in the
    /// envelope to the CA, and the reply is for both: its certificate for the new key, its envelope for the old one.
    /// Nil if no request was given.
    private var isRenewal: Bool? {
        guard let request else { return nil }
        guard let signer = try? Certificate(request.signer.span) else { return nil }
        return !signer.isSelfIssued || request.messageType == 17
    }

    /// Checks what a reply brings for another key than the given one.
    ///
    /// - Returns: nil if there is a certificate in it that the client would take if it had its key; else what is wrong.
    private mutating func failure(ofNewKeyIn certificates: [UInt8]) -> SCEPError? {
        let ca = ca
        var policy = options.policy
        var failure = SCEPError.certificateForAnotherKey
        for encoding in splitCertificates(certificates) where !contains(encoding) {
            guard let certificate = try? Certificate(encoding.span), !certificate.isCA,
                request.map({ $0.signer != encoding }) ?? true
            else { continue }
            do throws(SCEPError) {
                try IssuedCertificate.check(
                    certificate, in: CertificatesOnly(), from: CACertificates(ca.span), replacing: nil, policy: &policy,
                    moment: options.moment, mayBeginLater: false)
                return nil
            } catch {
                failure = error
            }
        }
        return failure
    }

    private mutating func check(keyOf plain: [UInt8], _ parts: SignedDataParts) {
        var policy = options.policy
        let ca = ca
        var certificates: [UInt8] = []
        for range in parts.certificates { certificates.append(contentsOf: plain[range]) }
        do throws(SCEPError) {
            _ = try IssuedCertificate.find(
                certificates.span, in: CertificatesOnly(certificates: 0..<certificates.count),
                from: CACertificates(ca.span),
                key: &options.key,
                replacing: nil,
                policy: &policy, moment: options.moment, mayBeginLater: false)
            check("issuedCertificate", .pass, "one has the given key, and the given CA signed it")
        } catch {
            if error == .certificateNotFromCA, ca.isEmpty {
                return check(
                    "issuedCertificate", .unknown, "one has the given key; no certificate of the CA was given")
            }
            var reason = error
            if error == .certificateForAnotherKey, isRenewal != false {
                let failure = failure(ofNewKeyIn: certificates)
                if ca.isEmpty, failure == .certificateNotFromCA {
                    return check(
                        "issuedCertificate", .unknown, "it is for another key; no certificate of the CA was given")
                }
                switch (failure, isRenewal) {
                case (nil, true?):
                    return check(
                        "issuedCertificate", .pass, "the given CA signed one, for a new key, as a renewal may ask for")
                case (nil, _):
                    return check(
                        "issuedCertificate", .unknown,
                        "the given CA signed one, for another key than the given one, which only a reply to a renewal may: give the request"
                    )
                case (let other?, _): reason = other
                }
            }
            var text = Text("the client would refuse it: ")
            text.append(reason)
            check("issuedCertificate", .fail, text)
        }
    }
}

/// Reads a SignedData in DER as the client does, with content that is data or `other`.
@_lifetime(borrow der)
private func readSignedData(_ der: borrowing [UInt8], of other: ObjectIdentifier) throws(SCEPError) -> SignedData {
    do throws(DERError) {
        return try SignedData(der.span, in: 0..<der.count, orContentOf: other)
    } catch {
        throw .reply(error)
    }
}
