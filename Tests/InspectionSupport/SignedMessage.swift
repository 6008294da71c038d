import Foundation
import PKIX
import TestSupport

/// A pkiMessage that is put together here and signed by openssl, so that any part can be another than it should be.
struct SignedMessage {
    /// The last arc of 2.16.840.1.113733.1.9, and the attribute's value in DER.
    var attributes: [(arc: UInt8, value: [UInt8])]
    /// Nil for an absent eContent.
    var content: [UInt8]?
    var signer: OpenSSLIdentity
    /// Whether the signer's certificate is sent along.
    var hasCertificate = true
    /// The content that is digested, when it is another.
    var digested: [UInt8]?
    /// Attributes beside those of a transaction: the identifier's content in hexadecimal, and the values in DER.
    var others: [(identifier: String, values: [UInt8])] = []
    /// Likewise, and not signed.
    var unsigned: [(identifier: String, values: [UInt8])] = []
    /// Changes the signature.
    var change: ([UInt8]) -> [UInt8] = { $0 }

    static let transactionID = Array("1A2B3C4D".utf8).tagged(0x13)
    static let nonce = [UInt8](repeating: 0x11, count: 16).tagged(4)
    static let answer = [UInt8](repeating: 0x22, count: 16).tagged(4)

    static func text(_ text: String) -> [UInt8] { Array(text.utf8).tagged(0x13) }

    /// A CertRep of a status, with what has to be there.
    static func reply(_ status: String, from signer: OpenSSLIdentity, content: [UInt8]? = nil) -> SignedMessage {
        let message = SignedMessage(
            attributes: [(2, text("3")), (3, text(status)), (5, answer), (6, nonce), (7, transactionID)],
            content: content, signer: signer)
        return status == "2" ? message.setting(4, text("1")) : message
    }

    static func request(_ type: String, from signer: OpenSSLIdentity, content: [UInt8]) -> SignedMessage {
        SignedMessage(
            attributes: [(2, text(type)), (5, nonce), (7, transactionID)], content: content, signer: signer)
    }

    /// Replaces an attribute, or removes it.
    func setting(_ arc: UInt8, _ value: [UInt8]?) -> SignedMessage {
        var other = self
        other.attributes.removeAll { $0.arc == arc }
        if let value { other.attributes.append((arc, value)) }
        return other
    }

    func encoded() throws -> [UInt8] {
        let digest = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: digested ?? content ?? [])
        let pkcs9 = "2A864886F70D0109"
        var list = attributes.map { Self.attribute("6086480186F8450109" + [$0.arc].hex, $0.value) }
        list += others.map { Self.attribute($0.identifier, $0.values) }
        list.append(Self.attribute(pkcs9 + "03", [UInt8](hex: "2A864886F70D010701").tagged(6)))
        list.append(Self.attribute(pkcs9 + "04", digest.tagged(4)))
        list.sort { $0.lexicographicallyPrecedes($1) }
        let signed = list.flatMap { $0 }
        let signature = try withTemporaryDirectory { directory in
            try OpenSSL.run(
                ["dgst", "-sha256", "-sign", directory.write(signer.key, to: "key")], input: signed.tagged(0x31))
        }
        let parsed = try Certificate(signer.der.span)
        let name = parsed.issuer.array + parsed.serialNumber.array.tagged(2)
        let sha256 = [UInt8](hex: "608648016503040201").tagged(6).tagged(0x30)
        let rsa = ([UInt8](hex: "2A864886F70D010101").tagged(6) + [5, 0]).tagged(0x30)
        let info =
            [2, 1, 1] + name.tagged(0x30) + sha256 + signed.tagged(0xA0) + rsa + change(signature).tagged(4)
            + (unsigned.isEmpty ? [] : unsigned.flatMap { Self.attribute($0.identifier, $0.values) }.tagged(0xA1))
        let data = [UInt8](hex: "2A864886F70D010701").tagged(6)
        let encapsulated = (data + (content.map { $0.tagged(4).tagged(0xA0) } ?? [])).tagged(0x30)
        let certificates = hasCertificate ? signer.der.tagged(0xA0) : []
        let signedData = [2, 1, 1] + sha256.tagged(0x31) + encapsulated + certificates + info.tagged(0x30).tagged(0x31)
        return ([UInt8](hex: "2A864886F70D010702").tagged(6) + signedData.tagged(0x30).tagged(0xA0)).tagged(0x30)
    }

    private static func attribute(_ identifier: String, _ value: [UInt8]) -> [UInt8] {
        ([UInt8](hex: identifier).tagged(6) + value.tagged(0x31)).tagged(0x30)
    }
}

extension OpenSSLIdentity {
    /// A request for this identity's key.
    func request(_ options: [String] = [], subject: String) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            try OpenSSL.run(
                ["req", "-new", "-subj", subject, "-outform", "DER", "-key", directory.write(key, to: "key")] + options)
        }
    }
}
