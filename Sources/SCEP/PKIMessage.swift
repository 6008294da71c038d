import CMS
import DER
import DeviceCrypto
import PKIX

/// The certificate that a device signs a message with (RFC 8894, 2.3).
public enum SignerCertificate: ~Escapable {
    case selfSigned(SelfSignedCertificate)
    /// One that a CA issued: offsets in the writer's buffer of its DER, which stands in front of the message. It is
    /// overwritten where the message needs the space only once it is part of it.
    case issued(Range<Int>)
}

extension DERWriter {
    /// Makes a pkiMessage (RFC 8894, 3.2) of the messageData that was written since `beginEnvelope()`.
    ///
    /// ```
    /// SignedData whose eContent is the EnvelopedData of the messageData, and whose signedAttrs are
    ///     contentType, messageDigest   -- RFC 5652, 11.1 and 11.2
    ///     transactionID  PrintableString,
    ///     messageType    PrintableString  -- the number in decimal
    ///     senderNonce    OCTET STRING (SIZE (16))
    /// ```
    ///
    /// - Parameters:
    ///   - type: a request's.
    ///   - end: what `beginEnvelope()` returned.
    ///   - recipient: the CA's or RA's certificate that can decrypt, or has an EC key.
    ///   - password: the challengePassword, which takes the place of decryption with EC keys (RFC 8894, 3.1); may be
    ///     empty with RSA keys.
    ///   - key: the private key of `signer`.
    ///   - content: what the envelope is made of, and nothing else: the same randomness makes the same message again,
    ///     with a key whose signatures are the same each time.
    ///   - random: blinds the key.
    /// - Throws: ``DERError``: `bufferFull`, `unsupportedAlgorithm`, `passwordMissing`, `crypto`; what is wrong with the
    ///   signer's subject or certificate.
    @inline(never)
    public mutating func wrapPKIMessage<Key: PrivateKey & ~Copyable>(
        _ type: MessageType, from end: Int, for recipient: borrowing Certificate, password: Span<UInt8>,
        signer: borrowing SignerCertificate, transaction: Transaction, algorithms: Algorithms, key: inout Key,
        content: inout RandomGenerator, random: inout RandomGenerator
    ) throws(DERError) {
        try wrapEnvelopedData(
            from: end, for: recipient, password: password, cipher: algorithms.cipher, random: &content)
        let contentStart = front
        switch signer {
        case .selfSigned(let certificate):
            try certificate.write(to: &self, key: &key, digest: algorithms.digest, random: &random)
        case .issued(let certificate):
            // Where it is copied to is free as well, so that nothing that was written so far has reached it.
            guard certificate.upperBound &+ certificate.count <= front else { throw DERError(.bufferFull, at: front) }
            try write(copyOf: certificate.lowerBound, count: certificate.count)
        }
        let certificate = front..<contentStart
        let transactionID = transaction.transactionID
        try write(attribute: .transactionID, .printableString, transactionID.span)
        // All that a device sends have two.
        let digits: InlineArray<2, UInt8> = [
            UInt8(ascii: "0") &+ type.rawValue / 10, UInt8(ascii: "0") &+ type.rawValue % 10,
        ]
        try write(attribute: .messageType, .printableString, digits.span)
        let nonce = transaction.senderNonce
        try write(attribute: .senderNonce, .octetString, nonce.span)
        try wrapSignedData(
            from: end, certificate: certificate, digest: algorithms.digest, key: &key, random: &random)
    }

    /// Writes the messageData of a CertPoll (RFC 8894, 3.3.3).
    ///
    /// ```
    /// IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name }
    /// ```
    ///
    /// - Parameters:
    ///   - issuer: the CA's subject, a Name in DER.
    ///   - subject: as ``write(name:)`` has it.
    ///   - subjectRange: offsets in the buffer of a Name in DER that is the subject instead.
    public mutating func writeIssuerAndSubject(
        issuer: Span<UInt8>, subject: Span<UInt8>, orCopyOf subjectRange: Range<Int> = 0..<0
    ) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(name: subject, orCopyOf: subjectRange)
            try writer.write(bytes: issuer)
        }
    }
}
