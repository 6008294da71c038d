import PKIX
import SCEP
import TestSupport

/// What `GetCACert` makes of certificates that stand one after the other, and what it kept of them.
func acceptance(
    _ certificates: [OpenSSLIdentity], _ pins: [OpenSSLIdentity], known: [OpenSSLIdentity] = [],
    trustsKnown: Bool = true, policy: Policy = Policy(), moment: Moment = .unknown
) throws -> (accepted: Accepted, kept: [UInt8], used: Leniency) {
    var policy = policy
    let text = Array(try pins.map { try $0.fingerprint() }.joined(separator: ",").utf8)
    let work = [0xA5] + certificates.flatMap(\.der) + [0xA5]
    let before = known.flatMap(\.der)
    var trusted = before + [UInt8](repeating: 0xA5, count: 8192)
    let accepted: Accepted
    do {
        var buffer = trusted.mutableSpan
        guard let fingerprints = Fingerprints(text.span) else { throw SCEPError.fingerprintMismatch }
        accepted = try GetCACert.accept(
            work.span, certificates: 1..<(work.count - 1), fingerprints: fingerprints, known: before.count,
            trustsKnown: trustsKnown, policy: &policy, moment: moment, into: &buffer)
    }
    return (accepted, Array(trusted[..<accepted.byteCount]), policy.used)
}

extension Accepted {
    /// Why each of the others was passed over.
    var reasons: [PassedOver.Reason] { (0..<passedOver.count).map { passedOver[$0].reason } }
}
