import DER
import DeviceCrypto
import Foundation
import Ledger
import PKIX
import Signing

/// The certificates of CAs, of which those are put behind a device's that lead on from it.
public struct CertificateChain: Sendable {
    private let certificates: [[UInt8]]

    /// Devices' certificates stand alone.
    public static let none = CertificateChain(certificates: [])

    private init(certificates: [[UInt8]]) { self.certificates = certificates }

    /// - Parameter file: PEM.
    /// - Throws: ``ReportError/noCertificates(_:)``.
    public init(file: URL) throws {
        guard let text = try? String(contentsOf: file, encoding: .utf8),
            let found = PEMText.objects(in: text, "CERTIFICATE"), !found.isEmpty,
            found.allSatisfy(Self.isCertificate)
        else { throw ReportError.noCertificates(file.path) }
        certificates = found
    }

    /// Each issued the one before it, the first the device's: RFC 7515, section 4.1.6.
    func issuers(of der: [UInt8], serial: String, issuer: String) throws -> [[UInt8]] {
        guard !certificates.isEmpty else { return [] }
        var chain: [[UInt8]] = []
        var last = der
        // No chain is longer than all there are.
        while chain.count < certificates.count, let next = certificates.first(where: { Self.issued(last, by: $0) }),
            next != last
        {
            chain.append(next)
            last = next
        }
        guard !chain.isEmpty else { throw ReportError.noIssuer(serial: serial, issuer: issuer) }
        return chain
    }

    private static func isCertificate(_ der: [UInt8]) -> Bool {
        do {
            _ = try Certificate(der.span)
            return true
        } catch {
            return false
        }
    }

    private static func issued(_ der: [UInt8], by issuer: [UInt8]) -> Bool {
        do {
            let certificate = try Certificate(der.span)
            let authority = try Certificate(issuer.span)
            guard areEqual(certificate.issuer, authority.subject) else { return false }
            try certificate.signed.verify(signedBy: authority.subjectPublicKeyInfo)
            return true
        } catch {
            return false
        }
    }
}

/// A certificate's public key as a JWK (RFC 7517; RFC 7518, section 6); nil for a kind that has none here.
func publicJWK(of der: [UInt8]) -> JSON? {
    do throws(DERError) {
        let key = try Certificate(der.span).subjectPublicKeyInfo
        switch key.kind {
        case .rsa: return ["kty": "RSA", "n": number(key.key), "e": number(key.exponent)]
        case .ellipticCurve(let curve):
            // An uncompressed point: SEC 1, section 2.3.3.
            guard key.key.count % 2 == 1, key.key[0] == 4 else { return nil }
            let middle = key.key.count / 2 + 1
            return [
                "kty": "EC", "crv": curve == .p256 ? "P-256" : "P-384", "x": number(key.key.extracting(1..<middle)),
                "y": number(key.key.extracting(middle...)),
            ]
        case .other: return nil
        }
    } catch {
        return nil
    }
}

private func number(_ bytes: Span<UInt8>) -> JSON {
    .text(Base64URL.encode(bytes.indices.map { bytes[$0] }))
}
