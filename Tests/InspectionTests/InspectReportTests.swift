import Foundation
import SCEP
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output

/// Whole reports of `scep inspect`, line by line: each value is openssl's, or stands in what was made.
@Suite struct InspectReportTests {
    /// The lines behind those that name the file.
    private func lines(
        _ file: [UInt8], _ change: (inout Inspecting) throws -> Void = { _ in }
    ) throws -> [String] {
        var inspecting = Inspecting()
        try change(&inspecting)
        let all = try inspecting.lines(file).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(all[0] == "files:" && all[1] == "  - file: file" && all.last == "")
        #expect(all[2] == "    size: \(file.count)")
        return Array(all[3...].dropLast())
    }

    /// What openssl says in answer to options, without the names.
    private func values(_ arguments: [String], _ input: [UInt8]) throws -> [String] {
        String(decoding: try OpenSSL.run(arguments, input: input), as: UTF8.self).split(separator: "\n")
            .map { String($0.drop { $0 != "=" }.dropFirst()) }
    }

    private func hex(_ text: String) -> String { text.replacing(":", with: "").lowercased() }

    private func digest(ofKey pem: [UInt8]) throws -> String {
        let der = try OpenSSL.run(["pkey", "-pubin", "-pubout", "-outform", "DER"], input: pem)
        return try OpenSSL.run(["dgst", "-sha256", "-binary"], input: der).hex.lowercased()
    }

    /// A certificate's lines, from `kind` to `sha256`, as openssl has what is in them.
    private func certificate(_ identity: OpenSSLIdentity, key: [String], extensions: [String]) throws -> [String] {
        let pem = identity.certificate
        let words = try values(
            [
                "x509", "-noout", "-serial", "-issuer", "-startdate", "-enddate", "-subject", "-nameopt", "RFC2253",
                "-dateopt", "iso_8601",
            ], pem)
        let prints = try ["-sha1", "-sha256"].map { try values(["x509", "-noout", "-fingerprint", $0], pem)[0] }
        let publicKey = try OpenSSL.run(["x509", "-noout", "-pubkey"], input: pem)
        return [
            "kind: certificate", "version: 3", "serialNumber: \(words[0].lowercased())",
            "signatureAlgorithm: sha256WithRSAEncryption", "issuer: \(words[1])",
            "notBefore: \(words[2].replacing(" ", with: "T"))", "notAfter: \(words[3].replacing(" ", with: "T"))",
            "subject: \(words[4])", "publicKey:",
        ] + key.map { "  " + $0 } + ["  sha256: \(try digest(ofKey: publicKey))"]
            + (extensions.isEmpty ? [] : ["extensions:"] + extensions.map { "  " + $0 })
            + ["sha1: \(hex(prints[0]))", "sha256: \(hex(prints[1]))"]
    }

    private func item(_ name: String, _ id: String, _ isCritical: Bool, _ value: String) -> [String] {
        ["- extension: \(name)", "  id: \(id)", "  critical: \(isCritical ? "yes" : "no")", "  value: \(value)"]
    }

    private static let p256 = ["algorithm: ecPublicKey", "bits: 256", "curve: P-256"]
    private static let rsa = ["algorithm: rsaEncryption", "bits: 2048", "exponent: 010001"]

    private func indented(_ lines: [String], _ count: Int) -> [String] {
        lines.map { String(repeating: " ", count: count) + $0 }
    }

    /// Every extension that has words of its own, and three that have none.
    @Test func aCertificate() throws {
        let ca = try OpenSSLIdentity.authority
        let octets = String(repeating: "0123456789", count: 6)
        let identity = try OpenSSLIdentity(
            subject: "/O=Example/CN=gateway 7", for: .p256, issuedBy: ca,
            extensions: [
                "basicConstraints=critical,CA:true,pathlen:3",
                "keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyAgreement,"
                    + "keyCertSign,cRLSign,encipherOnly,decipherOnly",
                "subjectKeyIdentifier=0102AB", "authorityKeyIdentifier=keyid:always,issuer:always",
                "1.3.6.1.4.1.311.21.7=ASN1:SEQUENCE:template", "1.2.3.4=ASN1:OCT:\(octets)12",
                "1.2.3.5=ASN1:OCT:\(octets)123", "inhibitAnyPolicy=2", "issuerAltName=DNS:ca.example",
                "extendedKeyUsage=serverAuth,clientAuth,codeSigning,emailProtection,timeStamping,OCSPSigning,"
                    + "anyExtendedKeyUsage",
                "crlDistributionPoints=URI:http://a.example/1,URI:http://a.example/2",
                "freshestCRL=URI:http://a.example/d", "subjectAltName=RID:1.2.3,dirName:dn,DNS:b",
                "2.5.29.35.1=DER:0500", "2.5.29.20=DER:0401", "[template]", "a=OID:1.3.6.1.4.1.311.21.8.1",
                "b=INTEGER:100", "c=INTEGER:12", "[dn]", "CN=x, y",
            ], options: ["-set_serial", "0x8001"])
        let identifier = try keyIdentifier(ca)
        let serial = try values(["x509", "-noout", "-serial"], ca.certificate)[0].lowercased()
        let extensions =
            item("basicConstraints", "2.5.29.19", true, "cA, pathLenConstraint 3")
            + item(
                "keyUsage", "2.5.29.15", true,
                "digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign, cRLSign, "
                    + "encipherOnly, decipherOnly")
            + item("subjectKeyIdentifier", "2.5.29.14", false, "0102ab")
            + item(
                "authorityKeyIdentifier", "2.5.29.35", false,
                "\(identifier) issuer DN:CN=Example CA\\,O=Example\\,C=DE serialNumber \(serial)")
            + item("certificateTemplate", "1.3.6.1.4.1.311.21.7", false, "1.3.6.1.4.1.311.21.8.1 100 12")
            // 64 bytes are shown whole.
            + item("1.2.3.4", "1.2.3.4", false, "043e" + Array((octets + "12").utf8).hex.lowercased())
            + item(
                "1.2.3.5", "1.2.3.5", false, "043f" + Array((octets + "12").utf8).hex.lowercased() + "… (65 bytes)")
            + item("inhibitAnyPolicy", "2.5.29.54", false, "020102")
            + item("issuerAltName", "2.5.29.18", false, "DNS:ca.example")
            + item(
                "extKeyUsage", "2.5.29.37", false,
                "serverAuth, clientAuth, codeSigning, emailProtection, timeStamping, OCSPSigning, anyExtendedKeyUsage")
            + item(
                "cRLDistributionPoints", "2.5.29.31", false, "URI:http://a.example/1, URI:http://a.example/2")
            + item("freshestCRL", "2.5.29.46", false, "URI:http://a.example/d")
            + item("subjectAltName", "2.5.29.17", false, "RID:1.2.3, DN:CN=x\\\\\\, y, DNS:b")
            + item("2.5.29.35.1", "2.5.29.35.1", false, "0500")
        let found = try lines(identity.der) { $0.ca = ca.certificate }
        let place = try #require(identity.der.firstRange(of: [0x04, 0x02, 0x04, 0x01])?.lowerBound)
        let failure =
            "fingerprint: the client would refuse these certificates, whichever is pinned: the CA has no RSA key to "
            + "encrypt to; tell the CA's operator"
        let expected =
            ["    form: binary", "    objects:", "      - offset: 0", "        encoding: DER"]
            + indented(
                try certificate(
                    identity, key: Self.p256,
                    extensions: extensions
                        + item(
                            "cRLNumber", "2.5.29.20", false,
                            "malformed (another element was due, at byte \(place + 2)): 0401")), 8)
            + [
                "        authorities:", "          - subject: CN=gateway 7,O=Example", "            role: CA",
                "            encryptsTo: no", "        checks:", "          - pass encoding: every length is DER's",
                "          - pass signatureAlgorithm: SHA-256 is strong enough",
                "          - pass client: the client reads this certificate",
                "          - unknown validity: the time is not known",
                "          - pass issuedByCA: a given CA certificate's key has signed it",
                "          - fail \(failure)",
                "          - pass issuingCA: CN=gateway 7,O=Example (serialNumber 8001): a CA's, elliptic curve, to which "
                    + "requests are encrypted by password, for encryption",
                "summary:", "  pass: 5", "  fail: 1", "  unknown: 1", "  failures:", "    - \(failure)",
            ]
        #expect(found.count == expected.count)
        for (line, due) in zip(found, expected) { #expect(line == due) }
    }

    private func keyIdentifier(_ identity: OpenSSLIdentity) throws -> String {
        let text = String(
            decoding: try OpenSSL.run(["x509", "-noout", "-ext", "subjectKeyIdentifier"], input: identity.certificate),
            as: UTF8.self)
        return hex(text.split(separator: "\n")[1].trimmingCharacters(in: .whitespaces))
    }

    private static let notYet = "        checks:\n          - pass encoding: every length is DER's"

    /// The challengePassword is a secret, and shown to whoever asks for it.
    @Test(arguments: [false, true]) func aRequest(showsChallenge: Bool) throws {
        let configuration = """
            [req]
            distinguished_name = dn
            attributes = at
            prompt = no
            req_extensions = ext
            [dn]
            CN = a
            [at]
            challengePassword = secret 7
            unstructuredName = some host
            [ext]
            subjectAltName = critical,DNS:a.example
            """
        let key = try TestKey.p256.pem
        let request = try withTemporaryDirectory { directory in
            try OpenSSL.run([
                "req", "-new", "-sha384", "-outform", "DER", "-config",
                directory.write(Array(configuration.utf8), to: "cnf"), "-key", directory.write(key, to: "key"),
            ])
        }
        let publicKey = try OpenSSL.run(["req", "-inform", "DER", "-noout", "-pubkey"], input: request)
        let found = try lines(request) { $0.showsChallenge = showsChallenge }
        let expected = """
                form: binary
                objects:
                  - offset: 0
                    encoding: DER
                    kind: certification request
                    version: 1
                    subject: CN=a
                    publicKey:
                      algorithm: ecPublicKey
                      bits: 256
                      curve: P-256
                      sha256: \(try digest(ofKey: publicKey))
                    signatureAlgorithm: ecdsa-with-SHA384
                    attributes:
                      - attribute: challengePassword
                        bytes: 8\(showsChallenge ? "\n            value: secret 7" : "")
                      - attribute: unstructuredName
                        id: 1.2.840.113549.1.9.2
                        value: some host
                      - attribute: extensionRequest
                        extensions:
                          - extension: subjectAltName
                            id: 2.5.29.17
                            critical: yes
                            value: DNS:a.example
                    checks:
                      - pass encoding: every length is DER's
                      - pass challengePassword: there is one
                      - pass signatureAlgorithm: SHA-384 is strong enough
                      - pass proofOfPossession: the key that is to be certified has signed the request
            summary:
              pass: 4
              fail: 0
              unknown: 0
            """.split(separator: "\n").map(String.init)
        #expect(found == expected)
        let none = try OpenSSLIdentity(subject: "/CN=a", for: .p256).request(subject: "/CN=a")
        #expect(
            try lines(none).contains(
                "          - pass challengePassword: there is none: the CA has to know by other means whom it certifies"
            ))
    }

    /// The list shows ten of its entries, with their reasons, and counts all.
    @Test(arguments: [0, 1, 10, 11]) func aRevocationList(count: Int) throws {
        let ca = try OpenSSLIdentity(
            subject: "/CN=CRL CA", for: .rsa, extensions: ["keyUsage=critical,keyCertSign,cRLSign"])
        let all = [
            ("01", "keyCompromise", "keyCompromise"), ("02", "CACompromise", "cACompromise"),
            ("03", "affiliationChanged", "affiliationChanged"), ("04", "superseded", "superseded"),
            ("05", "cessationOfOperation", "cessationOfOperation"), ("06", "certificateHold", "certificateHold"),
            ("07", "unspecified", "unspecified"), ("09", "", ""), ("0A", "", ""), ("0B", "", ""), ("8C", "", ""),
        ]
        // From 2050 on times are GeneralizedTime (RFC 5280, 5.1.2.5).
        let list = try ca.revocationList(
            of: all.prefix(count).map { $0.1.isEmpty ? $0.0 : "\($0.0),\($0.1)" },
            options: count == 1 ? ["-crldays", "10000"] : [])
        let times = try values(
            ["crl", "-inform", "DER", "-noout", "-lastupdate", "-nextupdate", "-dateopt", "iso_8601"], list
        ).map { $0.replacing(" ", with: "T") }
        let identifier = try keyIdentifier(ca)
        let entries = all.prefix(min(count, 10)).flatMap { row in
            ["  - serialNumber: \(row.0.lowercased())", "    revocationDate: 2026-01-02T03:04:05Z"]
                + (row.2.isEmpty ? [] : ["    reason: \(row.2)"])
        }
        let head =
            [
                "encoding: DER", "kind: CRL", "version: 2", "signatureAlgorithm: sha256WithRSAEncryption",
                "issuer: CN=CRL CA", "thisUpdate: \(times[0])", "nextUpdate: \(times[1])", "revoked: \(count)",
            ] + (count > 0 ? ["entries:"] + entries : [])
            + ["extensions:"] + indented(item("authorityKeyIdentifier", "2.5.29.35", false, identifier), 2)
        let checks = [
            "checks:", "  - pass encoding: every length is DER's",
            "  - pass signatureAlgorithm: SHA-256 is strong enough", "  - pass client: the client reads this CRL",
            "  - unknown validity: the time is not known",
            "  - pass signature: a given CA certificate's key has signed it",
        ]
        let expected =
            ["    form: binary", "    objects:", "      - offset: 0"] + indented(head + checks, 8)
            + ["summary:", "  pass: 4", "  fail: 0", "  unknown: 1"]
        #expect(try lines(list) { $0.ca = ca.certificate } == expected)
    }

    /// What is said of a file does not depend on the files in front of it, nor on those behind.
    @Test(arguments: [false, true]) func filesAreEachForThemselves(hasKey: Bool) throws {
        let ca = try OpenSSLIdentity.authority
        let device = try OpenSSLIdentity(subject: "/CN=x", for: .rsa)
        let issued = try OpenSSLIdentity(subject: "/CN=x", for: .rsa, issuedBy: ca)
        let envelope = try device.envelope(OpenSSLIdentity.bundle([issued]))
        let request = try SignedMessage.request(
            "19", from: device, content: ca.envelope(device.request(subject: "/CN=x"))
        )
        .encoded()
        let reply = try SignedMessage.reply("0", from: ca, content: envelope).encoded()
        let files = [
            envelope, request, envelope, reply, envelope, ca.certificate + issued.certificate, try ca.revocationList(),
            reply, request, Array("noise".utf8), try OpenSSLIdentity.bundle([ca]), envelope,
        ]
        var inspecting = Inspecting(ca: ca.certificate, request: request)
        if hasKey { inspecting.key = device.key }
        let together = try inspecting.json(each: files)
        func text(_ found: Found) throws -> String {
            var object = try #require(found.value as? [String: Any])
            object["file"] = nil
            return String(
                decoding: try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]), as: UTF8.self)
        }
        for (index, file) in files.enumerated() {
            let alone = try text(inspecting.json(file))
            #expect(try text(together[index]) == alone, "file \(index)")
        }
    }

    /// Every kind of recipient, in the order in which they stand.
    @Test func anEnvelopeToMany() throws {
        let ca = try OpenSSLIdentity.authority
        let other = try OpenSSLIdentity(subject: "/CN=x y", for: .rsa)
        let curve = try OpenSSLIdentity(subject: "/CN=x", for: .p256)
        func envelope(_ options: [String]) throws -> [UInt8] {
            try withTemporaryDirectory { directory in
                let files = try [ca, other, curve].enumerated().map {
                    try directory.write($1.certificate, to: "\($0)")
                }
                return try OpenSSL.run(
                    [
                        "cms", "-encrypt", "-binary", "-outform", "DER", "-aes256", "-secretkey",
                        "00112233445566778899aabbccddeeff", "-secretkeyid", "0102", "-pwri_password", "pw",
                    ] + options + ["-recip", files[0], "-recip", files[1], "-recip", files[2]],
                    input: [UInt8](repeating: 7, count: 32))
            }
        }
        let identifiers = try [ca, other].map(keyIdentifier)
        let serials = try [ca, other].map { try values(["x509", "-noout", "-serial"], $0.certificate)[0].lowercased() }
        for isByKey in [true, false] {
            let found = try lines(envelope(isByKey ? ["-keyid"] : []))
            // In whichever order a SET OF has them.
            let names =
                (isByKey
                ? identifiers.map { ["subjectKeyIdentifier: \($0)"] }
                : [
                    ["issuer: CN=Example CA,O=Example,C=DE", "serialNumber: \(serials[0])"],
                    ["issuer: CN=x y", "serialNumber: \(serials[1])"],
                ]).sorted { first, second in
                    found.firstIndex { $0.hasSuffix(first.last ?? "-") } ?? 0 < found.firstIndex {
                        $0.hasSuffix(second.last ?? "-")
                    } ?? 0
                }
            let recipients =
                names.flatMap { name in
                    ["- recipient: KeyTransRecipientInfo"] + indented(name, 2)
                        + ["  keyEncryptionAlgorithm: rsaEncryption", "  encryptedKeyBits: 2048"]
                } + [
                    "- recipient: KeyAgreeRecipientInfo", "- recipient: KEKRecipientInfo",
                    "- recipient: PasswordRecipientInfo", "  keyDerivationAlgorithm: PBKDF2", "  saltBytes: 8",
                    "  iterations: 2048", "  prf: hmacWithSHA1", "  keyEncryptionAlgorithm: PWRI-KEK",
                    "  keyEncryptionCipher: AES-256-CBC",
                ]
            let expected =
                [
                    "    form: binary", "    objects:", "      - offset: 0", "        encoding: DER",
                    "        kind: EnvelopedData", "        cmsVersion: 3", "        contentType: data",
                    "        contentEncryptionAlgorithm: AES-256-CBC", "        encryptedBytes: 48",
                    "        recipients:",
                ] + indented(recipients, 10) + ["        checks:", "          - pass encoding: every length is DER's"]
            #expect(Array(found.prefix(expected.count)) == expected)
        }
    }

    /// A refusal with words, an attribute that nobody knows, two values and an unsigned attribute.
    @Test func aMessage() throws {
        let ca = try OpenSSLIdentity.authority
        var message = SignedMessage.reply("2", from: ca)
        message.others = [
            ("2B06010505071801", Array("no \u{E9}".utf8).tagged(0x0C)),
            ("2A0304", [UInt8](hex: "0201050201061E0401E920AC")),
        ]
        message.unsigned = [("2A0305", [UInt8](hex: "0500"))]
        let file = try message.encoded()
        let serial = try values(["x509", "-noout", "-serial"], ca.certificate)[0].lowercased()
        let digest = try OpenSSL.run(["dgst", "-sha256", "-binary"], input: []).hex.lowercased()
        func attribute(_ name: String, _ id: String, _ value: String) -> [String] {
            ["- attribute: \(name)", "  id: \(id)", "  value: \(value)"]
        }
        let scep = "2.16.840.1.113733.1.9"
        let signed =
            attribute("1.2.3.4", "1.2.3.4", "5, 6, \u{1E9}\u{20AC}".replacing("\u{1E9}", with: "\u{1E9}"))
            + attribute("failInfoText", "1.3.6.1.5.5.7.24.1", "no \u{E9}")
            + attribute("messageType", "\(scep).2", "3") + attribute("pkiStatus", "\(scep).3", "2")
            + attribute("failInfo", "\(scep).4", "1")
            + attribute("contentType", "1.2.840.113549.1.9.3", "data")
            + attribute("transactionID", "\(scep).7", "1A2B3C4D")
            + attribute("senderNonce", "\(scep).5", String(repeating: "22", count: 16))
            + attribute("recipientNonce", "\(scep).6", String(repeating: "11", count: 16))
            + attribute("messageDigest", "1.2.840.113549.1.9.4", digest)
        let found = try lines(file) { $0.ca = ca.certificate }
        let start = [
            "    form: binary", "    objects:", "      - offset: 0", "        encoding: DER",
            "        kind: pkiMessage", "        messageType: 3 (CertRep)", "        pkiStatus: 2 (FAILURE)",
            "        failInfo: 1 (badMessageCheck)", "        failInfoText: no \u{E9}",
            "        transactionID: 1A2B3C4D", "        senderNonce: \(String(repeating: "22", count: 16))",
            "        recipientNonce: \(String(repeating: "11", count: 16))", "        cmsVersion: 1",
            "        digestAlgorithms: SHA-256", "        eContentType: data", "        eContentBytes: 0",
            "        signer:", "          issuer: CN=Example CA,O=Example,C=DE", "          serialNumber: \(serial)",
            "          digestAlgorithm: SHA-256", "          signatureAlgorithm: rsaEncryption",
            "          signedAttributes:",
        ]
        #expect(Array(found.prefix(start.count)) == start)
        // In whichever order a SET OF has them.
        let end = try #require(found.firstIndex(of: "          unsignedAttributes:"))
        #expect(found[start.count..<end].sorted() == indented(signed, 12).sorted())
        #expect(
            Array(found[(end + 1)..<(end + 5)])
                == indented(attribute("1.2.3.5", "1.2.3.5", "0500"), 12) + ["        certificates:"])
        #expect(found.contains("              - pass selfSignature: it is signed by its own key"))
        let checks = found.filter { $0.hasPrefix("          - ") && !$0.contains("encoding: DER") }
        let wellFormed = [
            "messageType", "transactionID", "senderNonce", "recipientNonce", "pkiStatus", "failInfo", "contentType",
        ]
        #expect(
            checks == [
                "          - pass encoding: every length is DER's",
                "          - pass client: the client reads this SignedData",
                "          - pass signerCertificate: it is in the message",
                "          - pass signature: the signer's key made it over these attributes",
                "          - pass digestAlgorithm: SHA-256 is strong enough",
                "          - pass messageDigest: it is the digest of the content",
            ] + wellFormed.map { "          - pass \($0): it is there and well formed" } + [
                "          - unknown answersRequest: no request was given",
                "          - pass signer: it is a given certificate of the CA",
            ])
        #expect(found.suffix(4) == ["summary:", "  pass: 19", "  fail: 0", "  unknown: 2"])
    }

    /// Two signers, one of them named by its key, and content that is text.
    @Test func whatAnybodySigned() throws {
        let ca = try OpenSSLIdentity.authority
        let curve = try OpenSSLIdentity(subject: "/CN=x", for: .p256)
        func signed(_ options: [String]) throws -> [UInt8] {
            try withTemporaryDirectory { directory in
                try OpenSSL.run(
                    [
                        "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "sha512", "-signer",
                        directory.write(ca.certificate, to: "1"), "-inkey", directory.write(ca.key, to: "k"), "-signer",
                        directory.write(curve.certificate, to: "2"), "-inkey", directory.write(curve.key, to: "k2"),
                    ] + options, input: Array("some text".utf8))
            }
        }
        let found = try Inspecting(ca: ca.certificate).json(signed(["-keyid"])).object
        #expect(found["kind"].text == "SignedData")
        #expect(found["cmsVersion"].number == 3)
        #expect(found["digestAlgorithms"].text == "SHA-512")
        #expect(found["eContentType"].text == "data" && found["eContentBytes"].number == 9)
        #expect(found["signer"]["of"].number == 2)
        let identifier = try #require(found["signer"]["subjectKeyIdentifier"].text)
        #expect(try [ca, curve].map(keyIdentifier).contains(identifier))
        #expect(found["certificates"].count == 2)
        #expect(found.result("signature") == "pass" && found.result("messageDigest") == "pass")
        #expect(found.result("signerCertificate") == "pass")
        // Without its certificate nobody can tell; with another content the digest is another.
        let bare = try Inspecting().json(signed(["-nocerts"])).object
        #expect(bare.result("signature") == "unknown" && bare.result("signerCertificate") == "unknown")
        #expect(bare["certificates"].value == nil && bare["signer"]["issuer"].text != nil)
        let plain = try Inspecting(ca: ca.certificate + curve.certificate).json(signed(["-noattr"])).object
        #expect(plain.result("signature") == "pass")
        #expect(plain.failures == ["client", "messageDigest"])
    }

    /// How certificates follow each other in a bundle.
    @Test func theOrderOfABundleIsTold() throws {
        let ca = try OpenSSLIdentity.authority
        let sub = try OpenSSLIdentity(
            subject: "/CN=Sub", for: .rsa, issuedBy: ca, extensions: ["basicConstraints=critical,CA:TRUE"])
        let leaf = try OpenSSLIdentity(
            subject: "/CN=leaf", for: .p256, issuedBy: sub, extensions: ["keyUsage=digitalSignature"])
        for (list, order) in [
            ([leaf, sub, ca], "leaf to root"), ([ca, sub, leaf], "root to leaf"), ([leaf, ca, sub], "no chain"),
            ([sub, leaf, ca], "no chain"), ([sub, ca], "leaf to root"), ([ca, sub], "root to leaf"),
            ([leaf, ca], "no chain"), ([ca], "one or none"),
        ] {
            let found = try Inspecting().json(OpenSSLIdentity.bundle(list)).object
            #expect(found["order"].text == order)
            #expect(found["certificateCount"].number == list.count && found["crlCount"].number == 0)
            #expect(found["certificates"].count == list.count && found["eContentType"].text == "data")
            #expect(found["eContentBytes"].value == nil && found["cmsVersion"].number == 1)
            #expect(
                found["certificates"].items.map { $0["sha256"].text }
                    == (try list.map { try hex($0.fingerprint()) }))
        }
        let chain = try Inspecting().json(OpenSSLIdentity.bundle([leaf, sub, ca])).object
        #expect(chain["authorities"].items.map { $0["role"].text } == ["RA", "CA", "CA"])
        #expect(chain["authorities"].items.map { $0["encryptsTo"].value as? Bool } == [false, true, false])
        #expect(
            chain["authorities"].items.map { $0["subject"].text } == [
                "CN=leaf", "CN=Sub", "CN=Example CA,O=Example,C=DE",
            ])
        let serial = try values(["x509", "-noout", "-serial"], sub.certificate)[0].lowercased()
        #expect(chain.reason("issuingCA") == "CN=Sub (serialNumber \(serial)): a CA's, RSA, for any use")
        #expect(chain.reason("encryption") == "CN=Sub (serialNumber \(serial)): a CA's, RSA, for any use")
        // CRLs in it are described, too.
        let list = try ca.revocationList(of: ["01"])
        let mixed = try Inspecting().json(OpenSSL.run(["crl2pkcs7", "-inform", "DER", "-outform", "DER"], input: list))
            .object
        #expect(mixed["crlCount"].number == 1 && mixed["certificateCount"].number == 0)
        #expect(mixed["order"].text == "one or none" && mixed["crls"][0]["revoked"].number == 1)
        #expect(mixed["authorities"].value == nil)
    }

    /// Keys of every form: their kind and size, the fingerprint that pins are made of, and nothing secret.
    @Test(arguments: [
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024", "rsaEncryption", 1024, "", true),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "ecPublicKey", 256, "P-256", true),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", "ecPublicKey", 384, "P-384", true),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521", "ecPublicKey", 521, "P-521", false),
        ("genpkey -algorithm ed25519", "Ed25519", 255, "", false),
        ("genpkey -algorithm ed448", "Ed448", 456, "", false),
    ])
    func keys(command: String, algorithm: String, bits: Int, curve: String, isKnown: Bool) throws {
        let pem = try OpenSSL.run(command.split(separator: " ").map(String.init))
        let der = try OpenSSL.run(["pkey", "-pubout", "-outform", "DER"], input: pem)
        let found = try Inspecting().json(der).object
        #expect(found["kind"].text == "public key")
        #expect(found["algorithm"].text == algorithm)
        #expect(found["bits"].number == bits)
        #expect(found["curve"].text == (curve.isEmpty ? nil : curve))
        #expect(found["exponent"].text == (algorithm == "rsaEncryption" ? "010001" : nil))
        #expect(found["sha256"].text == (try OpenSSL.run(["dgst", "-sha256", "-binary"], input: der).hex.lowercased()))
        let secret = try Inspecting().json(pem)
        #expect(secret["form"].text == "PEM" && secret.object["label"].text == "PRIVATE KEY")
        #expect(secret.object["offset"].value == nil)
        #expect(secret.object["kind"].text == "private key")
        #expect(
            secret.object.failures == (isKnown && bits > 1024 || curve == "P-256" || curve == "P-384" ? [] : ["client"])
        )
        guard curve == "P-256" || curve == "P-384" else { return }
        #expect(secret.object["bits"].number == bits && secret.object["algorithm"].text == algorithm)
        #expect(
            (secret.object.value as? [String: Any])?.keys.sorted() == [
                "algorithm", "bits", "checks", "encoding", "kind", "label",
            ])
    }
}

extension Found {
    /// Why the check called `name` came out as it did.
    func reason(_ name: String) -> String? {
        self["checks"].items.first { $0["name"].text == name }?["reason"].text
    }
}
