import CMS
import DER
import DeviceCrypto
import TestKeys
import TestSupport

/// Replies, signed as a CA signs them, or as somebody else does.
enum CertRepMaker {
    /// A pkiMessage with these attributes and no envelope (RFC 8894, 3.2.1); failInfo is badRequest.
    static func failure(
        by signer: OpenSSLIdentity, messageType: String = "3", status: String = "2", recipientNonce: [UInt8],
        transactionID: [UInt8], text: String = "stolen"
    ) throws -> [UInt8] {
        try reply(
            by: signer, messageType: messageType, status: status, recipientNonce: recipientNonce,
            transactionID: transactionID, text: text)
    }

    /// A pkiMessage with an envelope, or without one.
    static func reply(
        by signer: OpenSSLIdentity, messageType: String = "3", status: String, envelope: [UInt8] = [],
        recipientNonce: [UInt8], transactionID: [UInt8], text: String = "stolen"
    ) throws -> [UInt8] {
        var key = try TestKey(pem: signer.key).rsaPrivateKey()
        var random = try seededRandom()
        var buffer = [UInt8](repeating: 0, count: 8192)
        let front: Int
        do {
            var bytes = buffer.mutableSpan
            var writer = DERWriter(&bytes, end: 8192)
            try writer.write(bytes: envelope.span)
            let contentStart = writer.front
            try writer.write(bytes: signer.der.span)
            let certificate = writer.front..<contentStart
            var attributes: [(String, DER.Tag, [UInt8])] = [
                ("2.16.840.1.113733.1.9.2", .printableString, Array(messageType.utf8)),
                ("2.16.840.1.113733.1.9.3", .printableString, Array(status.utf8)),
                ("2.16.840.1.113733.1.9.6", .octetString, recipientNonce),
                ("2.16.840.1.113733.1.9.7", .printableString, transactionID),
            ]
            if status != "0" {
                attributes += [
                    ("2.16.840.1.113733.1.9.4", .printableString, Array("2".utf8)),
                    ("1.3.6.1.5.5.7.24.1", .utf8String, Array(text.utf8)),
                ]
            }
            for (identifier, tag, value) in attributes {
                let end = writer.front
                try writer.write(tag, value.span)
                try writer.wrap(.set, from: end)
                let text = Array(identifier.utf8)
                try writer.write(identifierText: text.span)
                try writer.wrap(.sequence, from: end)
            }
            try writer.wrapSignedData(
                from: 8192, certificate: certificate, digest: .sha256, key: &key, random: &random)
            front = writer.front
        }
        return Array(buffer[front...])
    }
}
