import CMS
import DER
import DeviceCrypto
import Ledger
import PKIX

/// What a pkiMessage of a device's says of itself, and proves: which transaction it is of, and the key that signed it.
struct PKIRequest: Equatable {
    /// As RFC 8894, section 3.2.1.1 has it.
    let transactionID: String
    /// SHA-256 of the signer's SubjectPublicKeyInfo, hexadecimal.
    let publicKey: String
    /// 17, 19, 20, … (RFC 8894, section 3.2.1.2).
    let messageType: Int

    /// - Parameter message: a pkiMessage in DER.
    /// - Returns: nil for what is none, or is not signed by the key that it shows.
    init?(_ message: [UInt8]) {
        do throws(DERError) {
            let signedData = try SignedData(message.span, in: 0..<message.count)
            guard let signer = signedData.signer else { return nil }
            // OIDs of RFC 8894, section 3.2.1: messageType and transactionID.
            let type = try signer.attribute(ObjectIdentifier("2.16.840.1.113733.1.9.2"), .printableString)
            let transaction = try signer.attribute(ObjectIdentifier("2.16.840.1.113733.1.9.7"), .printableString)
            guard let number = Int(text(type.contents)), text(type.contents) == "\(number)",
                transaction.contents.count <= 255
            else { return nil }
            messageType = number
            transactionID = text(transaction.contents)
            publicKey = try Self.signerKey(message, signedData, signer)
        } catch {
            return nil
        }
    }

    /// Finds the certificate of whoever signed among those that the message brings, and verifies its signature.
    private static func signerKey(
        _ message: [UInt8], _ signedData: borrowing SignedData, _ signer: borrowing SignerInfo
    ) throws(DERError) -> String {
        var certificates = DERReader(message.span, in: signedData.certificates)
        while !certificates.isAtEnd {
            let element = try certificates.read()
            let certificate = try Certificate(element.encoding)
            guard signer.names(certificate) else { continue }
            try signedData.verify(with: certificate.subjectPublicKeyInfo)
            return try publicKeyDigest(ofCertificate: element.encoding)
        }
        throw DERError(.notOneSigner, at: 0)
    }
}

/// SHA-256 of the SubjectPublicKeyInfo of a certificate in DER, hexadecimal.
func publicKeyDigest(ofCertificate der: Span<UInt8>) throws(DERError) -> String {
    var reader = DERReader(der)
    var certificate = try reader.enter()
    var tbs = try certificate.enter()
    _ = try tbs.readIfPresent(.contextConstructed(0))
    // serialNumber, signature, issuer, validity, subject
    for _ in 0..<5 { _ = try tbs.read() }
    return hexadecimal(Hash.digest(.sha256, of: try tbs.read(.sequence).encoding).bytes)
}

/// What a CA's reply says for everybody to see.
struct PKIReply: Equatable {
    let transactionID: String
    /// pkiStatus (RFC 8894, section 3.2.1.3): 0 SUCCESS, 2 FAILURE, 3 PENDING.
    let status: Int

    /// - Parameter http: an HTTP response, whole.
    /// - Returns: nil for what is no CertRep in DER. Its signature is the device's to verify.
    init?(http: [UInt8]) {
        guard let start = http.indices.first(where: { http[$0...].starts(with: [13, 10, 13, 10]) }) else { return nil }
        let body = Array(http[(start + 4)...])
        do throws(DERError) {
            let signedData = try SignedData(body.span, in: 0..<body.count)
            guard let signer = signedData.signer else { return nil }
            let status = try signer.attribute(ObjectIdentifier("2.16.840.1.113733.1.9.3"), .printableString)
            let transaction = try signer.attribute(ObjectIdentifier("2.16.840.1.113733.1.9.7"), .printableString)
            guard let number = Int(text(status.contents)) else { return nil }
            (self.status, transactionID) = (number, text(transaction.contents))
        } catch {
            return nil
        }
    }
}

private func text(_ bytes: Span<UInt8>) -> String {
    String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
}
