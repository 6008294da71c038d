import DER
import DeviceCrypto
import SCEP
import TestSupport

/// A CertRep, any part of which can be another. As it is, it is the honest one to ``transaction``.
struct CertRepParts {
    var messageType = [UInt8]("3")
    var pkiStatus = [UInt8]("0")
    var failInfo: [UInt8] = []
    var failInfoText: [UInt8] = []
    var transactionID: [UInt8]
    var recipientNonce: [UInt8]
    /// Attributes, one after the other, that come besides.
    var more: [UInt8] = []
    var content: [UInt8] = []
    var digest = DigestAlgorithm.sha256
    /// Whether the registration authority signs, and not the root.
    var isByRA = false

    init(to transaction: Transaction) {
        let identifier = transaction.transactionID
        transactionID = identifier.span.array
        let nonce = transaction.senderNonce
        recipientNonce = nonce.span.array
    }

    init(transactionID: [UInt8], recipientNonce: [UInt8]) {
        self.transactionID = transactionID
        self.recipientNonce = recipientNonce
    }

    /// The transaction that replies answer.
    static let transaction: Transaction = {
        var transaction = Transaction(identifier: InlineArray(repeating: 0x41))
        var random = seededRandom()
        _ = try? transaction.renewNonce(random: &random)
        return transaction
    }()

    var encoding: [UInt8] {
        var attributes =
            Authority.attribute("2.16.840.1.113733.1.9.2", .printableString, messageType)
            + Authority.attribute("2.16.840.1.113733.1.9.3", .printableString, pkiStatus)
            + Authority.attribute("2.16.840.1.113733.1.9.6", .octetString, recipientNonce)
            + Authority.attribute("2.16.840.1.113733.1.9.7", .printableString, transactionID)
        if !failInfo.isEmpty {
            attributes += Authority.attribute("2.16.840.1.113733.1.9.4", .printableString, failInfo)
        }
        if !failInfoText.isEmpty {
            attributes += Authority.attribute("1.3.6.1.5.5.7.24.1", .utf8String, failInfoText)
        }
        return Authority.signedData(
            content, attributes: attributes + more, by: isByRA ? 1 : 0,
            certificate: isByRA ? Authority.registration : Authority.root, digest)
    }
}
