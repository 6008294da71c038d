import CMS
import DER
import DeviceCrypto
import PKIX

/// The certificates of a CA that a device trusts, one after the other in DER: the CA's own, those of the CAs under
/// it, and those of its registration authorities.
public struct CACertificates: ~Escapable {
    /// More are not looked at.
    public static var maximumCount: Int { 8 }

    private let bytes: Span<UInt8>

    /// - Parameter bytes: what ``accept(_:body:fingerprints:policy:time:into:)`` kept.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// The certificate to encrypt requests to: an RSA key rather than an elliptic curve key, which takes a password
    /// (RFC 8894, 3.1), for encryption by its key usage, an RA's rather than a
    /// CA's, and of CAs the one that issued none of the others.
    ///
    /// Key usage decides where it can; old servers leave it out, or set one bit where two are due (RFC 8894, 3.5.2).
    ///
    /// - Throws: ``SCEPError/noEncryptionCertificate``.
    @_lifetime(copy self)
    public func encryptionCertificate() throws(SCEPError) -> Certificate {
        var reader = DERReader(bytes)
        var best = 0..<0
        var greatestScore = -1
        while !reader.isAtEnd {
            guard let certificate = try? Certificate(&reader) else { break }
            let isRSA = certificate.subjectPublicKeyInfo.kind == .rsa
            guard isRSA || Curve.areSupported else { continue }
            var score = isRSA ? 16 : 0
            if let usage = certificate.extensions.keyUsage {
                if usage.contains(.keyEncipherment) { score &+= 8 }
            } else {
                score &+= 4
            }
            if !certificate.extensions.isCA {
                score &+= 2
            } else if !hasIssued(certificate, casOnly: false) {
                score &+= 1
            }
            if score > greatestScore {
                greatestScore = score
                best = certificate.range
            }
        }
        guard greatestScore >= 0, let certificate = try? Certificate(bytes.extracting(best)) else {
            throw .noEncryptionCertificate
        }
        return certificate
    }

    /// The certificate of the CA that issues: the one that issued no other CA here.
    ///
    /// - Throws: ``SCEPError/pinnedIsNotCA`` when there is none.
    @_lifetime(copy self)
    public func issuingCertificate() throws(SCEPError) -> Certificate {
        var reader = DERReader(bytes)
        while !reader.isAtEnd, let certificate = try? Certificate(&reader) {
            if certificate.extensions.isCA, !hasIssued(certificate, casOnly: true) { return certificate }
        }
        throw .pinnedIsNotCA
    }

    /// Whether another certificate here names this one as its issuer.
    @inline(never)
    private func hasIssued(_ issuer: borrowing Certificate, casOnly: Bool) -> Bool {
        var reader = DERReader(bytes)
        while !reader.isAtEnd, let other = try? Certificate(&reader) {
            guard !casOnly || other.extensions.isCA else { continue }
            if areEqual(other.issuer, issuer.subject), !other.isSelfIssued { return true }
        }
        return false
    }

    /// Verifies that one of these certificates' keys signed `message`.
    ///
    /// - Throws: ``SCEPError/unknownSigner``, ``SCEPError/invalidSignature``, ``SCEPError/reply(_:)``.
    func verify(_ message: borrowing SignedData, signer: borrowing SignerInfo) throws(SCEPError) {
        var reader = DERReader(bytes)
        var failure = SCEPError.unknownSigner
        while !reader.isAtEnd, let certificate = try? Certificate(&reader) {
            guard signer.names(certificate) else { continue }
            do throws(DERError) {
                try message.verify(with: certificate.subjectPublicKeyInfo)
                return
            } catch {
                switch error.kind {
                // Who changes the content, and not the digest of it that is signed, changes what is signed.
                case .crypto(.invalidSignature), .digestMismatch: failure = .invalidSignature
                default: failure = .reply(error)
                }
            }
        }
        throw failure
    }

    /// Whether one of these CAs issued `certificate`.
    ///
    /// - Parameter mayBeCA: whether that counts if it is the certificate of a CA although the path lengths above it
    ///   leave no room for one. There are servers that make every device one.
    public func haveIssued(_ certificate: borrowing Certificate, mayBeCA: Bool) -> Bool {
        var reader = DERReader(bytes)
        while !reader.isAtEnd, let issuer = try? Certificate(&reader) {
            guard Self.isIssuer(issuer, of: certificate) else { continue }
            if mayBeCA || !certificate.extensions.isCA || allowCA(below: issuer) { return true }
        }
        return false
    }

    /// Whether the path lengths of `issuer` and of the CAs above it leave room for another CA (RFC 5280, 4.2.1.9).
    private func allowCA(below issuer: borrowing Certificate) -> Bool {
        var range = issuer.range
        var count = 0
        // Two CAs can have certified each other.
        for _ in 0..<Self.maximumCount {
            guard let ca = try? Certificate(bytes.extracting(range)) else { return false }
            if let greatest = ca.extensions.pathLength, count >= greatest { return false }
            guard !ca.isSelfIssued else { return true }
            count &+= 1
            var reader = DERReader(bytes)
            var above = 0..<0
            while above.isEmpty, !reader.isAtEnd, let other = try? Certificate(&reader) {
                if Self.isIssuer(other, of: ca) { above = other.range }
            }
            guard !above.isEmpty else { return true }
            range = above
        }
        return false
    }

    static func isIssuer(_ issuer: borrowing Certificate, of certificate: borrowing Certificate) -> Bool {
        let extensions = issuer.extensions
        guard extensions.isCA, extensions.keyUsage?.contains(.keyCertSign) ?? true,
            areEqual(issuer.subject, certificate.issuer)
        else { return false }
        do throws(CryptoError) {
            try certificate.verify(signedBy: issuer.subjectPublicKeyInfo)
            return true
        } catch {
            return false
        }
    }

    /// Whether one of these certificates has one of `fingerprints`.
    public func include(oneOf fingerprints: borrowing Fingerprints) -> Bool {
        var reader = DERReader(bytes)
        while !reader.isAtEnd, let certificate = try? Certificate(&reader) {
            if fingerprints.contain(certificate.encoding) { return true }
        }
        return false
    }

    func contain(_ encoding: Span<UInt8>) -> Bool {
        var reader = DERReader(bytes)
        while !reader.isAtEnd, let certificate = try? Certificate(&reader) {
            if areEqual(certificate.encoding, encoding) { return true }
        }
        return false
    }
}
