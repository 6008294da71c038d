import Authority
import FaultProxy
import Foundation
import LibCrypto

/// A device with a P-256 key, whose whole request is there before it is asked for.
struct Device: Sendable {
    let name: String
    private let password: String
    private let publicKey: PublicKey
    /// An HTTP request.
    private let request: [UInt8]

    static func name(_ number: Int) -> String { "device-\(number)" }
    static func password(_ number: Int) -> String { "password-of-\(number)" }

    /// - Parameter recipient: the certificate that the request is encrypted for.
    init(_ number: Int, _ recipient: Certificate) throws {
        name = Self.name(number)
        password = Self.password(number)
        let key = try PrivateKey.generate(.p256)
        publicKey = try key.publicKey()
        let subject = try DistinguishedName([("CN", name)])
        let certificate = try CertificateContents(
            subject: subject, publicKey: publicKey, serial: [1], notBefore: Date(timeIntervalSinceNow: -3600),
            notAfter: Date(timeIntervalSinceNow: 86_400),
            extensions: [ExtensionText("keyUsage", "critical,digitalSignature")]
        ).signed(with: key, issuer: nil)
        let content = try CertificationRequest(subject: subject, key: key, challenge: password).der
        let transactionID = try Digest.sha256.hash(publicKey.der).hexadecimal
        let message = try SignedMessageContents(
            content: Envelope.seal(content, for: recipient, cipher: .aes128),
            attributes: [
                SignedAttribute(AttributeIdentifier.transactionID, .printableString, [UInt8](transactionID.utf8)),
                SignedAttribute(
                    AttributeIdentifier.messageType, .printableString,
                    [UInt8]("\(CAMessageType.pkcsReq.rawValue)".utf8)),
                SignedAttribute(AttributeIdentifier.senderNonce, .octetString, randomBytes(16)),
            ], certificates: [certificate], digest: .sha256
        ).signed(by: certificate, key: key)
        let head =
            "POST /scep?operation=PKIOperation HTTP/1.0\r\nHost: 127.0.0.1\r\n"
            + "Content-Type: application/x-pki-message\r\nContent-Length: \(message.count)\r\n\r\n"
        request = [UInt8](head.utf8) + message
    }

    /// Sends the request; returns the whole HTTP answer.
    func ask(_ port: UInt16) throws -> [UInt8] {
        try Socket.exchange(request, port: port)
    }

    /// The certificate in an answer, which is for this device's key.
    func certificate(in answer: [UInt8]) throws -> Certificate {
        guard let end = answer.indices.first(where: { answer[$0...].starts(with: [13, 10, 13, 10]) }) else {
            throw Wrong("\(name) got no answer")
        }
        guard let message = try? SignedMessage([UInt8](answer[(end + 4)...])) else {
            throw Wrong("\(name) got \(String(decoding: answer, as: UTF8.self).prefix(500))")
        }
        func text(_ identifier: String) -> String? {
            message.attributes.first { $0.identifier == identifier }.map { String(decoding: $0.value, as: UTF8.self) }
        }
        guard text(AttributeIdentifier.pkiStatus) == "\(PKIStatus.success.rawValue)", let content = message.content,
            let opened = try Envelope(content).open(withPasswords: [[UInt8](password.utf8)]),
            let certificate = try CertificatesOnly.decode(opened.content).certificates.first
        else { throw Wrong("\(name) was refused: \(text(AttributeIdentifier.failInfoText) ?? "no reason is given")") }
        guard certificate.publicKey == publicKey else { throw Wrong("\(name) got a certificate for another key") }
        return certificate
    }
}
