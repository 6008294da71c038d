import CMS
import DER
import DeviceCrypto
import PKIX

/// The certificate that a CA issued, taken out of its reply (RFC 8894, 3.3.2.1).
public enum IssuedCertificate {
    /// How far the clocks of a device and its CA may differ, in seconds: a certificate that begins just now is not
    /// refused, with the one-time password already spent, because the device's clock is late.
    public static var clockTolerance: Int64 { 300 }

    /// Opens the envelope of a SUCCESS reply where it stands, and finds the certificate that the trusted CA issued for
    /// the device's key, wherever it stands among others, such as the self-signed one that the request came with.
    ///
    /// - Parameters:
    ///   - envelope: what ``CertRep/success(envelope:)`` said.
    ///   - key: the device's private key, which the request was signed with and is for.
    ///   - password: the challengePassword of the request; needed for an EC key only (RFC 8894, 3.1).
    ///   - time: seconds since 1970, if known; otherwise validity is not checked.
    /// - Returns: where the certificate stands in `work`.
    public static func open<Key: PrivateKey & ~Copyable>(
        _ work: inout MutableSpan<UInt8>, envelope: Range<Int>, from ca: borrowing CACertificates,
        key: inout Key, password: Span<UInt8>, policy: inout Policy, time: Int64?, random: inout RandomGenerator
    ) throws(SCEPError) -> Range<Int> {
        let envelopedData: EnvelopedData
        do throws(DERError) {
            let enveloped = try BER.normalize(&work, in: envelope)
            envelopedData = try EnvelopedData(work.span, in: enveloped)
        } catch {
            throw .reply(error)
        }
        guard policy.permits(envelopedData.cipher) else { throw .cipherBelowFloor(envelopedData.cipher) }
        if let cipher = envelopedData.keyEncryptionCipher, !policy.permits(cipher) { throw .cipherBelowFloor(cipher) }
        let certificates: Range<Int>
        do throws(DERError) {
            let plain = try envelopedData.open(&work, key: &key, password: password, random: &random)
            let message = try BER.normalize(&work, in: plain)
            certificates = try SignedData(work.span, in: message).certificates
        } catch {
            throw .reply(error)
        }
        var failure = SCEPError.certificateForAnotherKey
        var reader = DERReader(work.span, in: certificates)
        while !reader.isAtEnd {
            let range: Range<Int>
            do throws(DERError) {
                range = try reader.read().range
            } catch {
                throw .reply(error)
            }
            var again = DERReader(work.span, in: range)
            // Only the device's own certificate has to be one that can be read here.
            guard let certificate = try? Certificate(&again), hasKey(certificate, &key) else { continue }
            do throws(SCEPError) {
                try check(certificate, ca, &policy, time)
                return range
            } catch {
                // What is wrong with the CA's own says more than that another is not the CA's.
                if failure == .certificateForAnotherKey || error != .certificateNotFromCA { failure = error }
            }
        }
        throw failure
    }

    private static func hasKey<Key: PrivateKey & ~Copyable>(
        _ certificate: borrowing Certificate, _ key: inout Key
    ) -> Bool {
        var publicKey = InlineArray<512, UInt8>(repeating: 0)
        var room = publicKey.mutableSpan
        let matches = try? certificate.subjectPublicKeyInfo.matches(&key, scratch: &room)
        return matches ?? false
    }

    private static func check(
        _ certificate: borrowing Certificate, _ ca: borrowing CACertificates, _ policy: inout Policy, _ time: Int64?
    ) throws(SCEPError) {
        let digest = certificate.signatureAlgorithm.digest
        guard policy.permits(digest) else { throw .digestBelowFloor(digest) }
        guard ca.haveIssued(certificate, mayBeCA: true) else { throw .certificateNotFromCA }
        // Taken off a certificate's time, which is far from overflowing, and not added to the clock's.
        if let time, certificate.notAfter < time || certificate.notBefore &- clockTolerance > time {
            throw .certificateNotValid
        }
    }
}
