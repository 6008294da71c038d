import Bytes
import DER
import DeviceCrypto
import PKIX

/// What becomes of one of the certificates of a reply to GetCACert.
public enum Standing: Equatable, Sendable {
    /// It is trusted: with a given fingerprint, or since a trusted CA issued it.
    case trusted(isPinned: Bool)
    /// It has a given fingerprint, and is of no use.
    case refused(SCEPError)
    case passedOver(PassedOver.Reason)
}

extension GetCACert {
    /// Says of each certificate what ``accept(_:certificates:fingerprints:known:trustsKnown:policy:moment:into:)`` makes of
    /// it, also where that throws: for people, who have to mend the rest.
    ///
    /// - Parameters: as that function has them, for a device that knows no CA yet.
    /// - Returns: of as many as are looked at, in the order of the reply; nil after the last.
    public static func standings(
        _ work: Span<UInt8>, certificates: Range<Int>, fingerprints: borrowing Fingerprints, policy: inout Policy,
        moment: Moment
    ) -> InlineArray<8, Standing?> {
        var chosen = CACertificates(work, choosingIn: certificates)
        let none = CACertificates(work.extracting(first: 0))
        // Why the whole is refused is what the other function says.
        _ = try? chosen.chooseAnchors(fingerprints, none, trustsKnown: false, policy: &policy, moment)
        chosen.chooseIssued(&policy, moment, isNext: false)
        var standings = InlineArray<8, Standing?>(repeating: nil)
        var count = 0
        var list = chosen.reader
        while count < standings.count, let whole = try? list.read() {
            standings[count] = chosen.standing(of: whole.encoding, fingerprints, &policy, moment)
            count &+= 1
        }
        return standings
    }
}

extension CACertificates {
    fileprivate func standing(
        of encoding: Span<UInt8>, _ fingerprints: borrowing Fingerprints, _ policy: inout Policy, _ moment: Moment
    ) -> Standing {
        let isPinned = fingerprints.contains(encoding)
        do throws(DERError) {
            let certificate = try Certificate(encoding)
            if contains(encoding) {
                // A registration authority may have a pin beside its CA's; alone it is nobody's.
                return includesCA ? .trusted(isPinned: isPinned) : .refused(.pinnedIsNotCA)
            }
            if isPinned { return .refused(certificate.failureOfPinned(moment) ?? .fingerprintMismatch) }
            guard let reason = reason(against: certificate, &policy, moment, isNext: false) else {
                return .passedOver(.notSigned)
            }
            return .passedOver(reason)
        } catch {
            return isPinned ? .refused(.reply(error)) : .passedOver(.unreadable)
        }
    }

    private var includesCA: Bool {
        var list = List(reader, chosen)
        while let certificate = list.next() { if certificate.isCA { return true } }
        return false
    }
}
