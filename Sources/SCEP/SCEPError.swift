import DER
import DeviceCrypto
import PKIX

/// Why a SCEP operation failed.
public enum SCEPError: Error, Equatable, Sendable {
    /// The request cannot be built: what was asked for is malformed, or does not fit.
    case request(DERError)
    /// The reply cannot be read or decrypted; offsets count in the buffer that it stands in.
    case reply(DERError)
    /// The body of the reply is no DER at all.
    case notDER(BodyForm)
    /// The key cannot decrypt, and there is no challengePassword in its place (RFC 8894, 3.1).
    case passwordMissing

    // What the CA can do is not enough.
    /// The reply to GetCACaps names no capability that is known, and the policy does not allow for so little.
    case noCapabilities
    /// The CA signs or encrypts, or asks to, with algorithms below the policy's floors: all that would have to be allowed.
    case belowFloor(Leniency)

    // The CA's certificates.
    /// None of them has the fingerprint that was given.
    case fingerprintMismatch
    /// The certificate with the fingerprint is not that of a CA.
    case pinnedIsNotCA
    /// The certificate with the fingerprint, or the next one, has expired.
    case caCertificateExpired
    /// The certificate with the fingerprint is not valid yet.
    case caCertificateNotYetValid
    /// A registration authority's certificate that nothing marks as one.
    case unmarkedRA
    /// The certificate of a CA under the one with the fingerprint that has no keyUsage.
    case caWithoutKeyUsage
    /// The CA's key, or its registration authority's, is of no use here.
    case caKeyUnusable(KeyDefect)
    /// No certificate has a key that a request can be encrypted to; for a device whose key can decrypt, no RSA key.
    case noEncryptionCertificate
    /// They do not fit in the space that the device has for them, and take so many bytes.
    case caCertificatesTooLarge(Int)
    /// They are more than 8.
    case tooManyCACertificates
    /// The CA's next certificates are not signed by a CA's certificate that is trusted now.
    case nextCANotSigned
    /// There is no CA's certificate among them that is new and can be trusted.
    case nextCAInvalid

    // The reply is not the CA's answer to this request.
    /// It is not signed by one of the CA's certificates.
    case unknownSigner
    /// The certificate that signed it has expired.
    case signerExpired
    /// Its signature is wrong.
    case invalidSignature
    case wrongMessageType
    case wrongTransactionID
    case wrongRecipientNonce
    /// A pkiStatus that RFC 8894 does not have, or not as an answer to this.
    case unknownStatus
    /// SUCCESS without an envelope.
    case envelopeMissing

    // The CA's answer is no.
    case refused(FailInfo)

    // The issued certificate is not what was asked for.
    /// No certificate in the reply has the device's key.
    case certificateForAnotherKey
    /// The one that has it cannot be read; offsets count in the certificate.
    case issuedCertificateUnreadable(DERError)
    /// It is not signed by the CA that the device trusts.
    case certificateNotFromCA
    /// It is signed with an algorithm that is unknown here; so may a revocation list be.
    case signatureAlgorithmUnknown
    /// It has expired.
    case certificateExpired
    /// Its time has not yet come.
    case certificateNotYetValid
    /// It is the certificate that was to be renewed.
    case oldCertificate
    /// It expires sooner than the certificate that was to be renewed.
    case validityNotExtended
    /// GetCert brought another certificate than the one that was asked for.
    case wrongCertificate

    // The revocation list, or what it says.
    /// There is none in the reply.
    case crlMissing
    /// It is another CA's.
    case crlFromAnotherIssuer
    /// It does not say of this certificate, for every reason, whether it is revoked.
    case crlIncomplete(CertificateRevocationList.Limit)
    /// No CA's certificate that is trusted, and may sign revocation lists, has signed it.
    case crlInvalidSignature
    /// Its nextUpdate is past.
    case crlStale
    /// Its thisUpdate is still to come.
    case crlNotYetValid
    /// The certificate stands in it.
    case revoked
}
