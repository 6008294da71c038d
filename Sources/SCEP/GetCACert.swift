import Bytes
import CMS
import DER
import DeviceCrypto
import PKIX

/// Checks the reply to GetCACert (RFC 8894, 4.2.1).
public enum GetCACert {
    /// Keeps the certificates that can be trusted: those with a given fingerprint, those known before, the CAs that a
    /// trusted CA issued, and the registration authorities that it issued and marked as such. Others are passed over;
    /// nothing else in the reply is authenticated.
    ///
    /// A certificate that is not pinned is taken if nothing speaks against it (``PassedOver/Reason``); of one that is,
    /// neither signature nor version nor critical extensions are looked at.
    ///
    /// - Parameters:
    ///   - work: the buffer that the certificates stand in.
    ///   - certificates: where they stand, one after the other, in DER.
    ///   - known: bytes at the front of `trusted` of certificates that are trusted already, such as those that came by
    ///     GetNextCACert.
    ///   - trustsKnown: whether who is among them and in the reply too is trusted as if it had a given fingerprint, and
    ///     with it what one of these CAs signed for itself: a new certificate for its key, or a link certificate for a
    ///     new key (RFC 4210, 4.4). If not, `known` serves for ``Accepted/continuesKnown`` alone.
    ///   - trusted: space for the certificates that are kept. It is left as it is when this throws.
    /// - Throws: ``SCEPError`` on the CA's certificates; ``SCEPError/reply(_:)``.
    public static func accept(
        _ work: Span<UInt8>, certificates: Range<Int>, fingerprints: borrowing Fingerprints, known: Int = 0,
        trustsKnown: Bool = true, policy: inout Policy, moment: Moment, into trusted: inout MutableSpan<UInt8>
    ) throws(SCEPError) -> Accepted {
        var chosen = CACertificates(work, choosingIn: certificates)
        var accepted = Accepted()
        do {
            let before = CACertificates(trusted.span.extracting(first: known))
            try chosen.chooseAnchors(fingerprints, before, trustsKnown: trustsKnown, policy: &policy, moment)
            chosen.chooseIssued(&policy, moment, isNext: false)
            try chosen.explain(&policy, moment, isNext: false, &accepted.passedOver)
            accepted.continuesKnown = chosen.continues(before, &policy)
        }
        accepted.byteCount = try chosen.keep(in: &trusted)
        return accepted
    }

    /// Keeps the same of the certificates of a whole reply, which stands at `body` and is turned into DER there.
    public static func accept(
        _ work: inout MutableSpan<UInt8>, body: Range<Int>, fingerprints: borrowing Fingerprints, known: Int = 0,
        trustsKnown: Bool = true, policy: inout Policy, moment: Moment, into trusted: inout MutableSpan<UInt8>
    ) throws(SCEPError) -> Accepted {
        let reply = try read(&work, body: body, policy: &policy)
        return try accept(
            work.span, certificates: reply.certificates, fingerprints: fingerprints, known: known,
            trustsKnown: trustsKnown, policy: &policy, moment: moment, into: &trusted)
    }

    /// Finds the certificates of a reply, which is turned into DER where it stands. One in PEM may have several blocks.
    ///
    /// What the reply is, one certificate or a certificates-only SignedData, is told by its bytes, not by its
    /// Content-Type.
    ///
    /// - Returns: where they stand in `work`, one after the other; whether the reply is a single certificate.
    public static func read(_ work: inout MutableSpan<UInt8>, body: Range<Int>, policy: inout Policy)
        throws(SCEPError) -> (certificates: Range<Int>, isSingle: Bool)
    {
        let message = try readBody(&work, body, &policy, mayBeSeveral: true)
        let isCertificate: Bool
        let isSingle: Bool
        do throws(DERError) {
            var reader = DERReader(work.span, in: message)
            isCertificate = try reader.enter().nextTag != .objectIdentifier
            isSingle = isCertificate && reader.isAtEnd
        } catch {
            throw .reply(error)
        }
        return (isCertificate ? message : try SignedData(reply: work.span, message).certificates, isSingle)
    }
}

/// What came of a reply to GetCACert.
public struct Accepted: Sendable {
    /// The bytes used at the front of the space for trusted certificates; ``CACertificates`` reads them.
    public fileprivate(set) var byteCount = 0
    /// Whether they are of the CA that was known before, or of its successor, which it signed itself.
    public fileprivate(set) var continuesKnown = false
    /// Who was not trusted, and why; in the order of the reply. Empty on a small image (``DeviceCrypto/Footprint``).
    public fileprivate(set) var passedOver = PassedOver.List()
}

extension CACertificates {
    /// Chooses those with one of `fingerprints`, and, if they are trusted, those that are among `known` or that `known`
    /// CAs renewed.
    mutating func chooseAnchors(
        _ fingerprints: borrowing Fingerprints, _ known: borrowing CACertificates, trustsKnown: Bool,
        policy: inout Policy, _ moment: Moment
    ) throws(SCEPError) {
        var failure = SCEPError.fingerprintMismatch
        var hasCA = false
        var list = reader
        var bit: Int32 = 1
        while !list.isAtEnd {
            guard bit < 1 << Self.maximumCount else { throw .tooManyCACertificates }
            // What is nobody's may be unreadable, but not so that what follows it cannot be found.
            var isAnchor = true
            do throws(DERError) {
                let whole = try list.read()
                isAnchor = fingerprints.contains(whole.encoding) || trustsKnown && known.contains(whole.encoding)
                var again = DERReader(whole.bytes, in: whole.range)
                let certificate = try Certificate(&again)
                if !isAnchor {
                    if trustsKnown, known.haveRenewed(certificate, &policy, moment) {
                        choose(bit, certificate)
                        hasCA = true
                    }
                } else if let reason = certificate.failureOfPinned(moment) {
                    // One that has expired does not stand in the way of the next one, which is there too.
                    failure = reason
                } else {
                    choose(bit, certificate)
                    if failure == .fingerprintMismatch { failure = .pinnedIsNotCA }
                    hasCA = hasCA || certificate.isCA
                }
            } catch {
                if isAnchor { throw .reply(error) }
            }
            bit &<<= 1
        }
        guard hasCA else { throw failure }
    }
}

extension Certificate {
    /// Why this certificate, which has a given fingerprint, is of no use now; nil if it is. Neither signature nor version
    /// nor critical extensions are looked at.
    func failureOfPinned(_ moment: Moment) -> SCEPError? {
        if moment.isPast(notAfter) { return .caCertificateExpired }
        if moment.isBefore(notBefore) { return .caCertificateNotYetValid }
        if let defect = subjectPublicKeyInfo.defect { return .caKeyUnusable(defect) }
        return nil
    }
}
