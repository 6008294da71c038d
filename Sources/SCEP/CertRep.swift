import Bytes
import CMS
import DER
import DeviceCrypto
import PKIX

/// What a CA answers to a request (RFC 8894, 3.3.2), once it is certain that it is the CA's answer to this request.
///
/// ```
/// SignedData whose eContent, where pkiStatus is 0 (SUCCESS), is an EnvelopedData, and whose signedAttrs are
///     messageType     PrintableString "3"
///     transactionID   PrintableString  -- the request's
///     recipientNonce  OCTET STRING     -- the request's senderNonce
///     pkiStatus       PrintableString "0" | "2" | "3"
///     failInfo        PrintableString  -- where pkiStatus is 2 (FAILURE)
///     failInfoText    UTF8String OPTIONAL
/// ```
///
/// Passed over: the CA's senderNonce, which nothing is answered to (RFC 8894, 3.2.1.5).
public enum CertRep: Equatable, Sendable {
    /// Granted; the envelope stands at these offsets.
    case success(envelope: Range<Int>)
    /// Refused; failInfoText stands at these offsets, which are empty when there is none: UTF-8, if the CA made it so.
    case failure(FailInfo, text: Range<Int>)
    /// A person has to approve it.
    case pending

    /// Reads a reply and verifies it: the signature by one of the CA's certificates, with an algorithm that the policy
    /// allows; messageType, transactionID and recipientNonce.
    ///
    /// What the CA signed as a FAILURE is one, whatever it gives as its reason.
    ///
    /// - Parameters:
    ///   - work: the buffer that holds the reply; the reply is turned into DER there.
    ///   - body: where the reply stands.
    ///   - moment: a certificate that has expired signs nothing.
    /// - Throws: ``SCEPError/notDER(_:)``, ``SCEPError/reply(_:)``; ``SCEPError/unknownSigner``,
    ///   ``SCEPError/invalidSignature``; `wrongMessageType`, `wrongTransactionID`, `wrongRecipientNonce`;
    ///   ``SCEPError/belowFloor(_:)``, then with what the envelope's algorithms would need as well;
    ///   ``SCEPError/unknownStatus``, ``SCEPError/envelopeMissing``.
    public init(
        _ work: inout MutableSpan<UInt8>, body: Range<Int>, from ca: borrowing CACertificates,
        to transaction: Transaction, policy: inout Policy, moment: Moment
    ) throws(SCEPError) {
        let message = try readBody(&work, body, &policy)
        let weakness: Leniency
        let text: Range<Int>
        do {
            // Servers that name what is enclosed in place of data wrap and sign it all the same.
            let signedData = try SignedData(reply: work.span, message, of: .envelopedData)
            guard let signer = signedData.signer else { throw .unknownSigner }
            weakness = try ca.authenticate(signedData, &policy, moment, casOnly: false)
            try Self.check(signer, transaction)
            self = try Self.read(signedData, signer)
            text = Self.text(signer)
        }
        if weakness != Leniency() { throw .belowFloor(weakness.union(envelopeWeakness(&work, &policy))) }
        if case .failure(let failInfo, _) = self { self = .failure(failInfo, text: readText(&work, text)) }
    }

    /// What the algorithms of an envelope would need to be allowed. Its key is not touched for that: the one word that
    /// what is in it could need is the one that the signature needs.
    @inline(never)
    private func envelopeWeakness(_ work: inout MutableSpan<UInt8>, _ policy: inout Policy) -> Leniency {
        guard case .success(let envelope) = self, let enveloped = try? normalize(&work, envelope),
            let envelopedData = try? EnvelopedData(work.span, in: enveloped)
        else { return Leniency() }
        return envelopedData.weakness(&policy)
    }

    private static func check(_ signer: borrowing SignerInfo, _ transaction: Transaction) throws(SCEPError) {
        let type = try required(.messageType, .printableString, in: signer)
        guard number(type) == Int(MessageType.certRep.rawValue) else { throw .wrongMessageType }
        let transactionID = transaction.transactionID
        guard areEqual(try required(.transactionID, .printableString, in: signer).contents, transactionID.span) else {
            throw .wrongTransactionID
        }
        let nonce = transaction.senderNonce
        guard areEqual(try required(.recipientNonce, .octetString, in: signer).contents, nonce.span) else {
            throw .wrongRecipientNonce
        }
    }

    private static func read(_ message: borrowing SignedData, _ signer: borrowing SignerInfo) throws(SCEPError)
        -> CertRep
    {
        switch number(try required(.pkiStatus, .printableString, in: signer)) {
        case 0:
            guard let envelope = message.content, !envelope.isEmpty else { throw .envelopeMissing }
            return .success(envelope: envelope)
        case 2:
            guard let reason = optional(.failInfo, in: signer) else { return .failure(.missing, text: 0..<0) }
            return .failure(FailInfo(reason), text: 0..<0)
        case 3:
            return .pending
        default:
            throw .unknownStatus
        }
    }

    /// Where failInfoText stands, with its header; empty when there is none.
    private static func text(_ signer: borrowing SignerInfo) -> Range<Int> {
        guard let text = optional(.failInfoText, in: signer) else { return 0..<0 }
        return text.range
    }

    /// The value of an attribute that says no more than why: one that stands there twice says nothing.
    @_lifetime(copy signer)
    private static func optional(_ type: ObjectIdentifier, in signer: borrowing SignerInfo) -> DERElement? {
        guard let value = try? signer.attributeIfPresent(type) else { return nil }
        return value
    }

    @_lifetime(copy signer)
    @inline(never)
    private static func required(_ type: ObjectIdentifier, _ tag: Tag, in signer: borrowing SignerInfo)
        throws(SCEPError) -> DERElement
    {
        do throws(DERError) {
            return try signer.attribute(type, tag)
        } catch {
            throw .reply(error)
        }
    }
}
