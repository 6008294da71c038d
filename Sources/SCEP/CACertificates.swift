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

    /// The certificate to encrypt requests to: an RSA key, for encryption by its key usage, an RA's rather than a
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
            guard certificate.subjectPublicKeyInfo.kind == .rsa else { continue }
            var score = 0
            if let usage = certificate.extensions.keyUsage {
                if usage.contains(.keyEncipherment) { score = 8 }
            } else {
                score = 4
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
                failure = error.kind == .crypto(.invalidSignature) ? .invalidSignature : .reply(error)
            }
        }
        throw failure
    }

    /// Whether one of these CAs issued `certificate`.
    ///
    /// - Parameter mayBeCA: whether that counts if it is the certificate of a CA although its issuer may have no CA
    ///   under it (a path length of 0, RFC 5280, 4.2.1.9). There are servers that make every device one.
    public func haveIssued(_ certificate: borrowing Certificate, mayBeCA: Bool) -> Bool {
        var reader = DERReader(bytes)
        while !reader.isAtEnd, let issuer = try? Certificate(&reader) {
            if !mayBeCA, issuer.extensions.pathLength == 0, certificate.extensions.isCA { continue }
            if Self.isIssuer(issuer, of: certificate) { return true }
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

    func contain(_ encoding: Span<UInt8>) -> Bool {
        var reader = DERReader(bytes)
        while !reader.isAtEnd, let certificate = try? Certificate(&reader) {
            if areEqual(certificate.encoding, encoding) { return true }
        }
        return false
    }
}
