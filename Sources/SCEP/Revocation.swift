import DER
import DeviceCrypto
import PKIX

/// Judges the reply to GetCRL (RFC 8894, 4.6).
public enum Revocation {
    /// Finds out whether a certificate is revoked.
    ///
    /// - Parameters:
    ///   - crls: what ``CertRep/open(_:envelope:key:password:policy:random:)`` found. The reply holds the most recent
    ///     CRL alone (RFC 8894, 4.6.1): a second one is an error.
    ///   - certificate: the one to look up.
    ///   - ca: the CA that issued it.
    /// - Throws: ``SCEPError``: `crlMissing`, `crlFromAnotherIssuer`, `crlInvalidSignature`, `digestBelowFloor(_:)`,
    ///   `crlStale`, `crlNotYetValid`; `reply(_:)` for one that cannot be read, or is not complete.
    public static func check(
        _ work: Span<UInt8>, in crls: Range<Int>, of certificate: borrowing Certificate,
        ca: borrowing CACertificates, policy: inout Policy, moment: Moment
    ) throws(SCEPError) -> Bool {
        guard !crls.isEmpty else { throw .crlMissing }
        let crl: CertificateRevocationList
        do throws(DERError) {
            var reader = DERReader(work, in: crls)
            crl = try CertificateRevocationList(&reader)
            try reader.finish()
        } catch {
            throw .reply(error)
        }
        guard areEqual(crl.issuer, certificate.issuer) else { throw .crlFromAnotherIssuer }
        let digest = crl.signed.algorithm.digest
        guard policy.permits(digest) else { throw .digestBelowFloor(digest) }
        guard !ca.signer(of: crl.signed, named: crl.issuer, .cRLSign).isEmpty else { throw .crlInvalidSignature }
        guard !moment.isBefore(crl.thisUpdate) else { throw .crlNotYetValid }
        if let nextUpdate = crl.nextUpdate, moment.isOver(nextUpdate) { throw .crlStale }
        do throws(DERError) {
            return try crl.revokes(certificate.serialNumber)
        } catch {
            throw .reply(error)
        }
    }
}
