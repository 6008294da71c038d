import DER

// Attributes of a pkiMessage (RFC 8894, 3.2.1)
extension ObjectIdentifier {
    static var messageType: ObjectIdentifier { ObjectIdentifier("2.16.840.1.113733.1.9.2") }
    static var pkiStatus: ObjectIdentifier { ObjectIdentifier("2.16.840.1.113733.1.9.3") }
    static var failInfo: ObjectIdentifier { ObjectIdentifier("2.16.840.1.113733.1.9.4") }
    static var senderNonce: ObjectIdentifier { ObjectIdentifier("2.16.840.1.113733.1.9.5") }
    static var recipientNonce: ObjectIdentifier { ObjectIdentifier("2.16.840.1.113733.1.9.6") }
    static var transactionID: ObjectIdentifier { ObjectIdentifier("2.16.840.1.113733.1.9.7") }
    static var failInfoText: ObjectIdentifier { ObjectIdentifier("1.3.6.1.5.5.7.24.1") }
}
