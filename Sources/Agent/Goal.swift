import Bytes
import DeviceCrypto
import PKIX
import SCEP

/// What can be due.
public enum Goal: UInt8, Sendable {
    /// Going on with a transaction.
    case resume
    case enrol
    /// The next identity takes the place of the current one.
    case takeOver
    /// Asking the CA for the time.
    case askTime
    case nextCA
    case rollOver
    case renew
    case revocationList
    case certificate
    /// Giving up the transaction that is open: never due, an operator may want it. The CA is not told.
    case giveUp

    /// Whether the device's certificate depends on it; the others are questions that can be left.
    var isOfIdentity: Bool {
        switch self {
        case .resume, .enrol, .rollOver, .renew: true
        case .takeOver, .askTime, .nextCA, .revocationList, .certificate, .giveUp: false
        }
    }
}

struct Goals: BitSet {
    let rawValue: UInt16

    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    init(_ goal: Goal) {
        rawValue = 1 &<< UInt16(goal.rawValue)
    }
}

/// A certificate of this device that is stored.
struct KeptCertificate {
    let notBefore: Int64
    /// What a renewal has to differ from.
    let replaced: IssuedCertificate.Replaced

    init(_ certificate: borrowing Certificate) {
        notBefore = certificate.notBefore
        replaced = IssuedCertificate.Replaced(certificate)
    }

    var notAfter: Int64 { replaced.notAfter }

    /// When it is to be renewed, in seconds since 1970.
    ///
    /// - Parameter issuedAt: when the device got it; 0 if that is not known. One that was past its share of life by
    ///   then, since its CA's certificates all end on one day, is given a share of what was left: else it would be
    ///   renewed for ever.
    @inline(never)
    func renewal(_ configuration: borrowing Configuration, issuedAt: Int64) -> Int64 {
        let due = renewal(configuration, from: notBefore)
        return due > issuedAt ? due : renewal(configuration, from: issuedAt)
    }

    private func renewal(_ configuration: borrowing Configuration, from beginning: Int64) -> Int64 {
        Schedule.renewal(
            notBefore: beginning, notAfter: notAfter, percent: configuration.renewalPercent,
            jitter: configuration.jitterPercent, digest: replaced.digest.bytes)
    }
}
