import CMS
import DER
import DeviceCrypto
import PKIX

/// Judges the reply to GetCACert (RFC 8894, 4.2.1).
public enum GetCACert {
    /// Keeps the certificates that can be trusted: those with a given fingerprint, the CAs that a trusted CA issued,
    /// and the registration authorities that it issued and marked as such. Others are passed over; nothing else in the
    /// reply is authenticated.
    ///
    /// What the reply is, one certificate or a certificates-only SignedData, is told by its bytes, not by its
    /// Content-Type.
    ///
    /// - Parameters:
    ///   - work: the buffer that holds the reply.
    ///   - body: where the reply stands.
    ///   - time: seconds since 1970, if known; otherwise validity is not checked.
    ///   - trusted: room for the certificates that are kept.
    /// - Returns: the bytes used at the front of `trusted`; ``CACertificates`` reads them.
    public static func accept(
        _ work: inout MutableSpan<UInt8>, body: Range<Int>, fingerprints: borrowing Fingerprints, policy: inout Policy,
        time: Int64?, into trusted: inout MutableSpan<UInt8>
    ) throws(SCEPError) -> Int {
        let certificates: Range<Int>
        do throws(DERError) {
            certificates = try findCertificates(&work, body)
        } catch {
            throw .reply(error)
        }
        var used = 0
        try keepPinned(work.span, certificates, fingerprints, time, &trusted, &used)
        try keepIssued(work.span, certificates, &policy, time, &trusted, &used)
        return used
    }

    /// Where the certificates stand, one after the other.
    private static func findCertificates(_ work: inout MutableSpan<UInt8>, _ body: Range<Int>) throws(DERError)
        -> Range<Int>
    {
        let message = try BER.normalize(&work, in: body)
        var reader = DERReader(work.span, in: message)
        let content = try reader.enter()
        guard content.nextTag == .objectIdentifier else { return message }
        return try SignedData(work.span, in: message).certificates
    }

    private static func keepPinned(
        _ work: Span<UInt8>, _ certificates: Range<Int>, _ fingerprints: borrowing Fingerprints, _ time: Int64?,
        _ trusted: inout MutableSpan<UInt8>, _ used: inout Int
    ) throws(SCEPError) {
        var reader = DERReader(work, in: certificates)
        var count = 0
        var hasCA = false
        while !reader.isAtEnd {
            count &+= 1
            guard count <= CACertificates.maximumCount else { throw .tooManyCACertificates }
            do throws(DERError) {
                let start = reader.position
                let whole = try reader.read()
                guard fingerprints.contain(whole.encoding) else { continue }
                var again = DERReader(work, in: start..<reader.position)
                let certificate = try Certificate(&again)
                guard isValid(certificate, time) else { throw DERError(.invalidTime, at: start) }
                hasCA = hasCA || certificate.extensions.isCA
                try keep(certificate, &trusted, &used)
            } catch {
                switch error.kind {
                case .bufferFull: throw .tooManyCACertificates
                case .invalidTime: throw .caCertificateNotValid
                default: throw .reply(error)
                }
            }
        }
        guard used > 0 else { throw .fingerprintMismatch }
        guard hasCA else { throw .pinnedIsNotCA }
    }

    private static func keepIssued(
        _ work: Span<UInt8>, _ certificates: Range<Int>, _ policy: inout Policy, _ time: Int64?,
        _ trusted: inout MutableSpan<UInt8>, _ used: inout Int
    ) throws(SCEPError) {
        var sawUnmarkedRA = false
        var before = 0
        // Every round keeps one level more, so there are at most as many rounds as certificates.
        while used > before {
            before = used
            var reader = DERReader(work, in: certificates)
            while !reader.isAtEnd {
                do throws(DERError) {
                    let start = reader.position
                    let whole = try reader.read()
                    var again = DERReader(work, in: start..<reader.position)
                    // A certificate that cannot be read cannot be trusted, and others may still do.
                    guard let certificate = try? Certificate(&again), isValid(certificate, time),
                        isNewAndIssued(certificate, whole.encoding, trusted.span.extracting(first: used))
                    else { continue }
                    let extensions = certificate.extensions
                    // What is critical and not judged here forbids its use (RFC 5280, 4.2); a pin would allow it.
                    guard policy.permits(certificate.signatureAlgorithm.digest), !extensions.hasUnknownCritical else {
                        continue
                    }
                    guard extensions.isCA || extensions.isRegistrationAuthority || policy.permitsUnmarkedRA() else {
                        sawUnmarkedRA = true
                        continue
                    }
                    try keep(certificate, &trusted, &used)
                } catch {
                    throw error.kind == .bufferFull ? .tooManyCACertificates : .reply(error)
                }
            }
        }
        // Without its RA the CA would be asked in a way that it does not expect.
        guard !sawUnmarkedRA else { throw .unmarkedRA }
    }

    private static func isNewAndIssued(
        _ certificate: borrowing Certificate, _ encoding: Span<UInt8>, _ trusted: Span<UInt8>
    ) -> Bool {
        let known = CACertificates(trusted)
        return !known.contain(encoding) && known.haveIssued(certificate, mayBeCA: false)
    }

    private static func isValid(_ certificate: borrowing Certificate, _ time: Int64?) -> Bool {
        guard let time else { return true }
        return certificate.notBefore <= time && time <= certificate.notAfter
    }

    private static func keep(
        _ certificate: borrowing Certificate, _ trusted: inout MutableSpan<UInt8>, _ used: inout Int
    ) throws(DERError) {
        let encoding = certificate.encoding
        guard encoding.count <= trusted.count &- used else { throw DERError(.bufferFull, at: used) }
        for index in encoding.indices { trusted[used &+ index] = encoding[index] }
        used &+= encoding.count
    }
}
