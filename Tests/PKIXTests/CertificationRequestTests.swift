import DER
import DeviceCrypto
import Foundation
import PKIX
import TestSupport
import Testing

/// What a request asks for, in our words.
struct Asked: Sendable, CustomTestStringConvertible {
    var subject = "CN=sensor"
    var challengePassword = ""
    var subjectAltName = ""
    var keyUsage = ""
    var extendedKeyUsage = ""
    var certificateTemplate = ""

    var testDescription: String {
        [subject, challengePassword, subjectAltName, keyUsage, extendedKeyUsage, certificateTemplate]
            .filter { !$0.isEmpty }.joined(separator: " | ")
    }

    func request<Key: PrivateKey & ~Copyable>(
        _ key: inout Key, digest: DigestAlgorithm = .sha256, room: Int = 4096
    ) throws -> [UInt8] {
        var random = try seededRandom()
        var buffer = [UInt8](repeating: 0xA5, count: room + 4)
        let texts = [subject, challengePassword, subjectAltName, keyUsage, extendedKeyUsage, certificateTemplate]
            .map { Array($0.utf8) }
        let (subject, password, altName) = (texts[0], texts[1], texts[2])
        let (keyUsage, extendedKeyUsage, template) = (texts[3], texts[4], texts[5])
        let front: Int
        do {
            var bytes = buffer.mutableSpan
            var writer = DERWriter(&bytes, end: room)
            var request = CertificationRequest(subject: subject.span)
            request.challengePassword = password.span
            request.subjectAltName = altName.span
            request.keyUsage = keyUsage.span
            request.extendedKeyUsage = extendedKeyUsage.span
            request.certificateTemplate = template.span
            try request.write(to: &writer, key: &key, digest: digest, random: &random)
            front = writer.front
        }
        #expect(buffer.suffix(4) == [0xA5, 0xA5, 0xA5, 0xA5])
        #expect(buffer[..<front].allSatisfy { $0 == 0xA5 })
        return Array(buffer[front..<room])
    }
}

/// The request that openssl makes of the same key.
func opensslRequest(
    subject: String, extensions: String, digest: String = "sha256", key: [UInt8]
) throws -> [UInt8] {
    try withTemporaryDirectory { directory in
        let configuration = """
            [req]
            distinguished_name = dn
            string_mask = utf8only
            prompt = no
            \(extensions.isEmpty ? "" : "req_extensions = ext")
            [dn]
            [ext]
            \(extensions)
            """
        let file = try directory.write(Array(configuration.utf8), to: "cnf")
        return try OpenSSL.run(
            ["req", "-new", "-config", file, "-key", directory.write(key, to: "key"), "-outform", "DER"]
                + ["-\(digest)", "-utf8", "-subj", subject])
    }
}

@Suite struct CertificationRequestTests {
    /// The same key, subject and extensions give the same bytes with RSA.
    @Test(arguments: [
        (Asked(), "/CN=sensor", ""),
        (Asked(subject: ""), "/", ""),
        (Asked(subject: "CN=sensor 7,O=Example,C=DE"), "/C=DE/O=Example/CN=sensor 7", ""),
        (
            Asked(subject: "cn=a,SERIALNUMBER=b-7,o=c,Ou=d,C=DE,st=e,L=f,DC=g,dc=example,UID=h,emailaddress=i@j"),
            "/emailAddress=i@j/UID=h/DC=example/DC=g/L=f/ST=e/C=DE/OU=d/O=c/serialNumber=b-7/CN=a", ""
        ),
        (Asked(subject: #"CN=a\,b\\c\2C\C3\BC\"\+"#), #"/CN=a,b\\c,ü"\+"#, ""),
        (Asked(subject: "CN=Gerät Ω 😀"), "/CN=Gerät Ω 😀", ""),
        (Asked(subject: "CN=" + String(repeating: "x", count: 64)), "/CN=" + String(repeating: "x", count: 64), ""),
        (Asked(subject: "CN=" + String(repeating: "ü", count: 64)), "/CN=" + String(repeating: "ü", count: 64), ""),
        (Asked(subject: "2.5.4.12=chief,2.5.4.3=x"), "/CN=x/title=chief", ""),
        (Asked(keyUsage: "digitalSignature"), "/CN=sensor", "keyUsage=critical,digitalSignature"),
        (
            Asked(keyUsage: "nonRepudiation,DIGITALSIGNATURE,keyencipherment,dataEncipherment,keyAgreement"),
            "/CN=sensor",
            "keyUsage=critical,nonRepudiation,digitalSignature,keyEncipherment,dataEncipherment,keyAgreement"
        ),
        (Asked(keyUsage: "cRLSign,keyCertSign"), "/CN=sensor", "keyUsage=critical,cRLSign,keyCertSign"),
        (
            Asked(
                extendedKeyUsage:
                    "clientAuth,serverAuth,codeSigning,emailProtection,timeStamping,OCSPSigning,1.3.6.1.5.5.7.3.17"),
            "/CN=sensor",
            "extendedKeyUsage=clientAuth,serverAuth,codeSigning,emailProtection,timeStamping,OCSPSigning,"
                + "1.3.6.1.5.5.7.3.17"
        ),
        (
            Asked(
                subjectAltName: "DNS:a.example,IP:192.0.2.7,URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6,"
                    + "email:a@b.example,IP:2001:db8::1,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:device@example"),
            "/CN=sensor",
            "subjectAltName=DNS:a.example,IP:192.0.2.7,URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6,"
                + "email:a@b.example,IP:2001:db8::1,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:device@example"
        ),
        (
            Asked(subjectAltName: "otherName:1.2.3;UTF8:gerät"), "/CN=sensor",
            """
            subjectAltName = @names
            [names]
            otherName = 1.2.3;FORMAT:UTF8,UTF8:gerät
            """
        ),
        (Asked(subject: "", subjectAltName: "DNS:a"), "/", "subjectAltName=critical,DNS:a"),
        (Asked(subjectAltName: "IP:::"), "/CN=sensor", "subjectAltName=IP:::"),
        (Asked(subjectAltName: "IP:1::"), "/CN=sensor", "subjectAltName=IP:1::"),
        (Asked(subjectAltName: "IP:::1"), "/CN=sensor", "subjectAltName=IP:::1"),
        (Asked(subjectAltName: "IP:1:2:3:4:5:6:7:8"), "/CN=sensor", "subjectAltName=IP:1:2:3:4:5:6:7:8"),
        (Asked(subjectAltName: "IP:ABcd:0012::fF"), "/CN=sensor", "subjectAltName=IP:ABcd:0012::fF"),
        (Asked(subjectAltName: "IP:::ffff:192.0.2.1"), "/CN=sensor", "subjectAltName=IP:::ffff:192.0.2.1"),
        (
            Asked(subjectAltName: "IP:1:2:3:4:5:6:192.0.2.255"), "/CN=sensor",
            "subjectAltName=IP:1:2:3:4:5:6:192.0.2.255"
        ),
        (Asked(certificateTemplate: "Sensor"), "/CN=sensor", "1.3.6.1.4.1.311.20.2=ASN1:BMPSTRING:Sensor"),
        (
            Asked(certificateTemplate: "1.3.6.1.4.1.311.21.8.16777215.13898300.1985460.3383425.7519116.119.16408497.1"),
            "/CN=sensor",
            """
            1.3.6.1.4.1.311.21.7=ASN1:SEQUENCE:template
            [template]
            id = OID:1.3.6.1.4.1.311.21.8.16777215.13898300.1985460.3383425.7519116.119.16408497.1
            """
        ),
        (
            Asked(
                subjectAltName: "DNS:a", keyUsage: "digitalSignature", extendedKeyUsage: "clientAuth",
                certificateTemplate: "Sensor"),
            "/CN=sensor",
            """
            keyUsage = critical,digitalSignature
            extendedKeyUsage = clientAuth
            subjectAltName = DNS:a
            1.3.6.1.4.1.311.20.2 = ASN1:BMPSTRING:Sensor
            """
        ),
    ])
    func isTheOneThatOpenSSLMakes(asked: Asked, subject: String, extensions: String) throws {
        let testKey = try TestKey.rsa
        var key = try testKey.rsaPrivateKey()
        let request = try asked.request(&key)
        let expected = try opensslRequest(subject: subject, extensions: extensions, key: testKey.pem)
        #expect(request.hex == expected.hex)
    }

    @Test(
        arguments: [
            (.sha1, "sha1"), (.sha256, "sha256"), (.sha384, "sha384"), (.sha512, "sha512"),
        ] as [(DigestAlgorithm, String)])
    func everyDigestIsVerified(digest: DigestAlgorithm, name: String) throws {
        let testKey = try TestKey.rsa
        var rsa = try testKey.rsaPrivateKey()
        let expected = try opensslRequest(subject: "/CN=sensor", extensions: "", digest: name, key: testKey.pem)
        #expect(try Asked().request(&rsa, digest: digest) == expected)

        var random = try seededRandom()
        for curve in [Curve.p256, .p384] {
            var key = try ECPrivateKey.generate(curve: curve, random: &random)
            let request = try Asked().request(&key, digest: digest)
            let text = try OpenSSL.run(["req", "-inform", "DER", "-verify", "-noout", "-text"], input: request)
            #expect(String(decoding: text, as: UTF8.self).contains("ecdsa-with-\(name.uppercased())"))
        }
    }

    @Test(arguments: [3072, 4096])
    func everySizeIsVerified(bits: Int) throws {
        var key = try TestKey(pem: OpenSSL.run(["genrsa", "\(bits)"])).rsaPrivateKey()
        try OpenSSL.run(["req", "-inform", "DER", "-verify", "-noout"], input: Asked().request(&key))
    }

    @Test(arguments: [
        ("secret-42", "PRINTABLESTRING"), ("s*cret", "UTF8STRING"), ("geheimnüß", "UTF8STRING"),
        (String(repeating: "x", count: 255), "PRINTABLESTRING"),
    ])
    func challengePasswordIsThere(password: String, type: String) throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let asked = Asked(challengePassword: password, keyUsage: "digitalSignature")
        let request = try asked.request(&key)
        let text = String(
            decoding: try OpenSSL.run(
                ["req", "-inform", "DER", "-verify", "-noout", "-text", "-nameopt", "utf8"], input: request),
            as: UTF8.self)
        #expect(text.contains("challengePassword") && text.contains("Requested Extensions"))
        if password.utf8.count == password.count { #expect(text.contains(":\(password)\n")) }
        // In DER the attributes come sorted: openssl writes what it reads as it ought to be.
        #expect(try OpenSSL.run(["req", "-inform", "DER", "-outform", "DER"], input: request) == request)
        let dump = String(
            decoding: try OpenSSL.run(["asn1parse", "-inform", "DER"], input: request), as: UTF8.self)
        let lines = dump.split(separator: "\n").map { $0.filter { $0 != " " } }
        let attribute = try #require(lines.firstIndex { $0.hasSuffix("OBJECT:challengePassword") })
        #expect(lines[attribute + 2].contains("prim:\(type):"))
    }

    @Test(
        arguments: [
            // Names.
            (Asked(subject: "sensor"), .invalidName, 0),
            (Asked(subject: "CN"), .invalidName, 0),
            (Asked(subject: "CN="), .invalidName, 3),
            (Asked(subject: "=x"), .invalidName, 0),
            (Asked(subject: ","), .invalidName, 0),
            (Asked(subject: "CN=a,"), .invalidName, 5),
            (Asked(subject: "CN=a,,O=b"), .invalidName, 5),
            (Asked(subject: "CN=a,X=b"), .invalidName, 5),
            (Asked(subject: "CN=a,O=b+OU=c"), .invalidName, 8),
            (Asked(subject: #"CN=a\"#), .invalidName, 4),
            (Asked(subject: #"CN=a\2"#), .invalidName, 4),
            (Asked(subject: "1.2.3=#0C0141"), .invalidName, 6),
            (Asked(subject: "O=Example,CN=#0C0141"), .invalidName, 13),
            (Asked(subject: #"CN=a\2x"#), .invalidName, 4),
            (Asked(subject: "CN=a\0b"), .invalidName, 4),
            (Asked(subject: #"CN=a\00b"#), .invalidName, 4),
            (Asked(subject: #"CN=a\FFb"#), .invalidName, 3),
            (Asked(subject: #"CN=\C3"#), .invalidName, 3),
            (Asked(subject: "C=DEU"), .invalidName, 2),
            (Asked(subject: "C=D*"), .invalidName, 2),
            (Asked(subject: "serialNumber=a_b"), .invalidName, 13),
            (Asked(subject: "DC=ü"), .invalidName, 3),
            (Asked(subject: "emailAddress=ü@b"), .invalidName, 13),
            (Asked(subject: "CN=" + String(repeating: "x", count: 65)), .invalidName, 3),
            (Asked(subject: "CN=" + String(repeating: "ü", count: 65)), .invalidName, 3),
            (Asked(subject: "O=a,L=" + String(repeating: "x", count: 129)), .invalidName, 6),
            (Asked(subject: "1=a"), .invalidName, 0),
            (Asked(subject: "O=b,3.1=a"), .invalidName, 4),
            // Alternative names.
            (Asked(subjectAltName: "a.example"), .invalidAltName, 0),
            (Asked(subjectAltName: "DNS:"), .invalidAltName, 0),
            (Asked(subjectAltName: "DNS:a,"), .invalidAltName, 6),
            (Asked(subjectAltName: ",DNS:a"), .invalidAltName, 0),
            (Asked(subjectAltName: "DNS:a,dirName:b"), .invalidAltName, 6),
            (Asked(subjectAltName: "DNS:ü"), .invalidAltName, 4),
            (Asked(subjectAltName: "DNS:a,IP:1.2.3"), .invalidAltName, 9),
            (Asked(subjectAltName: "IP:1.2.3.4.5"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1.2.3.256"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1.2.3.04"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1.2..4"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1.2.3."), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1.2.3.4444444444444444444"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP::"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP::::"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1:2:3"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1::2::3"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1:::2"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1:2:3:4:5:6:7:8:9"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:::1:2:3:4:5:6:7:8"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1:2:3:4:5:6:7:"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP::1:2:3:4:5:6:7:8"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:12345::"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:g::"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:fe80::1%eth0"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1:2:3:4:5:6:7:1.2.3.4"), .invalidAltName, 3),
            (Asked(subjectAltName: "IP:1.2.3.4::"), .invalidAltName, 3),
            (Asked(subjectAltName: "otherName:1.2.3"), .invalidAltName, 15),
            (Asked(subjectAltName: "otherName:1.2.3;UTF8:"), .invalidAltName, 15),
            (Asked(subjectAltName: "otherName:1.2.3;IA5:a"), .invalidAltName, 15),
            (Asked(subjectAltName: "otherName:1.x;UTF8:a"), .invalidAltName, 10),
            (Asked(subjectAltName: "otherName:;UTF8:a"), .invalidAltName, 10),
            // Words.
            (Asked(keyUsage: "digitalSignature,sign"), .unknownWord, 17),
            (Asked(keyUsage: ","), .unknownWord, 1),
            (Asked(extendedKeyUsage: "clientAuth,"), .unknownWord, 11),
            (Asked(extendedKeyUsage: "clientAuth,any"), .unknownWord, 11),
            (Asked(extendedKeyUsage: "1.2.x"), .unknownWord, 0),
            (Asked(certificateTemplate: "Gerät"), .unknownWord, 0),
            (Asked(certificateTemplate: "1.2.x"), .invalidObjectIdentifier, 4),
            (Asked(challengePassword: String(repeating: "x", count: 256)), .invalidChallengePassword, 255),
        ] as [(Asked, DERError.Kind, Int)])
    func isRefused(asked: Asked, kind: DERError.Kind, offset: Int) throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect(throws: DERError(kind, at: offset)) { try asked.request(&key) }
    }

    /// Texts that a Swift string cannot hold.
    @Test(arguments: [
        "80", "C0AF", "C1BF", "C3", "C328", "E08080", "E09FBF", "E2 82", "EDA080", "F0808080", "F08FBFBF", "F0 9F 98",
        "F4908080", "F5808080", "FF", "41 E2 28 A1",
    ])
    func whatIsNotUTF8IsRefused(hex: String) throws {
        let text = [UInt8](hex: hex)
        var random = try seededRandom()
        var key = try TestKey.p256.ecPrivateKey(.p256)
        var buffer = [UInt8](repeating: 0, count: 2048)
        var bytes = buffer.mutableSpan
        var writer = DERWriter(&bytes, end: 2048)
        let name = Array("CN=".utf8) + text
        #expect(throws: DERError(.invalidName, at: 3)) {
            try CertificationRequest(subject: name.span)
                .write(to: &writer, key: &key, digest: .sha256, random: &random)
        }
        var request = CertificationRequest(subject: Span())
        request.challengePassword = text.span
        #expect(throws: DERError(.invalidChallengePassword, at: 0)) {
            try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
        }
        request = CertificationRequest(subject: Span())
        let altName = Array("otherName:1.2.3;UTF8:".utf8) + text
        request.subjectAltName = altName.span
        #expect(throws: DERError(.invalidAltName, at: 10)) {
            try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
        }
    }

    /// However small the room, what does not fit is refused, and nothing outside is written.
    @Test func smallBuffersAreRefused() throws {
        let asked = Asked(
            subject: "CN=a,O=b", challengePassword: "c", subjectAltName: "DNS:d,IP:::1,otherName:1.2;UTF8:e",
            keyUsage: "digitalSignature", extendedKeyUsage: "clientAuth,1.2.3", certificateTemplate: "f")
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let whole = try asked.request(&key).count
        for room in stride(from: 0, to: whole, by: 3) {
            #expect {
                try asked.request(&key, room: room)
            } throws: {
                ($0 as? DERError)?.kind == .bufferFull
            }
        }
    }

    /// What the key or the random generator refuses comes through.
    @Test func cryptoErrorsComeThrough() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        key.wipe()
        #expect {
            try Asked().request(&key)
        } throws: {
            ($0 as? DERError)?.kind.cryptoError == .invalidKey
        }
    }
}
