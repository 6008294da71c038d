import DER
import DeviceCrypto
import Foundation
import PKIX
import TestKeys
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
        _ key: inout Key, digest: DigestAlgorithm = .sha256, capacity: Int = 4096
    ) throws -> [UInt8] {
        var random = try seededRandom()
        var buffer = [UInt8](repeating: 0xA5, count: capacity + 4)
        let texts = [subject, challengePassword, subjectAltName, keyUsage, extendedKeyUsage, certificateTemplate]
            .map { Array($0.utf8) }
        let (subject, password, altName) = (texts[0], texts[1], texts[2])
        let (keyUsage, extendedKeyUsage, template) = (texts[3], texts[4], texts[5])
        let front: Int
        do {
            var bytes = buffer.mutableSpan
            var writer = DERWriter(&bytes, end: capacity)
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
        return Array(buffer[front..<capacity])
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
        // The first and the last of each length, and beside the surrogates (RFC 3629, 4).
        (
            Asked(subject: "CN=\u{80}\u{7FF}\u{800}\u{FFF}\u{1000}\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}"),
            "/CN=\u{80}\u{7FF}\u{800}\u{FFF}\u{1000}\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}", ""
        ),
        (Asked(subject: "CN=" + String(repeating: "x", count: 64)), "/CN=" + String(repeating: "x", count: 64), ""),
        (Asked(subject: "CN=" + String(repeating: "ü", count: 64)), "/CN=" + String(repeating: "ü", count: 64), ""),
        (Asked(subject: "2.5.4.12=chief,2.5.4.3=x"), "/CN=x/title=chief", ""),
        // RFC 4514, section 3's types, what others write, and what that is to OpenSSL.
        (
            Asked(subject: "STREET=a 1,E=b@c.example,S=d,SN=e,GN=f,T=g,postalCode=01067,unstructuredName=h.example"),
            "/unstructuredName=h.example/postalCode=01067/title=g/GN=f/SN=e/ST=d/emailAddress=b@c.example/street=a 1",
            ""
        ),
        (
            Asked(subject: "surname=a,givenName=b,initials=c,generationQualifier=d,pseudonym=e,dnQualifier=f"),
            "/dnQualifier=f/pseudonym=e/generationQualifier=d/initials=c/GN=b/SN=a", ""
        ),
        (Asked(subject: "OID.2.5.4.3=x,oid.2.5.4.6=DE,1.2.840.113549.1.9.1=a@b"), "/emailAddress=a@b/C=DE/CN=x", ""),
        (Asked(subject: " CN = sensor 7 , O=Example ,  C=DE "), "/C=DE/O=Example/CN=sensor 7", ""),
        (Asked(subject: "  "), "/", ""),
        (Asked(subject: ##"CN=\ a\ ,O=\#b#c,OU=a=b"##), "/OU=a=b/O=#b#c/CN= a ", ""),
        (Asked(subject: #"CN="a, b; <c>+#d" , O="x\"y\\\2C"+L="  z ""#), #"/O=x"y\\,+L=  z /CN=a, b; <c>\+#d"#, ""),
        // In DER, the values of one part come sorted.
        (Asked(subject: "UID=u7+CN=sensor+serialNumber=7,O=Example"), "/O=Example/CN=sensor+serialNumber=7+UID=u7", ""),
        (Asked(subject: "serialNumber=7 + CN=sensor"), "/serialNumber=7+CN=sensor", ""),
        (Asked(subject: "CN=#0c0673656e736f72 , O=#0C03C3BC61+OU=x"), "/O=üa+OU=x/CN=sensor", ""),
        (Asked(keyUsage: "digitalSignature"), "/CN=sensor", "keyUsage=critical,digitalSignature"),
        (
            Asked(keyUsage: " keyAgreement , decipherOnly,encipherOnly"), "/CN=sensor",
            "keyUsage=critical,keyAgreement,encipherOnly,decipherOnly"
        ),
        (Asked(extendedKeyUsage: "clientAuth, serverAuth"), "/CN=sensor", "extendedKeyUsage=clientAuth,serverAuth"),
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
        // The SID of a Windows domain's account (KB5014754), and the same otherwise escaped.
        (
            Asked(subjectAltName: #"URI:tag:microsoft.com\,2022-09-14:sid:S-1-5-21-1-2-3-1104,DNS:a.example"#),
            "/CN=sensor",
            """
            subjectAltName = @names
            [names]
            URI = "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104"
            DNS = a.example
            """
        ),
        (
            Asked(subjectAltName: #"URI:urn:a\2Cb , email:"a\,b"@c.example, otherName:1.2.3;UTF8:D\\u\, v;w"#),
            "/CN=sensor",
            #"""
            subjectAltName = @names
            [names]
            URI = "urn:a,b"
            email = '"a,b"@c.example'
            otherName = "1.2.3;UTF8:D\\u, v;w"
            """#
        ),
        (
            Asked(subjectAltName: "otherName:1.3.6.1.5.5.7.8.3;#300D0C013706082B06010505070803,RID:1.2.3"),
            "/CN=sensor",
            """
            subjectAltName = @names
            [names]
            otherName = 1.3.6.1.5.5.7.8.3;SEQUENCE:permanent
            RID = 1.2.3
            [permanent]
            value = UTF8:7
            assigner = OID:1.3.6.1.5.5.7.8.3
            """
        ),
        (
            Asked(subjectAltName: "DNS:a.b,DNS:" + String(repeating: "a", count: 63) + ".c"), "/CN=sensor",
            "subjectAltName=DNS:a.b,DNS:" + String(repeating: "a", count: 63) + ".c"
        ),
        (Asked(subjectAltName: "DNS:*.a_b.example"), "/CN=sensor", "subjectAltName=DNS:*.a_b.example"),
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

    /// OpenSSL 3.0 says so and ends with exit code 0, on which all tests rely that have it verify a request.
    @Test func openSSLsRefusalIsNoticed() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        var request = try Asked().request(&key)
        request[request.count - 1] ^= 1
        #expect(throws: OpenSSL.Failure.self) {
            try OpenSSL.run(["req", "-inform", "DER", "-verify", "-noout"], input: request)
        }
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

    /// One defect a row: what is wrong, and at which byte of the text.
    @Test(
        arguments: [
            // Names.
            (Asked(subject: "sensor"), .equalsMissing, 0),
            (Asked(subject: "CN"), .equalsMissing, 0),
            (Asked(subject: "CN=a, Söhne,C=DE"), .equalsMissing, 6),
            (Asked(subject: "CN="), .empty, 3),
            (Asked(subject: "CN=  "), .empty, 5),
            (Asked(subject: #"CN="""#), .empty, 3),
            (Asked(subject: "=x"), .empty, 0),
            (Asked(subject: ","), .empty, 0),
            (Asked(subject: "CN=a,"), .empty, 5),
            (Asked(subject: "CN=a,,O=b"), .empty, 5),
            (Asked(subject: "CN=C++"), .empty, 5),
            (Asked(subject: "CN=a+ ,O=b"), .empty, 6),
            (Asked(subject: "CN=a,X=b"), .unknownType, 5),
            (Asked(subject: "CN=a, STREETX=b"), .unknownType, 6),
            (Asked(subject: "/CN=a/O=b"), .unknownType, 0),
            (Asked(subject: "CN=a+X=b"), .unknownType, 5),
            (Asked(subject: "oid.CN2=b"), .unknownType, 0),
            // The characters beside the digits.
            (Asked(subject: ":.5.4.6=b"), .unknownType, 0),
            (Asked(subject: "/.5.4.6=b"), .unknownType, 0),
            (Asked(subject: "1=a"), .badIdentifier, 0),
            (Asked(subject: "O=b,3.1=a"), .badIdentifier, 4),
            (Asked(subject: "O=b,OID.2.5.=a"), .badIdentifier, 4),
            (Asked(subject: "2.5.04.6=DE"), .badIdentifier, 0),
            (Asked(subject: #"CN=a\"#), .badEscape, 4),
            (Asked(subject: #"CN=a\2"#), .badEscape, 4),
            (Asked(subject: #"CN=a\2x"#), .badEscape, 4),
            (Asked(subject: #"CN=a\/b"#), .badEscape, 4),
            (Asked(subject: #"CN="a\z""#), .badEscape, 5),
            (Asked(subject: "CN=a;O=b"), .unescaped, 4),
            (Asked(subject: "CN=a<b"), .unescaped, 4),
            (Asked(subject: "CN=a>b"), .unescaped, 4),
            (Asked(subject: #"CN=a"b""#), .unescaped, 4),
            (Asked(subject: #"O=x,CN="a"#), .badQuotes, 7),
            (Asked(subject: #"CN="a"b"#), .badQuotes, 6),
            (Asked(subject: #"CN="a" b,O=c"#), .badQuotes, 7),
            (Asked(subject: "CN=#"), .badHexadecimal, 4),
            (Asked(subject: "CN=#0C014"), .badHexadecimal, 8),
            (Asked(subject: "CN=#0C01xx"), .badHexadecimal, 8),
            (Asked(subject: "CN=#0C01 41"), .badHexadecimal, 8),
            (Asked(subject: "O=Example,CN=#0C0241"), .badHexadecimal, 14),
            (Asked(subject: "CN=#0C014141"), .badHexadecimal, 4),
            (Asked(subject: "CN=#0C8101 41"), .badHexadecimal, 10),
            (Asked(subject: "CN=#0C810141"), .badHexadecimal, 4),
            (Asked(subject: "CN=#0000"), .badHexadecimal, 4),
            // What OpenSSL does not read in a Name.
            (Asked(subject: "CN=#0C01FF"), .badHexadecimal, 4),
            (Asked(subject: "CN=#0C0100"), .badHexadecimal, 4),
            (Asked(subject: "CN=#1E0141"), .badHexadecimal, 4),
            (Asked(subject: "CN=a\0b"), .badCharacter, 3),
            (Asked(subject: #"CN=a\00b"#), .badCharacter, 3),
            (Asked(subject: #"CN=a\FFb"#), .badCharacter, 3),
            (Asked(subject: #"CN=\C3"#), .badCharacter, 3),
            (Asked(subject: "C=D*"), .badCharacter, 2),
            (Asked(subject: "serialNumber=a_b"), .badCharacter, 13),
            (Asked(subject: "DC=ü"), .badCharacter, 3),
            (Asked(subject: "emailAddress=ü@b"), .badCharacter, 13),
            (Asked(subject: "C=DEU"), .notTwoLetters, 2),
            (Asked(subject: "O=a,C=D"), .notTwoLetters, 6),
            (Asked(subject: "C=D1"), .notTwoLetters, 2),
            (Asked(subject: "2.5.4.6=Germany"), .notTwoLetters, 8),
            (Asked(subject: "CN=" + String(repeating: "x", count: 65)), .tooLong, 3),
            (Asked(subject: "CN=" + String(repeating: "ü", count: 65)), .tooLong, 3),
            (Asked(subject: "2.5.4.3=" + String(repeating: "x", count: 65)), .tooLong, 8),
            (Asked(subject: "O=a,L=" + String(repeating: "x", count: 129)), .tooLong, 6),
            (Asked(subject: "STREET=" + String(repeating: "x", count: 129)), .tooLong, 7),
            (Asked(subject: "E=" + String(repeating: "x", count: 256)), .tooLong, 2),
            // Alternative names.
            (Asked(subjectAltName: "a.example"), .unknownWord, 0),
            (Asked(subjectAltName: "DNS:"), .empty, 4),
            (Asked(subjectAltName: "DNS:a,"), .empty, 6),
            (Asked(subjectAltName: ",DNS:a"), .empty, 0),
            (Asked(subjectAltName: "DNS:a, ,DNS:b"), .empty, 7),
            (Asked(subjectAltName: "DNS:a,dirName:b"), .unknownWord, 6),
            (Asked(subjectAltName: "DNS:ü"), .badCharacter, 4),
            (Asked(subjectAltName: "DNS:a b"), .badCharacter, 5),
            (Asked(subjectAltName: "DNS:a.b;DNS:c.d"), .badCharacter, 7),
            (Asked(subjectAltName: #"DNS:a\,b"#), .badCharacter, 5),
            (Asked(subjectAltName: "DNS:.a"), .badCharacter, 4),
            (Asked(subjectAltName: "DNS:a..b"), .badCharacter, 6),
            (Asked(subjectAltName: "DNS:a."), .badCharacter, 5),
            (Asked(subjectAltName: "DNS:x." + String(repeating: "a", count: 64)), .tooLong, 6),
            (Asked(subjectAltName: "URI:urn:a b"), .badCharacter, 4),
            (Asked(subjectAltName: "email:ü@b"), .badCharacter, 6),
            (Asked(subjectAltName: #"URI:urn:a\0A"#), .badCharacter, 4),
            (Asked(subjectAltName: #"URI:urn:a\b"#), .badEscape, 9),
            // The blank is part of it.
            (Asked(subjectAltName: #"URI:urn:a\ "#), .badCharacter, 4),
            (Asked(subjectAltName: #"URI:urn:a\"#), .badEscape, 9),
            (Asked(subjectAltName: "DNS:a,IP:1.2.3"), .badAddress, 9),
            (Asked(subjectAltName: "IP:192.0.2.0/24"), .badAddress, 3),
            (Asked(subjectAltName: "IP:2001:db8::/32"), .badAddress, 3),
            (Asked(subjectAltName: "IP:[2001:db8::1]"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1.2.3.4.5"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1.2.3.256"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1.2.3.04"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1.2..4"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1.2.3."), .badAddress, 3),
            (Asked(subjectAltName: "IP:1.2.3.4444444444444444444"), .badAddress, 3),
            (Asked(subjectAltName: "IP::"), .badAddress, 3),
            (Asked(subjectAltName: "IP::::"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1:2:3"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1::2::3"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1:::2"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1:2:3:4:5:6:7:8:9"), .badAddress, 3),
            (Asked(subjectAltName: "IP:::1:2:3:4:5:6:7:8"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1:2:3:4:5:6:7:"), .badAddress, 3),
            (Asked(subjectAltName: "IP::1:2:3:4:5:6:7:8"), .badAddress, 3),
            (Asked(subjectAltName: "IP:12345::"), .badAddress, 3),
            (Asked(subjectAltName: "IP:g::"), .badAddress, 3),
            (Asked(subjectAltName: "IP:fe80::1%eth0"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1:2:3:4:5:6:7:1.2.3.4"), .badAddress, 3),
            (Asked(subjectAltName: "IP:1.2.3.4::"), .badAddress, 3),
            (Asked(subjectAltName: "IP:::1.2.3.:"), .badAddress, 3),
            (Asked(subjectAltName: "RID:1.x"), .badIdentifier, 4),
            (Asked(subjectAltName: "otherName:1.2.3;#"), .badOtherName, 15),
            (Asked(subjectAltName: "otherName:1.2.3;#0"), .badHexadecimal, 17),
            (Asked(subjectAltName: "otherName:1.2.3"), .badOtherName, 15),
            (Asked(subjectAltName: "otherName:1.2.3;UTF8:"), .badOtherName, 15),
            (Asked(subjectAltName: "otherName:1.2.3;IA5:a"), .badOtherName, 15),
            (Asked(subjectAltName: "otherName:1.2.3;#0C01"), .badHexadecimal, 17),
            (Asked(subjectAltName: #"otherName:1.2.3;UTF8:\FF"#), .badCharacter, 21),
            (Asked(subjectAltName: "otherName:1.x;UTF8:a"), .badIdentifier, 10),
            (Asked(subjectAltName: "otherName:;UTF8:a"), .badIdentifier, 10),
            // Words.
            (Asked(keyUsage: "digitalSignature,sign"), .unknownWord, 17),
            (Asked(keyUsage: ","), .empty, 1),
            (Asked(extendedKeyUsage: "clientAuth,"), .empty, 11),
            (Asked(extendedKeyUsage: "clientAuth,any"), .unknownWord, 11),
            (Asked(extendedKeyUsage: "1.2.x"), .badIdentifier, 0),
            (Asked(extendedKeyUsage: "1"), .badIdentifier, 0),
            (Asked(extendedKeyUsage: "clientAuth, 7"), .badIdentifier, 12),
            (Asked(certificateTemplate: "Gerät"), .badCharacter, 0),
            (Asked(certificateTemplate: "1.2.x"), .badIdentifier, 0),
        ] as [(Asked, TextFault, Int)])
    func isRefused(asked: Asked, fault: TextFault, offset: Int) throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        #expect(throws: DERError(.text(fault), at: offset)) { try asked.request(&key) }
    }

    /// Each type's upper bound (RFC 5280, appendix A.1; X.520, annex C; RFC 2985, 5.4.4), in characters.
    @Test(
        arguments: [
            ("CN", 64), ("O", 64), ("OU", 64), ("title", 64), ("T", 64), ("serialNumber", 64), ("dnQualifier", 64),
            ("L", 128), ("ST", 128), ("S", 128), ("STREET", 128), ("pseudonym", 128), ("postalCode", 40),
            ("emailAddress", 255), ("E", 255), ("unstructuredName", 255), ("UID", 32_768), ("SN", 32_768),
            ("DC", 32_768), ("initials", 32_768),
        ])
    func asManyCharactersAsATypeHas(type: String, count: Int) throws {
        func request(_ size: Int) throws -> Int {
            var key = try TestKey.p256.ecPrivateKey(.p256)
            return try Asked(subject: "\(type)=" + String(repeating: "x", count: size)).request(&key, capacity: 40_000)
                .count
        }
        #expect(try request(count) > count)
        #expect(throws: DERError(.text(.tooLong), at: type.utf8.count + 1)) { try request(count + 1) }
    }

    /// What is asked for can be checked before there is a key, and is what stands in the request.
    @Test func whatIsAskedForIsCheckedWithoutAKey() throws {
        func outcome(_ asked: Asked, capacity: Int = 1024) throws -> (content: [UInt8]?, error: DERError?) {
            let (subject, usage) = (Array(asked.subject.utf8), Array(asked.keyUsage.utf8))
            var request = CertificationRequest(subject: subject.span)
            request.keyUsage = usage.span
            var buffer = [UInt8](repeating: 0, count: capacity)
            do throws(DERError) {
                var bytes = buffer.mutableSpan
                try request.check(in: &bytes)
                var writer = DERWriter(&bytes, end: capacity)
                try request.writeContent(to: &writer)
                return (writer.written.array, nil)
            } catch {
                return (nil, error)
            }
        }
        let good = Asked(subject: "CN=sensor,O=Example", keyUsage: "digitalSignature")
        var key = try TestKey.rsa.rsaPrivateKey()
        let content = try #require(try outcome(good).content)
        let request = try good.request(&key)
        let publicKey = try OpenSSL.run(["pkey", "-pubout", "-outform", "DER"], input: TestKey.rsa.pem)
        let place = try #require(request.firstRange(of: publicKey))
        // Subject, key, attributes.
        let subjectSize = 2 + Int(content[1])
        #expect(Array(request[..<place.lowerBound].suffix(subjectSize)) == Array(content.prefix(subjectSize)))
        #expect(request[place.upperBound...].starts(with: content.dropFirst(subjectSize)))
        for (asked, error) in [
            (Asked(subject: "CN=a,X=b"), DERError(.text(.unknownType), at: 5)),
            (Asked(keyUsage: "sign"), DERError(.text(.unknownWord), at: 0)),
        ] {
            #expect(try outcome(asked).error == error)
        }
        #expect(try outcome(good, capacity: content.count).error == nil)
        #expect(try outcome(good, capacity: content.count - 1).error?.kind == .bufferFull)
    }

    /// A subject that is there in DER is copied as it is; the alternative name is critical only beside none.
    @Test func aSubjectMayBeCopied() throws {
        let subject = [UInt8](hex: "300C 310A 3008 0603550403 130141")
        let altName = Array("DNS:a".utf8)
        for range in [0..<subject.count, 0..<0] {
            var random = try seededRandom()
            var key = try TestKey.p256.ecPrivateKey(.p256)
            var buffer = subject + [UInt8](repeating: 0, count: 1024)
            let front: Int
            do {
                var bytes = buffer.mutableSpan
                var writer = DERWriter(&bytes, end: bytes.count)
                var request = CertificationRequest(subject: Span())
                request.subjectRange = range
                request.subjectAltName = altName.span
                try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
                front = writer.front
            }
            let der = Array(buffer[front...])
            let text = String(
                decoding: try OpenSSL.run(["req", "-inform", "DER", "-verify", "-noout", "-text"], input: der),
                as: UTF8.self)
            #expect(text.contains("Alternative Name: critical") == range.isEmpty)
            #expect((der.firstRange(of: subject) != nil) == !range.isEmpty)
        }
    }

    @Test func longPasswordIsRefused() throws {
        var key = try TestKey.rsa.rsaPrivateKey()
        let asked = Asked(challengePassword: String(repeating: "x", count: 256))
        #expect(throws: DERError(.invalidChallengePassword, at: 255)) { try asked.request(&key) }
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
        #expect(throws: DERError(.text(.badCharacter), at: 3)) {
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
        #expect(throws: DERError(.text(.badCharacter), at: 21)) {
            try request.write(to: &writer, key: &key, digest: .sha256, random: &random)
        }
    }

    /// However small the space, what does not fit is refused, and nothing outside is written.
    @Test func smallBuffersAreRefused() throws {
        let asked = Asked(
            subject: "CN=a,O=b", challengePassword: "c", subjectAltName: "DNS:d,IP:::1,otherName:1.2;UTF8:e",
            keyUsage: "digitalSignature", extendedKeyUsage: "clientAuth,1.2.3", certificateTemplate: "f")
        var key = try TestKey.p256.ecPrivateKey(.p256)
        let whole = try asked.request(&key).count
        for capacity in stride(from: 0, to: whole, by: 3) {
            #expect {
                try asked.request(&key, capacity: capacity)
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
