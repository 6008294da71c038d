import Bytes
import CMS
import DER
import DeviceCrypto
import PKIX

/// Turns the one BER element in `range` into DER where it stands; what stands behind it is not needed any more.
@inline(never)
func normalize(_ work: inout MutableSpan<UInt8>, _ range: Range<Int>) throws(SCEPError) -> Range<Int> {
    do throws(DERError) {
        return try BER.normalize(&work, in: range, spare: work.count &- range.upperBound)
    } catch {
        throw .reply(error)
    }
}

extension SignedData {
    /// - Parameter other: a content type that is taken in place of data.
    @_lifetime(copy bytes)
    @inline(never)
    init(reply bytes: Span<UInt8>, _ range: Range<Int>, of other: ObjectIdentifier = .data) throws(SCEPError) {
        do throws(DERError) {
            try self.init(bytes, in: range, orContentOf: other)
        } catch {
            throw .reply(error)
        }
    }
}

/// What a SignedData without a signer carries (RFC 8894, 3.4): offsets in the work buffer.
public struct CertificatesOnly: Equatable, Sendable {
    /// The certificates, one after the other in DER; empty when there are none.
    public let certificates: Range<Int>
    /// The CRLs, likewise.
    public let crls: Range<Int>
    /// What would have to be allowed for the envelope that they came in: nothing in them is taken before it is.
    public let weakness: Leniency

    /// - Parameter weakness: what would have to be allowed for the envelope that they came in.
    public init(certificates: Range<Int> = 0..<0, crls: Range<Int> = 0..<0, weakness: Leniency = Leniency()) {
        self.certificates = certificates
        self.crls = crls
        self.weakness = weakness
    }

    /// Reads the one that stands at `range`, in BER, which is turned into DER there.
    @inline(never)
    init(_ work: inout MutableSpan<UInt8>, _ range: Range<Int>, weakness: Leniency) throws(SCEPError) {
        let message = try normalize(&work, range)
        let signedData = try SignedData(reply: work.span, message)
        self.init(certificates: signedData.certificates, crls: signedData.crls, weakness: weakness)
    }

    /// Refuses what was found if it, or the envelope around it, is below a floor.
    func check(_ weakness: Leniency) throws(SCEPError) {
        let all = self.weakness.union(weakness)
        guard all == Leniency() else { throw .belowFloor(all) }
    }
}

extension CertRep {
    /// Opens the envelope of a SUCCESS reply where it stands.
    ///
    /// One in a cipher below the floor is opened too, so that all is told at once that would have to be allowed: whoever
    /// takes something out of it looks at ``CertificatesOnly/weakness`` first. Only what is signed above the floor gets here.
    ///
    /// - Parameters:
    ///   - envelope: what ``success(envelope:)`` said.
    ///   - key: the device's private key that the request was signed with.
    ///   - password: the challengePassword, for a key that cannot decrypt (RFC 8894, 3.1).
    /// - Throws: ``SCEPError/reply(_:)``, ``SCEPError/passwordMissing``; ``SCEPError/belowFloor(_:)`` in place of either
    ///   if the envelope is below a floor.
    public static func open<Key: PrivateKey & ~Copyable>(
        _ work: inout MutableSpan<UInt8>, envelope: Range<Int>, key: inout Key, password: Span<UInt8>,
        policy: inout Policy, random: inout RandomGenerator
    ) throws(SCEPError) -> CertificatesOnly {
        let enveloped = try normalize(&work, envelope)
        let envelopedData: EnvelopedData
        do throws(DERError) {
            envelopedData = try EnvelopedData(work.span, in: enveloped)
        } catch {
            throw .reply(error)
        }
        let weakness = envelopedData.weakness(&policy)
        do throws(SCEPError) {
            let plain: Range<Int>
            do throws(DERError) {
                plain = try envelopedData.open(&work, key: &key, password: password, random: &random)
            } catch {
                throw error.kind == .passwordMissing ? .passwordMissing : .reply(error)
            }
            return try CertificatesOnly(&work, plain, weakness: weakness)
        } catch {
            throw weakness == Leniency() ? error : .belowFloor(weakness)
        }
    }
}

extension EnvelopedData {
    /// What would have to be allowed for its ciphers: single DES comes with triple DES.
    @inline(never)
    func weakness(_ policy: inout Policy) -> Leniency {
        var weakness = policy.weakness(of: cipher)
        if let cipher = keyEncryptionCipher { weakness.insert(policy.weakness(of: cipher)) }
        if weakness.contains(.des) { weakness.remove(.tripleDES) }
        return weakness
    }
}
