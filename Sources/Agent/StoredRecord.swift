/// What a device can keep of its identity: see ``IdentityStore``. The raw value is the record's number in Docs/Storage.md.
public enum StoredRecord: UInt8, Sendable {
    /// Of the current identity: what ``DeviceKey`` keeps of it, a secret.
    case privateKey = 1
    /// Of the current identity, in DER.
    case certificate
    /// The certificates of the CA that issued the identity, or without one of the CA that is asked for it:
    /// ``SCEP/CACertificates``, in DER, one after the other.
    case caCertificates
    /// The transaction that is under way, with what is needed to take it up again.
    case transaction
    /// The key of the certificate that the transaction asks for, a secret.
    case transactionKey
    /// The CA's certificates after its rollover, like ``caCertificates``.
    case nextCACertificates
    /// What else a device has to remember: when to try what next.
    case state
    /// Of the identity that changes places with the current one when the CA's rollover comes, a secret.
    case nextPrivateKey
    /// Of that identity, in DER.
    case nextCertificate
    /// The certificates of the CA that the transaction asks, where it is another one than the identity's; like
    /// ``caCertificates``.
    case transactionCACertificates
}
