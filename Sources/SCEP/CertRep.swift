import CMS
import DER
import DeviceCrypto
import PKIX

/// What a CA answers to a request (RFC 8894, 3.3.2), once it is certain that it is the CA's answer to this request.
public enum CertRep: Equatable, Sendable {
    /// Granted; the envelope stands at these offsets.
    case success(envelope: Range<Int>)
    /// Refused; failInfoText, UTF-8, stands at these offsets, which are empty when there is none.
    case failure(FailInfo, text: Range<Int>)
    /// A person has to approve it.
    case pending

    /// Reads a reply and verifies it: the signature by one of the CA's certificates, with an algorithm that the policy
    /// allows; messageType, transactionID and recipientNonce.
    ///
    /// - Parameters:
    ///   - work: the buffer that holds the reply; the reply is turned into DER there.
    ///   - body: where the reply stands.
    public init(
        _ work: inout MutableSpan<UInt8>, body: Range<Int>, from ca: borrowing CACertificates,
        to transaction: Transaction, policy: inout Policy
    ) throws(SCEPError) {
        let message = try normalize(&work, body)
        let signedData = try SignedData(reply: work.span, message)
        guard let signer = signedData.signer else { throw .unknownSigner }
        try ca.authenticate(signedData, &policy, casOnly: false)
        try Self.check(signer, transaction)
        self = try Self.read(signedData, signer)
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
            let text: Range<Int>
            do throws(DERError) {
                text = try signer.attributeIfPresent(.failInfoText)?.content ?? 0..<0
            } catch {
                throw .reply(error)
            }
            guard let code = number(try required(.failInfo, .printableString, in: signer)),
                let failInfo = FailInfo(rawValue: UInt8(truncatingIfNeeded: code &+ 1))
            else { throw .unknownStatus }
            return .failure(failInfo, text: text)
        case 3:
            return .pending
        default:
            throw .unknownStatus
        }
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

    /// The value of one or two decimal digits; nil for anything else.
    private static func number(_ element: borrowing DERElement) -> Int? {
        let text = element.contents
        guard text.count == 1 || text.count == 2 else { return nil }
        var value = 0
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value &* 10 &+ Int(digit)
        }
        return value
    }
}
