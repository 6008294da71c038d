import CMS
import DER
import DeviceCrypto

/// Turns the one BER element in `range` into DER where it stands.
@inline(never)
func normalize(_ work: inout MutableSpan<UInt8>, _ range: Range<Int>) throws(SCEPError) -> Range<Int> {
    do throws(DERError) {
        return try BER.normalize(&work, in: range)
    } catch {
        throw .reply(error)
    }
}

extension SignedData {
    @_lifetime(copy bytes)
    @inline(never)
    init(reply bytes: Span<UInt8>, _ range: Range<Int>) throws(SCEPError) {
        do throws(DERError) {
            try self.init(bytes, in: range)
        } catch {
            throw .reply(error)
        }
    }
}

/// What a SignedData without a signer carries (RFC 8894, 3.4): offsets in the work buffer.
public struct Degenerate: Equatable, Sendable {
    /// The certificates, one after the other in DER; empty when there are none.
    public let certificates: Range<Int>
    /// The CRLs, likewise.
    public let crls: Range<Int>

    /// Reads the one that stands at `range`, in BER, which is turned into DER there.
    @inline(never)
    init(_ work: inout MutableSpan<UInt8>, _ range: Range<Int>) throws(SCEPError) {
        let message = try normalize(&work, range)
        let signedData = try SignedData(reply: work.span, message)
        certificates = signedData.certificates
        crls = signedData.crls
    }
}

extension CertRep {
    /// Opens the envelope of a SUCCESS reply where it stands.
    ///
    /// - Parameters:
    ///   - envelope: what ``success(envelope:)`` said.
    ///   - key: the device's private key that the request was signed with.
    ///   - password: the challengePassword, for a key that cannot decrypt (RFC 8894, 3.1).
    /// - Throws: ``SCEPError/reply(_:)``, ``SCEPError/cipherBelowFloor(_:)``, ``SCEPError/passwordMissing``.
    public static func open<Key: PrivateKey & ~Copyable>(
        _ work: inout MutableSpan<UInt8>, envelope: Range<Int>, key: inout Key, password: Span<UInt8>,
        policy: inout Policy, random: inout RandomGenerator
    ) throws(SCEPError) -> Degenerate {
        let enveloped = try normalize(&work, envelope)
        let envelopedData: EnvelopedData
        do throws(DERError) {
            envelopedData = try EnvelopedData(work.span, in: enveloped)
        } catch {
            throw .reply(error)
        }
        guard policy.permits(envelopedData.cipher) else { throw .cipherBelowFloor(envelopedData.cipher) }
        if let cipher = envelopedData.keyEncryptionCipher, !policy.permits(cipher) { throw .cipherBelowFloor(cipher) }
        let plain: Range<Int>
        do throws(DERError) {
            plain = try envelopedData.open(&work, key: &key, password: password, random: &random)
        } catch {
            throw error.kind == .passwordMissing ? .passwordMissing : .reply(error)
        }
        return try Degenerate(&work, plain)
    }
}
