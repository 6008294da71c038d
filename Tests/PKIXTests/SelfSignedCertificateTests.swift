import DER
import DeviceCrypto
import PKIX
import TestKeys
import TestSupport
import Testing

/// The certificate under which a device asks for its first one.
func selfSigned<Key: PrivateKey & ~Copyable>(
    _ key: inout Key, subject: String = "CN=sensor 7,O=Example", serialNumber: [UInt8] = [1],
    digest: DigestAlgorithm = .sha256
) throws -> [UInt8] {
    var random = try seededRandom()
    var buffer = [UInt8](repeating: 0, count: 2048)
    let subject = Array(subject.utf8)
    let front: Int
    do {
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: 2048)
        let certificate = SelfSignedCertificate(subject: subject.span, serialNumber: serialNumber.span)
        try certificate.write(to: &writer, key: &key, digest: digest, random: &random)
        front = writer.front
    }
    return Array(buffer[front...])
}

@Suite struct SelfSignedCertificateTests {
    @Test(arguments: [DigestAlgorithm.sha1, .sha256, .sha384, .sha512], [[1], [0x80], [0, 0, 0xFF, 1]])
    func opensslVerifiesIt(digest: DigestAlgorithm, serialNumber: [UInt8]) throws {
        var rsa = try TestKey.rsa.rsaPrivateKey()
        var ec = try TestKey.p256.ecPrivateKey(.p256)
        for (der, isRSA) in [
            (try selfSigned(&rsa, serialNumber: serialNumber, digest: digest), true),
            (try selfSigned(&ec, serialNumber: serialNumber, digest: digest), false),
        ] {
            let pem = try OpenSSL.run(["x509", "-inform", "DER"], input: der)
            try withTemporaryDirectory { directory in
                let file = try directory.write(pem, to: "crt")
                // The security level 0 lets SHA-1 through.
                try OpenSSL.run([
                    "verify", "-check_ss_sig", "-x509_strict", "-auth_level", "0", "-partial_chain", "-CAfile", file,
                    file,
                ])
            }
            let text = String(
                decoding: try OpenSSL.run(
                    ["x509", "-noout", "-serial", "-subject", "-issuer", "-startdate", "-enddate", "-ext", "keyUsage"],
                    input: pem),
                as: UTF8.self)
            let serial = serialNumber.drop { $0 == 0 }
            #expect(text.contains("serial=\(Array(serial).hex.uppercased())\n"))
            #expect(text.contains("subject=O = Example, CN = sensor 7\nissuer=O = Example, CN = sensor 7\n"))
            #expect(text.contains("notBefore=Jan  1 00:00:00 2000 GMT\nnotAfter=Dec 31 23:59:59 2049 GMT\n"))
            // What the reply is encrypted to is the RSA key alone (RFC 8894, 2.3 and 3.1).
            let uses = isRSA ? "Digital Signature, Key Encipherment" : "Digital Signature"
            #expect(text.contains("X509v3 Key Usage: critical\n    \(uses)\n"))
        }
    }

    @Test func isReadBack() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let der = try selfSigned(&key, serialNumber: [0xC0, 1])
        let certificate = try Certificate(der.span)
        let isSelfIssued = certificate.isSelfIssued
        #expect(isSelfIssued && certificate.extensions.keyUsage?.rawValue == 0xA000)
        #expect(certificate.serialNumber.array == [0, 0xC0, 1])
        #expect(certificate.notBefore == 946_684_800 && certificate.notAfter == 2_524_607_999)
        try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        var scratch = [UInt8](repeating: 0, count: 512)
        var buffer = scratch.mutableSpan
        let matches = try certificate.subjectPublicKeyInfo.matches(&key, scratch: &buffer)
        var other = try TestKey.p256.ecPrivateKey(.p256)
        let matchesOther = try certificate.subjectPublicKeyInfo.matches(&other, scratch: &buffer)
        var random = try seededRandom()
        var same = try RSAPrivateKey.generate(bits: 2048, random: &random)
        let matchesSame = try certificate.subjectPublicKeyInfo.matches(&same, scratch: &buffer)
        #expect(matches && !matchesOther && !matchesSame)
    }
}
