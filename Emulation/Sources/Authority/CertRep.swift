import LibCrypto

/// A CertRep in the making (RFC 8894, section 3.3.2).
struct CertRep {
    var transactionID: String
    var recipientNonce: [UInt8]
    var status = PKIStatus.success
    var refusal: Refusal?
    /// messageData: certificates-only SignedData, in SUCCESS alone.
    var content: [UInt8]?
    /// Whom messageData is encrypted for: by `password` when the certificate's key cannot decrypt.
    var recipient: Certificate?
    var password: String?
    /// Of the request.
    var digest = Digest.sha256
    var cipher = Cipher.aes128

    init(transactionID: String, recipientNonce: [UInt8]) {
        self.transactionID = transactionID
        self.recipientNonce = recipientNonce
    }

    /// ContentInfo, signed by `hierarchy`'s signer, in `style`, with `faults`.
    func encoded(
        by hierarchy: Hierarchy, style: ReplyStyle, faults: [Fault], authority: Authority
    ) throws -> [UInt8] {
        var style = style
        var reply = self
        var signer = hierarchy.signer
        for fault in faults {
            switch fault {
            case .wrongTransactionID: reply.transactionID = try randomBytes(16).hexadecimal
            case .wrongRecipientNonce: reply.recipientNonce = try randomBytes(16)
            case .unknownSigner: signer = try authority.impostor(generation: 1).signer
            case .noCertificates: style.carried = .none
            case .indefiniteLength: style.encoding = .indefinite
            case .oaep: style.keyTransport = .oaep
            case .oaepWithoutParameters: style.keyTransport = .oaepWithoutParameters
            case .obsoleteAlgorithms:
                style.digest = .sha1
                style.cipher = .des
            default: break
            }
        }
        var encoded = try reply.encoded(by: signer, above: hierarchy.authorities.map(\.certificate), style: style)
        if faults.contains(.brokenSignature), style.encoding == .der {
            // The signature is the last thing in the encoding.
            encoded[encoded.count - 1] ^= 1
        }
        return encoded
    }

    private func encoded(by signer: Identity, above: [Certificate], style: ReplyStyle) throws -> [UInt8] {
        var content: [UInt8]?
        if let data = self.content, let password, recipient?.publicKey.isRSA == false {
            content = try Envelope.seal(
                data, password: [UInt8](password.utf8), cipher: style.cipher ?? cipher,
                iterations: style.passwordIterations, encoding: style.encoding)
        } else if let data = self.content, let recipient {
            content = try Envelope.seal(
                data, for: recipient, cipher: style.cipher ?? cipher, keyTransport: style.keyTransport,
                encoding: style.encoding)
        } else {
            switch style.absentContent {
            case .absent: content = nil
            case .empty: content = []
            case .oneByte: content = [0]
            }
        }
        let carried: [Certificate] =
            switch style.carried {
            case .none: []
            case .signer: [signer.certificate]
            case .chain: [signer.certificate] + above.filter { $0 != signer.certificate }
            }
        let contents = SignedMessageContents(
            content: content, attributes: try attributes(style), certificates: carried,
            digest: style.digest ?? digest, encoding: style.encoding, isNamedByKey: style.isNamedByKey)
        return try contents.signed(by: signer.certificate, key: signer.key)
    }

    private func attributes(_ style: ReplyStyle) throws -> [SignedAttribute] {
        func text(_ identifier: String, _ value: String) -> SignedAttribute {
            SignedAttribute(identifier, .printableString, [UInt8](value.utf8))
        }
        var result = [
            text(AttributeIdentifier.transactionID, transactionID),
            text(AttributeIdentifier.messageType, String(CAMessageType.certRep.rawValue)),
            text(AttributeIdentifier.pkiStatus, String(status.rawValue)),
            SignedAttribute(
                AttributeIdentifier.recipientNonce, .octetString, Array(recipientNonce.prefix(style.recipientNonce))),
        ]
        if style.hasSenderNonce {
            result.append(SignedAttribute(AttributeIdentifier.senderNonce, .octetString, try randomBytes(16)))
        }
        if let refusal {
            result.append(text(AttributeIdentifier.failInfo, String(refusal.failInfo.rawValue)))
            if style.hasFailInfoText {
                result.append(
                    SignedAttribute(AttributeIdentifier.failInfoText, .utf8String, [UInt8](refusal.text.utf8)))
            }
        }
        return result + style.extraAttributes
    }
}
