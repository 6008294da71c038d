import Bytes
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
    ///   - opened: what ``CertRep/open(_:envelope:key:password:policy:random:)`` found.
    ///   - key: the private key that the request is for.
    ///   - replaced: in a renewal, the certificate before, which never counts as the one that was asked for; the new
    ///     one may not expire sooner.
    ///   - mayBeginLater: whether the certificate may become valid in the future, as one of a CA's next certificate.
    /// - Returns: where the certificate stands in `work`.
    /// - Throws: ``SCEPError/belowFloor(_:)`` with all that the reply would need to be allowed;
    ///   ``SCEPError/issuedCertificateUnreadable(_:)``; what is wrong with the certificate.
    public static func find<Key: PrivateKey & ~Copyable>(
        _ work: Span<UInt8>, in opened: CertificatesOnly, from ca: borrowing CACertificates, key: inout Key,
        replacing replaced: Replaced?, policy: inout Policy, moment: Moment, mayBeginLater: Bool
    ) throws(SCEPError) -> Range<Int> {
        do throws(SCEPError) {
            return try find(work, opened, ca, &key, replaced, &policy, moment, mayBeginLater)
        } catch {
            // What the reply is made with is wrong whatever else is.
            if case .belowFloor = error { throw error }
            try opened.check(Leniency())
            throw error
        }
    }

    private static func find<Key: PrivateKey & ~Copyable>(
        _ work: Span<UInt8>, _ opened: CertificatesOnly, _ ca: borrowing CACertificates, _ key: inout Key,
        _ replaced: Replaced?, _ policy: inout Policy, _ moment: Moment, _ mayBeginLater: Bool
    ) throws(SCEPError) -> Range<Int> {
        var failure = SCEPError.certificateForAnotherKey
        // Only the device's own certificate has to be one that can be read here.
        var list = CACertificates(work, choosingIn: opened.certificates).all
        while let certificate = list.next() {
            if let replaced, Hash.digest(.sha256, of: certificate.encoding) == replaced.digest {
                if failure == .certificateForAnotherKey { failure = .oldCertificate }
                continue
            }
            guard hasKey(certificate, &key) else { continue }
            do throws(SCEPError) {
                try check(
                    certificate, in: opened, from: ca, replacing: replaced, policy: &policy, moment: moment,
                    mayBeginLater: mayBeginLater)
                return certificate.range
            } catch {
                // What is wrong with the CA's own says more than that another is not the CA's.
                if failure == .certificateForAnotherKey || error != .certificateNotFromCA { failure = error }
            }
        }
        if failure == .certificateForAnotherKey { try refuseUnreadable(work, opened.certificates, &key) }
        throw failure
    }

    // Its space is on the stack no longer when signatures are verified.
    @inline(never)
    private static func hasKey<Key: PrivateKey & ~Copyable>(
        _ certificate: borrowing Certificate, _ key: inout Key
    ) -> Bool {
        var publicKey = InlineArray<512, UInt8>(repeating: 0)
        var buffer = publicKey.mutableSpan
        let matches = try? certificate.subjectPublicKeyInfo.matches(&key, scratch: &buffer)
        return matches ?? false
    }

    /// Says so if one has the device's key, that is its modulus or point somewhere in it, and cannot be read. On a small
    /// image (``Footprint``) any that cannot be read is taken for it.
    @inline(never)
    private static func refuseUnreadable<Key: PrivateKey & ~Copyable>(
        _ work: Span<UInt8>, _ certificates: Range<Int>, _ key: inout Key
    ) throws(SCEPError) {
        var publicKey = InlineArray<512, UInt8>(repeating: 0)
        var buffer = publicKey.mutableSpan
        guard let count = Footprint.isUnconstrained ? try? key.publicKey(into: &buffer) : 0 else { return }
        var list = DERReader(work, in: certificates)
        while let whole = try? list.read() {
            guard !Footprint.isUnconstrained || contains(whole.encoding, buffer.span.extracting(first: count)) else {
                continue
            }
            do throws(DERError) {
                _ = try Certificate(whole.encoding)
            } catch {
                throw .issuedCertificateUnreadable(error)
            }
        }
    }

    private static func contains(_ bytes: Span<UInt8>, _ part: Span<UInt8>) -> Bool {
        var start = 0
        while start &+ part.count <= bytes.count {
            if areEqual(bytes.extracting(start..<(start &+ part.count)), part) { return true }
            start &+= 1
        }
        return false
    }

    /// Finds the certificate that was asked for with GetCert (RFC 8894, 4.5).
    ///
    /// - Parameters:
    ///   - opened: what ``CertRep/open(_:envelope:key:password:policy:random:)`` found.
    ///   - issuer: a Name in DER.
    ///   - serialNumber: the content of its INTEGER.
    /// - Returns: where the certificate stands in `work`.
    /// - Throws: ``SCEPError/belowFloor(_:)``, ``SCEPError/wrongCertificate``.
    public static func find(
        _ work: Span<UInt8>, in opened: CertificatesOnly, issuer: Span<UInt8>, serialNumber: Span<UInt8>
    ) throws(SCEPError) -> Range<Int> {
        try opened.check(Leniency())
        var list = CACertificates(work, choosingIn: opened.certificates).all
        while let certificate = list.next() {
            if areNamesEqual(certificate.issuer, issuer), areEqual(certificate.serialNumber, serialNumber) {
                return certificate.range
            }
        }
        throw .wrongCertificate
    }

    /// Checks a certificate as ``find(_:in:from:key:replacing:policy:moment:mayBeginLater:)`` does, whoever's key it has.
    ///
    /// - Throws: what is wrong with it.
    public static func check(
        _ certificate: borrowing Certificate, in opened: CertificatesOnly, from ca: borrowing CACertificates,
        replacing replaced: Replaced?, policy: inout Policy, moment: Moment, mayBeginLater: Bool
    ) throws(SCEPError) {
        guard let digest = certificate.signed.algorithm?.digest else { throw .signatureAlgorithmUnknown }
        guard ca.haveIssued(certificate, mayBeCA: true) else { throw .certificateNotFromCA }
        try opened.check(policy.weakness(of: digest))
        guard !moment.isPast(certificate.notAfter) else { throw .certificateExpired }
        guard mayBeginLater || !moment.isBefore(certificate.notBefore) else { throw .certificateNotYetValid }
        if let replaced, certificate.notAfter < replaced.notAfter { throw .validityNotExtended }
    }
}
