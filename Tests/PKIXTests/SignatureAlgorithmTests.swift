import DER
import DeviceCrypto
import Foundation
import PKIX
import TestSupport
import Testing

/// RSASSA-PSS (RFC 4055), as openssl signs with it.
@Suite struct SignatureAlgorithmTests {
    private static let pss = ["-sigopt", "rsa_padding_mode:pss"]

    private static func certificate(_ options: [String]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let key = try directory.write(TestKey.rsa.pem, to: "key")
            return try OpenSSL.run(["req", "-x509", "-subj", "/CN=x", "-outform", "DER", "-key", key] + options)
        }
    }

    @Test(
        arguments: [
            ("sha256", DigestAlgorithm.sha256, "32"), ("sha384", .sha384, "48"), ("sha512", .sha512, "64"),
            ("sha256", .sha256, "0"), ("sha256", .sha256, "20"), ("sha512", .sha512, "max"), ("sha1", .sha1, "20"),
        ])
    func isVerified(name: String, digest: DigestAlgorithm, salt: String) throws {
        let der = try Self.certificate(["-\(name)"] + Self.pss + ["-sigopt", "rsa_pss_saltlen:\(salt)"])
        let certificate = try Certificate(der.span)
        // A modulus of 256 bytes leaves two bytes less than the digest.
        let size = Int(salt) ?? 256 - 2 - digest.size
        #expect(
            certificate.signed.algorithm == SignatureAlgorithm(scheme: .rsaPSS(saltSize: size), digest: digest))
        try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        for position in [der.count - 1, der.count - 200] {
            var corrupted = der
            corrupted[position] ^= 1
            #expect(throws: CryptoError.invalidSignature) {
                let certificate = try Certificate(corrupted.span)
                try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
            }
        }
    }

    /// A salt of another size than the parameters say is another signature.
    @Test func theSaltHasTheSizeThatIsSaid() throws {
        var der = try Self.certificate(["-sha256"] + Self.pss + ["-sigopt", "rsa_pss_saltlen:32"])
        let parameter = [UInt8](hex: "A203 020120")
        while let place = der.firstRange(of: parameter) { der[place.upperBound - 1] = 0x1F }
        let certificate = try Certificate(der.span)
        #expect(certificate.signed.algorithm?.scheme == .rsaPSS(saltSize: 31))
        #expect(throws: CryptoError.invalidSignature) {
            try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        }
    }

    /// A mask with another digest than the signature's is not verified here.
    @Test func aMaskOfAnotherDigestIsUnknown() throws {
        let der = try Self.certificate(["-sha256"] + Self.pss + ["-sigopt", "rsa_mgf1_md:sha512"])
        #expect(try Certificate(der.span).signed.algorithm == nil)
    }

    /// A signature is not taken for one of the other scheme.
    @Test func schemesAreToldApart() throws {
        let der = try Self.certificate(["-sha256"] + Self.pss)
        let certificate = try Certificate(der.span)
        let digest = Hash.digest(.sha256, of: [1, 2, 3].span)
        let signature = [UInt8](der.suffix(256))
        for scheme in [SignatureAlgorithm.Scheme.rsa, .ecdsa, .rsaPSS(saltSize: 32)] {
            #expect(throws: CryptoError.invalidSignature) {
                try certificate.subjectPublicKeyInfo.verify(signature.span, scheme: scheme, digest: digest)
            }
        }
    }

    @Test func revocationListsAreVerified() throws {
        try withTemporaryDirectory { directory in
            let key = try directory.write(TestKey.rsa.pem, to: "key")
            let pem = try OpenSSL.run(["req", "-x509", "-subj", "/CN=x", "-key", key])
            let index = try directory.write([], to: "index")
            let configuration = try directory.write(
                Array("[ca]\ndefault_ca=x\n[x]\ndatabase=\(index)\ndefault_md=sha256\ndefault_crl_days=1\n".utf8),
                to: "conf")
            let list = try OpenSSL.run(
                [
                    "ca", "-gencrl", "-config", configuration, "-keyfile", key, "-cert",
                    directory.write(pem, to: "crt"),
                ] + Self.pss)
            let der = try OpenSSL.run(["crl", "-outform", "DER"], input: list)
            let issuer = try OpenSSL.run(["x509", "-outform", "DER"], input: pem)
            var reader = DERReader(der.span)
            let parsed = try CertificateRevocationList(&reader)
            #expect(parsed.signed.algorithm?.scheme != .rsa)
            try parsed.signed.verify(signedBy: try Certificate(issuer.span).subjectPublicKeyInfo)
        }
    }
}
