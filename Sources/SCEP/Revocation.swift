import Bytes
import DER
import DeviceCrypto
import PKIX

/// Checks the reply to GetCRL (RFC 8894, 4.6).
public enum Revocation {
    /// Finds out whether a certificate is revoked.
    ///
    /// - Parameters:
    ///   - opened: what ``CertRep/open(_:envelope:key:password:policy:random:)`` found. The reply holds the most recent
    ///     CRL alone (RFC 8894, 4.6.1): a second one is an error.
    ///   - certificate: the one to look up.
    ///   - ca: the CA that issued it.
    /// - Throws: ``SCEPError``: `belowFloor(_:)`, `crlMissing`, `crlFromAnotherIssuer`, `crlInvalidSignature`,
    ///   `crlIncomplete(_:)`, `crlStale`, `crlNotYetValid`; `reply(_:)` for one that cannot be read.
    public static func check(
        _ work: Span<UInt8>, in opened: CertificatesOnly, of certificate: borrowing Certificate,
        ca: borrowing CACertificates, policy: inout Policy, moment: Moment
    ) throws(SCEPError) -> Bool {
        guard !opened.crls.isEmpty else {
            try opened.check(Leniency())
            throw .crlMissing
        }
        let crl: CertificateRevocationList
        do throws(DERError) {
            var reader = DERReader(work, in: opened.crls)
            crl = try CertificateRevocationList(&reader)
            try reader.finish()
        } catch {
            throw .reply(error)
        }
        guard areNamesEqual(crl.issuer, certificate.issuer) else { throw .crlFromAnotherIssuer }
        guard let digest = crl.signed.algorithm?.digest else { throw .signatureAlgorithmUnknown }
        guard !ca.signer(of: crl.signed, named: crl.issuer, .cRLSign).isEmpty else { throw .crlInvalidSignature }
        try opened.check(policy.weakness(of: digest))
        if let limit = crl.limit(for: certificate) { throw .crlIncomplete(limit) }
        guard !moment.isBefore(crl.thisUpdate) else { throw .crlNotYetValid }
        if let nextUpdate = crl.nextUpdate, moment.isPast(nextUpdate) { throw .crlStale }
        do throws(DERError) {
            return try crl.revokes(certificate.serialNumber)
        } catch {
            throw .reply(error)
        }
    }
}
