import LibCrypto

/// A request whose outer form was read: enough to answer it with a CertRep.
struct PKIMessage {
    let signed: SignedMessage
    let transactionID: String
    let senderNonce: [UInt8]
    /// messageType as sent.
    let type: String

    /// What keeps `bytes` from being answered with a CertRep.
    struct Unanswerable: Error {
        let description: String
    }

    init(_ bytes: [UInt8]) throws(Unanswerable) {
        do throws(LibCryptoError) {
            signed = try SignedMessage(bytes)
        } catch {
            throw Unanswerable(description: "not a SCEP message: \(error)")
        }
        transactionID = String(
            decoding: try Self.value(
                of: signed, AttributeIdentifier.transactionID, .printableString, "transactionID"), as: UTF8.self)
        type = String(
            decoding: try Self.value(of: signed, AttributeIdentifier.messageType, .printableString, "messageType"),
            as: UTF8.self)
        senderNonce = try Self.value(of: signed, AttributeIdentifier.senderNonce, .octetString, "senderNonce")
        guard !transactionID.isEmpty, transactionID.utf8.count <= 255 else {
            throw Unanswerable(description: "the transactionID is \(transactionID.utf8.count) characters long")
        }
    }

    private static func value(
        of message: SignedMessage, _ identifier: String, _ tag: SignedAttribute.Tag, _ name: String
    ) throws(Unanswerable) -> [UInt8] {
        let found = message.attributes.filter { $0.identifier == identifier }
        guard found.count == 1, let attribute = found.first else {
            throw Unanswerable(description: "the message has \(found.count) attributes \(name), not one")
        }
        guard attribute.tag == tag.rawValue else {
            throw Unanswerable(description: "the attribute \(name) has ASN.1 tag \(attribute.tag), not \(tag.rawValue)")
        }
        return attribute.value
    }

    /// The digest of the signature, or nil when it is none that is taken.
    func acceptedDigest(_ configuration: CAConfiguration) -> Digest? {
        signed.digest == .md5 && !configuration.acceptsObsoleteAlgorithms ? nil : signed.digest
    }

    /// The certificate that signed it, once the signature is known to be right.
    func verifiedSigner(_ configuration: CAConfiguration) throws(Refusal) -> Certificate {
        guard acceptedDigest(configuration) != nil else {
            throw Refusal(.badAlg, "the message is signed with a digest that is not taken here")
        }
        guard let signer = signed.signer else {
            throw Refusal(.badMessageCheck, "the message does not carry its signer's certificate")
        }
        guard (try? signed.isSigned(by: signer)) == true else {
            throw Refusal(.badMessageCheck, "the signature of the message is wrong")
        }
        guard signed.contentType == "1.2.840.113549.1.7.1" else {
            throw Refusal(.badRequest, "eContentType is \(signed.contentType), not data")
        }
        guard senderNonce.count == 16 else {
            throw Refusal(.badRequest, "the senderNonce has \(senderNonce.count) bytes, not 16")
        }
        return signer
    }
}
