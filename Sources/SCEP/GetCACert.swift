import CMS
import DER
import DeviceCrypto
import PKIX

/// Judges the reply to GetCACert (RFC 8894, 4.2.1).
public enum GetCACert {
    /// Keeps the certificates that can be trusted: those with a given fingerprint or known before, the CAs that a
    /// trusted CA issued, and the registration authorities that it issued and marked as such. Others are passed over;
    /// nothing else in the reply is authenticated.
    ///
    /// - Parameters:
    ///   - work: the buffer that holds the reply.
    ///   - body: where the reply stands.
    ///   - known: bytes at the front of `trusted` of certificates that are trusted already, such as those that came by
    ///     GetNextCACert. Who is among them and in the reply too is trusted as if it had a given fingerprint.
    ///   - trusted: room for the certificates that are kept. It is left as it is when this throws.
    /// - Returns: the bytes used at the front of `trusted`; ``CACertificates`` reads them.
    public static func accept(
        _ work: inout MutableSpan<UInt8>, body: Range<Int>, fingerprints: borrowing Fingerprints, known: Int = 0,
        policy: inout Policy, moment: Moment, into trusted: inout MutableSpan<UInt8>
    ) throws(SCEPError) -> Int {
        let reply = try read(&work, body: body)
        return try accept(
            work.span, certificates: reply.certificates, fingerprints: fingerprints, known: known, policy: &policy,
            moment: moment, into: &trusted)
    }

    /// Keeps the same of certificates that stand one after the other in `work`, in DER.
    public static func accept(
        _ work: Span<UInt8>, certificates: Range<Int>, fingerprints: borrowing Fingerprints, known: Int = 0,
        policy: inout Policy, moment: Moment, into trusted: inout MutableSpan<UInt8>
    ) throws(SCEPError) -> Int {
        var chosen = CACertificates(work, choosingIn: certificates)
        do {
            let before = CACertificates(trusted.span.extracting(first: known))
            try chosen.chooseAnchors(fingerprints, before, moment)
        }
        try chosen.chooseIssued(&policy, moment, isNext: false)
        return try chosen.keep(in: &trusted)
    }

    /// Finds the certificates of a reply, which is turned into DER where it stands.
    ///
    /// What the reply is, one certificate or a certificates-only SignedData, is told by its bytes, not by its
    /// Content-Type.
    ///
    /// - Returns: where they stand in `work`, one after the other; whether the reply is a single certificate.
    public static func read(_ work: inout MutableSpan<UInt8>, body: Range<Int>) throws(SCEPError)
        -> (certificates: Range<Int>, isSingle: Bool)
    {
        let message = try normalize(&work, body)
        let isSingle: Bool
        do throws(DERError) {
            var reader = DERReader(work.span, in: message)
            isSingle = try reader.enter().nextTag != .objectIdentifier
        } catch {
            throw .reply(error)
        }
        return (isSingle ? message : try SignedData(reply: work.span, message).certificates, isSingle)
    }
}

extension CACertificates {
    /// Chooses those with one of `fingerprints`, and those that are among `known`.
    fileprivate mutating func chooseAnchors(
        _ fingerprints: borrowing Fingerprints, _ known: borrowing CACertificates, _ moment: Moment
    ) throws(SCEPError) {
        var failure = SCEPError.fingerprintMismatch
        var hasCA = false
        var list = reader
        var bit: Int32 = 1
        while !list.isAtEnd {
            guard bit < 1 << Self.maximumCount else { throw .tooManyCACertificates }
            do throws(DERError) {
                let whole = try list.read()
                if fingerprints.contain(whole.encoding) || known.contain(whole.encoding) {
                    var again = DERReader(whole.bytes, in: whole.range)
                    let certificate = try Certificate(&again)
                    // One that is over does not stand in the way of the next one, which is there too.
                    if moment.isOver(certificate.notAfter) {
                        failure = .caCertificateExpired
                    } else if moment.isBefore(certificate.notBefore) {
                        failure = .caCertificateNotYetValid
                    } else {
                        choose(bit, certificate)
                        if failure == .fingerprintMismatch { failure = .pinnedIsNotCA }
                        hasCA = hasCA || certificate.extensions.isCA
                    }
                }
            } catch {
                throw .reply(error)
            }
            bit &<<= 1
        }
        guard hasCA else { throw failure }
    }
}
