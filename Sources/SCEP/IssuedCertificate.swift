import DER
import DeviceCrypto
import PKIX

/// The certificate that a CA issued, taken out of its reply (RFC 8894, 3.3.2.1).
public enum IssuedCertificate {
    /// A certificate that is to be replaced by the issued one.
    public struct Replaced: Sendable {
        public let notAfter: Int64
        /// SHA-256 of the whole certificate.
        public let digest: Digest

        public init(_ certificate: borrowing Certificate) {
            notAfter = certificate.notAfter
            digest = Hash.digest(.sha256, of: certificate.encoding)
        }
    }

    /// Finds the certificate that the trusted CA issued for the device's key, wherever it stands among others, such as
    /// the self-signed one that the request came with.
    ///
    /// - Parameters:
    ///   - certificates: what ``CertRep/open(_:envelope:key:password:policy:random:)`` found.
    ///   - key: the private key that the request is for.
    ///   - replaced: in a renewal, the certificate before, which never counts as the one that was asked for; the new
    ///     one has to be valid for longer.
    ///   - mayBeginLater: whether the certificate may become valid in the future, as one of a CA's next certificate.
    /// - Returns: where the certificate stands in `work`.
    public static func find<Key: PrivateKey & ~Copyable>(
        _ work: Span<UInt8>, in certificates: Range<Int>, from ca: borrowing CACertificates, key: inout Key,
        replacing replaced: Replaced?, policy: inout Policy, moment: Moment, mayBeginLater: Bool
    ) throws(SCEPError) -> Range<Int> {
        var failure = SCEPError.certificateForAnotherKey
        // Only the device's own certificate has to be one that can be read here.
        var list = CACertificates(work, choosingIn: certificates).all
        while let certificate = list.next() {
            if let replaced, Hash.digest(.sha256, of: certificate.encoding) == replaced.digest {
                if failure == .certificateForAnotherKey { failure = .oldCertificate }
                continue
            }
            guard hasKey(certificate, &key) else { continue }
            do throws(SCEPError) {
                try check(certificate, ca, replaced, &policy, moment, mayBeginLater)
                return certificate.range
            } catch {
                // What is wrong with the CA's own says more than that another is not the CA's.
                if failure == .certificateForAnotherKey || error != .certificateNotFromCA { failure = error }
            }
        }
        throw failure
    }

    // Its room is on the stack no longer when signatures are verified.
    @inline(never)
    private static func hasKey<Key: PrivateKey & ~Copyable>(
        _ certificate: borrowing Certificate, _ key: inout Key
    ) -> Bool {
        var publicKey = InlineArray<512, UInt8>(repeating: 0)
        var room = publicKey.mutableSpan
        let matches = try? certificate.subjectPublicKeyInfo.matches(&key, scratch: &room)
        return matches ?? false
    }

    /// Finds the certificate that was asked for with GetCert (RFC 8894, 4.5).
    ///
    /// - Parameters:
    ///   - issuer: a Name in DER.
    ///   - serialNumber: the content of its INTEGER.
    /// - Returns: where the certificate stands in `work`.
    /// - Throws: ``SCEPError/wrongCertificate``.
    public static func find(
        _ work: Span<UInt8>, in certificates: Range<Int>, issuer: Span<UInt8>, serialNumber: Span<UInt8>
    ) throws(SCEPError) -> Range<Int> {
        var list = CACertificates(work, choosingIn: certificates).all
        while let certificate = list.next() {
            if areEqual(certificate.issuer, issuer), areEqual(certificate.serialNumber, serialNumber) {
                return certificate.range
            }
        }
        throw .wrongCertificate
    }

    private static func check(
        _ certificate: borrowing Certificate, _ ca: borrowing CACertificates, _ replaced: Replaced?,
        _ policy: inout Policy, _ moment: Moment, _ mayBeginLater: Bool
    ) throws(SCEPError) {
        let digest = certificate.signed.algorithm.digest
        guard policy.permits(digest) else { throw .digestBelowFloor(digest) }
        guard ca.haveIssued(certificate, mayBeCA: true) else { throw .certificateNotFromCA }
        guard !moment.isOver(certificate.notAfter) else { throw .certificateExpired }
        guard mayBeginLater || !moment.isBefore(certificate.notBefore) else { throw .certificateNotYetValid }
        if let replaced, certificate.notAfter <= replaced.notAfter { throw .validityNotExtended }
    }
}
