import Bytes
import CMS
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

extension Inspection {
    /// Describes a SignedData: a pkiMessage (RFC 8894, 3.2), certificates alone (3.4), or any other.
    mutating func describe(signedData der: [UInt8]) throws(DERError) {
        let parts = try SignedDataParts(der.span)
        guard let first = parts.signers.first else { return try describe(certificatesOnly: der, parts) }
        let signer = try SignerInfoParts(der.span, in: first)
        let isMessage = signer.attribute("messageType") != nil || signer.attribute("transactionID") != nil
        report.field("kind", isMessage ? "pkiMessage" : "SignedData")
        if isMessage { describe(attributesOf: signer, der) }
        report.field("cmsVersion", number: parts.version)
        report.field("digestAlgorithms", text: parts.digestAlgorithms)
        report.field("eContentType", text: parts.contentType)
        report.field("eContentBytes", number: parts.content?.count ?? 0)
        describe(signer, parts.signers.count, der)
        describe("certificates", parts.certificates, der)
        describe("crls", parts.crls, der)

        check(reading: der, of: isMessage ? .envelopedData : .signedData)
        let certificate = check(signer, parts, der)
        check(digestOf: signer, parts, der)
        if isMessage {
            check(attributesOf: signer, der)
            check(answerOf: signer, der)
        }
        check(origin: certificate, of: signer, der, isMessage: isMessage)
        describe(contentOf: parts, signer, der, signedBy: certificate, isMessage: isMessage)
    }

    private mutating func check(reading der: [UInt8], of other: ObjectIdentifier) {
        do throws(DERError) {
            let read = try SignedData(der.span, in: 0..<der.count, orContentOf: other)
            check("client", .pass, "the client reads this SignedData")
            guard read.isOfOtherType else { return }
            check("eContentType", .pass, "it is to be data (RFC 8894, 3.2 and 4.7.1); the client takes it all the same")
        } catch {
            check("client", .fail, "the client would refuse this SignedData: ", error)
        }
    }

    // MARK: description

    private mutating func describe(_ signer: SignerInfoParts, _ count: Int, _ der: [UInt8]) {
        report.beginObject("signer")
        if count > 1 { report.field("of", number: count) }
        if signer.issuer.isEmpty {
            report.field("subjectKeyIdentifier", hex: der.span.extracting(signer.keyIdentifier))
        } else {
            field("issuer", nameOf: der.span.extracting(signer.issuer))
            field("serialNumber", integer: der.span.extracting(signer.serialNumber))
        }
        report.field("digestAlgorithm", text: signer.digestAlgorithm)
        report.field("signatureAlgorithm", text: signer.signatureAlgorithm)
        describe("signedAttributes", signer.attributes, der)
        if !signer.unsignedAttributes.isEmpty { describe("unsignedAttributes", signer.unsignedAttributes, der) }
        report.endObject()
    }

    private mutating func describe(_ name: StaticString, _ attributes: [SignedAttribute], _ der: [UInt8]) {
        report.beginList(name)
        for attribute in attributes {
            report.beginItem()
            report.field("attribute", text: attribute.name)
            report.field("id", text: attribute.dotted)
            var text = Text()
            var values = DERReader(der.span, in: attribute.values)
            while !values.isAtEnd, let value = try? values.read() {
                text.separate(since: 0)
                text.append(valueOf: value)
            }
            report.field("value", text: text)
            report.endItem()
        }
        report.endList()
    }

    /// Describes what came along, each as an item of a list called `name`.
    mutating func describe(_ name: StaticString, _ ranges: [Range<Int>], _ der: [UInt8]) {
        guard !ranges.isEmpty else { return }
        report.beginList(name)
        for range in ranges {
            report.beginItem()
            _ = describe(der.part(range))
            report.endItem()
        }
        report.endList()
    }

    private mutating func describe(
        contentOf parts: SignedDataParts, _ signer: SignerInfoParts, _ der: [UInt8], signedBy certificate: [UInt8],
        isMessage: Bool
    ) {
        guard let content = parts.content, !content.isEmpty else {
            guard isMessage, signer.isSuccess(der) || !signer.isReply(der) else { return }
            return check("content", .fail, "there is no content, where an envelope is due")
        }
        // NDES puts one byte into a reply that has nothing to say (RFC 8894, 3.2.2 has it absent).
        if isMessage, signer.isReply(der), !signer.isSuccess(der) {
            return check("content", .pass, "there is content, which has no meaning here and is not looked at")
        }
        report.beginObject("content")
        opened.wipe()
        if isMessage { isOfReply = signer.isReply(der) }
        _ = describe(der.part(content))
        isOfReply = nil
        report.endObject()
        guard isMessage, !opened.isEmpty else { return }
        var plain: [UInt8] = []
        swap(&plain, &opened)
        defer { plain.wipe() }
        if signer.isReply(der) {
            check(issued: plain)
        } else {
            check(requested: plain, signedBy: certificate)
        }
    }

    // MARK: signature

    /// Finds the signer's certificate, and checks the signature with it.
    ///
    /// - Returns: the certificate in DER; empty if it was not found.
    private mutating func check(_ signer: SignerInfoParts, _ parts: SignedDataParts, _ der: [UInt8]) -> [UInt8] {
        var found: [UInt8] = []
        for range in parts.certificates {
            let certificate = der.part(range)
            if found.isEmpty, signer.names(certificate, der) { found = certificate }
        }
        if found.isEmpty {
            let ca = ca
            var list = DERReader(ca.span)
            while !list.isAtEnd, let whole = try? list.read() {
                let certificate = Text(whole.encoding)
                if found.isEmpty, signer.names(certificate, der) { found = certificate }
            }
            check(
                "signerCertificate", found.isEmpty ? .unknown : .pass,
                found.isEmpty
                    ? "it is neither in the message nor among the given certificates of the CA"
                    : "it is among the given certificates of the CA")
        } else {
            check("signerCertificate", .pass, "it is in the message")
        }
        let (result, reason) = Self.check(signer, parts, der, by: found)
        check("signature", result, reason)
        return found
    }

    private static func check(
        _ signer: SignerInfoParts, _ parts: SignedDataParts, _ der: [UInt8], by certificate: [UInt8]
    ) -> (CheckResult, StaticString) {
        guard !certificate.isEmpty else { return (.unknown, "the signer's certificate is missing") }
        guard let parsed = try? Certificate(certificate.span) else {
            return (.unknown, "the client cannot read the signer's certificate")
        }
        guard let signature = signer.signature else { return (.unknown, "the algorithm is not known here") }
        let digest = signer.digest(signature.digest, der, content: parts.content)
        guard signature.isValid(der.span.extracting(signer.value), over: digest, by: parsed.subjectPublicKeyInfo) else {
            return (.fail, "the signer's key did not make it over these attributes")
        }
        guard parsed.subjectPublicKeyInfo.defect == nil else {
            return (.fail, "it is right, but the client has no use for the signer's key")
        }
        return (.pass, "the signer's key made it over these attributes")
    }

    private mutating func check(digestOf signer: SignerInfoParts, _ parts: SignedDataParts, _ der: [UInt8]) {
        guard let algorithm = signer.signature?.digest else {
            var text = signer.digestAlgorithm
            text.append(" with ")
            text.append(signer.signatureAlgorithm)
            text.append(" is nothing that the client knows")
            return check("digestAlgorithm", .fail, text)
        }
        check("digestAlgorithm", permits: algorithm)
        guard let attribute = signer.attribute("messageDigest") else {
            return check("messageDigest", .fail, "there is no messageDigest attribute")
        }
        let digest = Hash.digest(algorithm, of: der.span.extracting(parts.content ?? 0..<0))
        if areEqual(digest.bytes, der.span.extracting(attribute.content)) {
            check("messageDigest", .pass, "it is the digest of the content")
        } else {
            var text = Text("the content was changed: its digest is ")
            text.append(hex: digest.bytes)
            check("messageDigest", .fail, text)
        }
    }
}

extension SignerInfoParts {
    func isReply(_ der: [UInt8]) -> Bool { number("messageType", der) == Int(MessageType.certRep.rawValue) }

    func isSuccess(_ der: [UInt8]) -> Bool { isReply(der) && number("pkiStatus", der) == 0 }
}
