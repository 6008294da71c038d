import Bytes
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

// The transaction attributes of a pkiMessage (RFC 8894, 3.2.1).

extension Inspection {
    mutating func describe(attributesOf signer: SignerInfoParts, _ der: [UInt8]) {
        if let type = signer.number("messageType", der) {
            report.field("messageType", text: numbered(type, name(ofMessageType: type)))
        }
        if let status = signer.number("pkiStatus", der) {
            report.field("pkiStatus", text: numbered(status, name(ofStatus: status)))
        }
        if let failInfo = signer.number("failInfo", der) {
            report.field("failInfo", text: numbered(failInfo, name(ofFailInfo: failInfo)))
        }
        if let text = signer.attribute("failInfoText") {
            report.field("failInfoText", bytes: der.span.extracting(text.content))
        }
        if let identifier = signer.attribute("transactionID") {
            report.field("transactionID", bytes: der.span.extracting(identifier.content))
        }
        if let nonce = signer.attribute("senderNonce") {
            report.field("senderNonce", hex: der.span.extracting(nonce.content))
        }
        if let nonce = signer.attribute("recipientNonce") {
            report.field("recipientNonce", hex: der.span.extracting(nonce.content))
        }
    }

    @inline(never)
    private func numbered(_ number: Int, _ name: StaticString) -> Text {
        var text = Text()
        text.append(decimal: number)
        text.append(" (")
        text.append(name)
        text.append(")")
        return text
    }

    /// Whether the attributes that have to be there are, and are well formed.
    mutating func check(attributesOf signer: SignerInfoParts, _ der: [UInt8]) {
        let isReply = signer.isReply(der)
        check(number: "messageType", signer, der, name(ofMessageType:))
        check("transactionID", signer, der, .printableString)
        if let identifier = signer.attribute("transactionID") {
            for index in identifier.content where !(0x20..<0x7F ~= der[index]) {
                check("transactionID", .fail, "it has a byte that cannot be printed")
                break
            }
        }
        check("senderNonce", signer, der, .octetString, size: 16)
        if isReply {
            check("recipientNonce", signer, der, .octetString, size: 16)
            check(number: "pkiStatus", signer, der, name(ofStatus:))
            if signer.number("pkiStatus", der) == 2 { check(number: "failInfo", signer, der, name(ofFailInfo:)) }
        }
        check("contentType", signer, der, .objectIdentifier)
    }

    /// - Parameter size: bytes; 0 for any.
    @inline(never)
    private mutating func check(
        _ name: StaticString, _ signer: SignerInfoParts, _ der: [UInt8], _ tag: Tag, size: Int = 0
    ) {
        guard let attribute = signer.attribute(name) else { return check(name, .fail, "it is missing") }
        if signer.count(of: name) > 1 || attribute.count != 1 {
            check(name, .fail, "it has to be there once, with one value")
        } else if attribute.tag != tag {
            var text = Text("its type is wrong: tag ")
            text.append(hex: attribute.tag.rawValue)
            text.append(" where ")
            text.append(hex: tag.rawValue)
            text.append(" is due")
            check(name, .fail, text)
        } else if attribute.content.isEmpty {
            check(name, .fail, "it is empty")
        } else if size > 0, attribute.content.count != size {
            var text = Text("it has ")
            text.append(decimal: attribute.content.count)
            text.append(" bytes where 16 are due")
            check(name, .fail, text)
        } else {
            check(name, .pass, "it is there and well formed")
        }
    }

    @inline(never)
    private mutating func check(
        number name: StaticString, _ signer: SignerInfoParts, _ der: [UInt8], _ words: (Int) -> StaticString
    ) {
        guard let attribute = signer.attribute(name) else { return check(name, .fail, "it is missing") }
        guard attribute.tag == .printableString, attribute.count == 1, signer.count(of: name) == 1,
            let number = signer.number(name, der)
        else { return check(name, .fail, "it is no decimal number in one PrintableString") }
        if Text(words(number)).equals("unknown") {
            check(name, .fail, "RFC 8894 does not know this number")
        } else {
            check(name, .pass, "it is there and well formed")
        }
    }

    /// Whether a reply is the one to the given request.
    mutating func check(answerOf signer: SignerInfoParts, _ der: [UInt8]) {
        guard signer.isReply(der) else { return }
        guard let request else { return check("answersRequest", .unknown, "no request was given") }
        let identifier = signer.attribute("transactionID")
        if let identifier, areEqual(der.span.extracting(identifier.content), request.transactionID.span) {
            check("transactionMatches", .pass, "transactionID is the request's")
        } else {
            var text = Text("transactionID is another than the request's, ")
            text.append(request.transactionID)
            check("transactionMatches", .fail, text)
        }
        let nonce = signer.attribute("recipientNonce")
        if let nonce, areEqual(der.span.extracting(nonce.content), request.senderNonce.span) {
            check("nonceMatches", .pass, "recipientNonce is the request's senderNonce")
        } else {
            var text = Text("recipientNonce is another than the request's senderNonce, ")
            text.append(hex: request.senderNonce.span)
            check("nonceMatches", .fail, text)
        }
    }
}

private func name(ofMessageType number: Int) -> StaticString {
    switch number {
    case 3: "CertRep"
    case 17: "RenewalReq"
    case 18: "UpdateReq, of drafts only"
    case 19: "PKCSReq"
    case 20: "CertPoll"
    case 21: "GetCert"
    case 22: "GetCRL"
    default: "unknown"
    }
}

private func name(ofStatus number: Int) -> StaticString {
    switch number {
    case 0: "SUCCESS"
    case 2: "FAILURE"
    case 3: "PENDING"
    default: "unknown"
    }
}

private func name(ofFailInfo number: Int) -> StaticString {
    switch number {
    case 0: "badAlg"
    case 1: "badMessageCheck"
    case 2: "badRequest"
    case 3: "badTime"
    case 4: "badCertId"
    default: "unknown"
    }
}
