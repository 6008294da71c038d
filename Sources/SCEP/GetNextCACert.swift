import Bytes
import CMS
import DeviceCrypto
import PKIX

/// Checks the reply to GetNextCACert (RFC 8894, 4.7.1).
public enum GetNextCACert {
    /// Keeps the certificates that are to be trusted once the CA's current one has expired: the new CAs, and who they
    /// issued. Their validity may begin in the future.
    ///
    /// - Parameters:
    ///   - work: the buffer that holds the reply.
    ///   - body: where the reply stands; it is turned into DER there.
    ///   - ca: the current CA. One of its CA certificates, not a registration authority's, has to have signed the reply.
    /// - Returns: where those that are kept stand in `work`, one after the other; ``CACertificates`` reads them.
    /// - Throws: ``SCEPError/nextCANotSigned``, ``SCEPError/invalidSignature``, ``SCEPError/belowFloor(_:)``;
    ///   ``SCEPError/nextCAInvalid`` when there is no CA's certificate in it that is not known yet, signed itself or
    ///   was issued by the current CA; ``SCEPError/caCertificateExpired``; ``SCEPError/caKeyUnusable(_:)``; ``SCEPError/tooManyCACertificates`` for more
    ///   than are looked at;
    ///   ``SCEPError/reply(_:)``, ``SCEPError/notDER(_:)``.
    public static func accept(
        _ work: inout MutableSpan<UInt8>, body: Range<Int>, from ca: borrowing CACertificates,
        policy: inout Policy, moment: Moment
    ) throws(SCEPError) -> Range<Int> {
        let message = try readBody(&work, body, &policy)
        let content: Range<Int>
        do throws(SCEPError) {
            let signedData = try SignedData(reply: work.span, message, of: .signedData)
            let weakness = try ca.authenticate(signedData, &policy, moment, casOnly: true)
            guard weakness == Leniency() else { throw .belowFloor(weakness) }
            content = signedData.content ?? 0..<0
        } catch {
            throw error == .unknownSigner ? .nextCANotSigned : error
        }
        let certificates = try CertificatesOnly(&work, content, weakness: Leniency()).certificates
        var kept = InlineArray<8, Range<Int>>(repeating: 0..<0)
        do {
            var chosen = CACertificates(work.span, choosingIn: certificates)
            try chosen.chooseVouched(ca, moment)
            chosen.chooseIssued(&policy, moment, isNext: true)
            var passedOver = PassedOver.List()
            try chosen.explain(&policy, moment, isNext: true, &passedOver)
            kept = chosen.ranges
        }
        var end = certificates.lowerBound
        for number in kept.indices {
            for index in kept[number] {
                work[end] = work[index]
                end &+= 1
            }
        }
        return certificates.lowerBound..<end
    }
}

extension CACertificates {
    /// Chooses the CAs, in a reply that the current one signed, that are new, and that somebody can have made.
    fileprivate mutating func chooseVouched(_ current: borrowing CACertificates, _ moment: Moment)
        throws(SCEPError)
    {
        var failure = SCEPError.nextCAInvalid
        var isThere = false
        var list = all
        while let certificate = list.next() {
            guard list.bit < 1 << Self.maximumCount else { throw .tooManyCACertificates }
            guard certificate.isCA, certificate.version == 3, certificate.forbiddingExtension.isEmpty,
                !current.contains(certificate.encoding)
            else { continue }
            // A key that is of no use verifies nothing either.
            if let defect = certificate.subjectPublicKeyInfo.defect {
                failure = .caKeyUnusable(defect)
                continue
            }
            guard
                certificate.isSigner(of: certificate.signed, named: certificate.issuer, .keyCertSign)
                    || current.haveIssued(certificate, mayBeCA: false)
            else { continue }
            if moment.isPast(certificate.notAfter) {
                failure = .caCertificateExpired
            } else {
                choose(list.bit, certificate)
                isThere = true
            }
        }
        guard isThere else { throw failure }
    }
}
