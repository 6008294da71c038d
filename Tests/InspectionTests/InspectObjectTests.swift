import DeviceCrypto
import Foundation
import SCEP
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output

@Suite struct InspectObjectTests {
    private static let rich = Result {
        try OpenSSLIdentity(
            subject: "/CN=gateway 7,1", issuedBy: .authority,
            extensions: [
                "basicConstraints=critical,CA:false", "keyUsage=critical,digitalSignature,keyEncipherment",
                "extendedKeyUsage=clientAuth,1.3.6.1.5.5.7.3.17,1.2.3.4",
                "subjectAltName=DNS:gw7.example,IP:192.0.2.7,IP:2001:db8::7,email:a@b.example,"
                    + "URI:urn:x:7,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:gw7@example",
                "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid",
                "crlDistributionPoints=URI:http://ca.example/ca.crl",
                "authorityInfoAccess=OCSP;URI:http://ocsp.example,caIssuers;URI:http://ca.example/ca.crt",
                "certificatePolicies=1.2.3.5,2.5.29.32.0", "1.3.6.1.4.1.311.20.2=ASN1:BMPSTRING:Gateway",
                "1.2.3.4.5=critical,ASN1:UTF8String:x",
            ])
    }

    @Test func everyExtensionIsNamed() throws {
        let der = try Self.rich.get().der
        let found = try Inspecting(ca: OpenSSLIdentity.authority.certificate).json(der).object
        #expect(found.extension("basicConstraints") == "not a CA")
        #expect(found.extension("keyUsage") == "digitalSignature, keyEncipherment")
        #expect(found.extension("extKeyUsage") == "clientAuth, ipsecIKE, 1.2.3.4")
        #expect(
            found.extension("subjectAltName")
                == "DNS:gw7.example, IP:192.0.2.7, IP:2001:0db8:0000:0000:0000:0000:0000:0007, email:a@b.example, "
                + "URI:urn:x:7, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:gw7@example")
        #expect(found.extension("cRLDistributionPoints") == "URI:http://ca.example/ca.crl")
        #expect(
            found.extension("authorityInfoAccess")
                == "OCSP URI:http://ocsp.example, caIssuers URI:http://ca.example/ca.crt")
        #expect(found.extension("certificatePolicies") == "1.2.3.5, anyPolicy")
        #expect(found.extension("enrollCerttype") == "Gateway")
        #expect(found.extension("1.2.3.4.5") == "0c0178")
        let text = String(
            decoding: try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-text"], input: der), as: UTF8.self)
        for name in ["subjectKeyIdentifier", "authorityKeyIdentifier"] {
            let identifier = try #require(found.extension(name)).uppercased()
            let octets = stride(from: 0, to: identifier.count, by: 2).map {
                String(identifier.dropFirst($0).prefix(2))
            }
            #expect(text.contains(octets.joined(separator: ":")))
        }
        #expect(found["subject"].text == #"CN=gateway 7\,1"#)
        #expect(found.result("issuedByCA") == "pass")
        // The client would not use it as a CA's.
        #expect(found.failures == ["criticalExtensions"])
    }

    @Test func validityIsHeldAgainstTheTime() throws {
        let der = try Self.rich.get().der
        #expect(try Inspecting(moment: .exact(0)).json(der).object.result("validity") == "fail")
        #expect(try Inspecting(moment: .exact(4_000_000_000)).json(der).object.result("validity") == "fail")
        let now = Int64(Date().timeIntervalSince1970)
        #expect(try Inspecting(moment: .exact(now)).json(der).object.result("validity") == "pass")
        #expect(try Inspecting().json(der).object.result("validity") == "unknown")
    }

    @Test(arguments: ["rsa:1024", "ed25519", "ec -pkeyopt ec_paramgen_curve:P-521"])
    func keysThatTheClientDoesNotTakeAreDescribed(key: String) throws {
        let words = key.split(separator: " ").map(String.init)
        let der = try OpenSSLIdentity(subject: "/CN=other", newKey: words).der
        let found = try Inspecting().json(der).object
        #expect(found["kind"].text == "certificate")
        switch words[0] {
        case "rsa:1024": #expect(found["publicKey"]["bits"].number == 1024)
        case "ed25519": #expect(found["publicKey"]["algorithm"].text == "Ed25519")
        default: #expect(found["publicKey"]["curve"].text == "P-521")
        }
        if words[0] != "rsa:1024" { #expect(found.result("client") == "fail") }
    }

    @Test func requestsAreDescribed() throws {
        let device = try OpenSSLIdentity(subject: "/CN=x", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        let der = try device.request(["-addext", "subjectAltName=DNS:gw7.example"], subject: "/CN=gateway 7")
        let found = try Inspecting().json(der).object
        #expect(found["kind"].text == "certification request")
        #expect(found["publicKey"]["curve"].text == "P-256")
        #expect(found["attributes"][0]["attribute"].text == "extensionRequest")
        #expect(found["attributes"][0].extension("subjectAltName") == "DNS:gw7.example")
        #expect(found.failures == [])
    }

    @Test func revocationListsAreDescribed() throws {
        let authority = try OpenSSLIdentity(
            subject: "/CN=CRL CA", extensions: ["keyUsage=critical,keyCertSign,cRLSign"])
        let der = try authority.revocationList(of: ["1A2B,keyCompromise", "00C3"])
        let found = try Inspecting(ca: authority.certificate, moment: .exact(Int64(Date().timeIntervalSince1970)))
            .json(der).object
        let text = String(
            decoding: try OpenSSL.run(["crl", "-inform", "DER", "-noout", "-text"], input: der), as: UTF8.self)
        #expect(found["kind"].text == "CRL")
        #expect(found["issuer"].text == "CN=CRL CA")
        #expect(found["revoked"].number == text.components(separatedBy: "Serial Number:").count - 1)
        #expect(found["revoked"].number ?? 0 > 0)
        for entry in found["entries"].items {
            let serial = try #require(entry["serialNumber"].text)
            #expect(text.contains("Serial Number: \(serial.uppercased())"))
        }
        let entry = found["entries"].items.first { $0["serialNumber"].text == "1a2b" }
        #expect(entry?["reason"].text == "keyCompromise")
        #expect(found.failures == [])
        let other = try Inspecting(ca: OpenSSLIdentity.authority.certificate).json(der).object
        #expect(other.failures == ["signature"])
    }

    @Test func privateKeysAreNotShown() throws {
        let pem = try TestKey.rsa.pem
        let found = try Inspecting().json(pem).object
        #expect(found["kind"].text == "private key")
        #expect(found["bits"].number == 2048)
        #expect(found.result("client") == "pass")
        let lines = try Inspecting().lines(pem)
        let der = try OpenSSL.run(["rsa", "-traditional", "-outform", "DER"], input: pem)
        #expect(!lines.contains(Array(der[30..<38]).hex.lowercased()))
        let encrypted = try OpenSSL.run(["pkcs8", "-topk8", "-passout", "pass:x"], input: pem)
        #expect(try Inspecting().json(encrypted).object["kind"].text == "encrypted private key")
    }

    /// What a GetCACert reply means to the client, with a fingerprint and without.
    @Test func authoritiesAreChosenAsTheClientDoes() throws {
        let ca = try OpenSSLIdentity.authority
        let ra = try OpenSSLIdentity(
            subject: "/CN=RA", issuedBy: ca,
            extensions: ["keyUsage=critical,keyEncipherment", "extendedKeyUsage=1.3.6.1.5.5.7.3.28"])
        let bundle = try OpenSSLIdentity.bundle([ra, ca])
        let found = try Inspecting(fingerprint: ca.fingerprint()).json(bundle).object
        #expect(found["kind"].text == "certificates-only SignedData")
        #expect(found["order"].text == "leaf to root")
        #expect(found.failures == [])
        let lines = try Inspecting(fingerprint: ca.fingerprint()).lines(bundle)
        #expect(lines.contains("- pass fingerprint: the fingerprint fits; the client would trust 2 of 2"))
        #expect(lines.contains("- pass issuingCA: CN=Example CA,O=Example,C=DE"))
        #expect(lines.contains("- pass encryption: CN=RA "))
        let wrong = try Inspecting(fingerprint: String(repeating: "00", count: 32)).json(bundle).object
        #expect(wrong.failures == ["fingerprint"])
        #expect(try Inspecting().json(bundle).object.result("fingerprint") == "unknown")

        let unmarked = try OpenSSLIdentity(subject: "/CN=RA", issuedBy: ca)
        let other = try OpenSSLIdentity.bundle([unmarked, ca])
        #expect(try Inspecting(fingerprint: ca.fingerprint()).json(other).object.failures == ["fingerprint"])
    }

    /// One certificate that is all of a file is checked as a reply to GetCACert, if it is a CA's or pinned; one among others,
    /// or within something, is not.
    @Test func aSingleCertificateIsCheckedAsTheCAs() throws {
        let ca = try OpenSSLIdentity.authority
        let leaf = try OpenSSLIdentity(
            subject: "/CN=leaf", for: .p256, issuedBy: ca, extensions: ["basicConstraints=critical,CA:FALSE"])
        func checked(_ file: [UInt8], pin: OpenSSLIdentity? = nil) throws -> [String?] {
            let fingerprint = try pin?.fingerprint().replacing(":", with: "") ?? ""
            return try Inspecting(fingerprint: fingerprint).json(file)["objects"].items.map {
                $0.result("fingerprint")
            }
        }
        #expect(try checked(ca.der) == ["unknown"] && checked(ca.certificate) == ["unknown"])
        #expect(try checked(ca.der, pin: ca) == ["pass"] && checked(ca.der, pin: leaf) == ["fail"])
        #expect(try checked(leaf.der) == [nil] && checked(leaf.der, pin: ca) == [nil])
        #expect(try checked(leaf.der, pin: leaf) == ["fail"])
        #expect(
            try checked(ca.der + leaf.der) == [nil, nil] && checked(ca.certificate + leaf.certificate) == [nil, nil])
        // Several are checked together, behind them.
        #expect(try Inspecting().json(ca.der + leaf.der).result("fingerprint") == "unknown")
        #expect(try Inspecting().json(ca.der + TestKey.p256.pem).result("fingerprint") == nil)
        #expect(try Inspecting().json(ca.der).result("fingerprint") == nil)
        // What stands in a message, and in an envelope.
        let message = try Inspecting().json(SignedMessage.reply("3", from: ca).encoded()).object
        #expect(message["certificates"][0].result("client") == "pass")
        #expect(message["certificates"][0].result("fingerprint") == nil)
        let device = try OpenSSLIdentity.recipient
        for content in try [OpenSSLIdentity.bundle([ca]), ca.der] {
            let reply = try SignedMessage.reply("0", from: ca, content: device.envelope(content)).encoded()
            let inside = try Inspecting(key: device.key).json(reply).object["content"]["content"]
            #expect(inside["kind"].text != nil && inside.result("fingerprint") == nil)
            #expect(inside["authorities"].value == nil)
        }
    }

    @Test func formsAreToldByContent() throws {
        let der = try OpenSSLIdentity.authority.der
        let base64 = Array(Data(der).base64EncodedString(options: .lineLength64Characters).utf8)
        let expected = try Inspecting().json(der).object["sha256"].text
        #expect(expected != nil)
        let found = try Inspecting().json(base64)
        #expect(found["form"].text == "base64")
        #expect(found.object["sha256"].text == expected)

        let several = try OpenSSLIdentity.authority.certificate + TestKey.p256.pem
        let both = try Inspecting().json(several)
        #expect(both["objects"].items.map { $0["kind"].text } == ["certificate", "private key"])
        #expect(try Inspecting().json(der + der)["objects"].items.map { $0["offset"].number } == [0, der.count])

        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-x509-ca-cert\r\nContent-Length: \(der.count)\r\n\r\n"
        let reply = try Inspecting().json(Array(head.utf8) + der)
        #expect(reply["reply"]["type"].text == "application/x-x509-ca-cert")
        #expect(reply["reply"]["head"][0].text == "HTTP/1.1 200 OK")
        #expect(reply.object["sha256"].text == expected)
        let cut = try Inspecting().json(Array(head.utf8) + der.dropLast())
        #expect(cut["reply"].failures == ["reply"])
        #expect(cut.object["kind"].text == "unrecognized")
    }

    @Test func whatCannotBeRecognisedSaysWhy() throws {
        let page = try Inspecting().json(Array("<html><body>404</body></html>".utf8))
        #expect(page["form"].text == "HTML")
        #expect(page["problem"].text == "it is a page for a browser, no SCEP message: is the URL right?")
        #expect(try Inspecting().json(Array("nothing here\n".utf8))["form"].text == "text")
        #expect(try Inspecting().json([])["form"].text == "empty")
        let torn = Array("-----BEGIN CERTIFICATE-----\nMIIB\n".utf8)
        #expect(
            try Inspecting().json(torn)["problem"].text == "its PEM has a BEGIN line without an END line, in line 1")
        let outlined = try Inspecting().json([0x30, 0x06, 0x04, 0x01, 0x00, 0x02, 0x01, 0x05]).object
        #expect(
            outlined["outline"].items.map(\.text) == [
                "0: tag 30, bytes: 6", ".2: tag 04, bytes: 1", ".5: tag 02, bytes: 1",
            ])
        let noise = try Inspecting().json([0xFF, 0xFE, 0x00, 0x01]).object
        #expect(
            noise["problem"].text
                == "an element of DER or BER was expected: a tag number of 31 or more, which nothing in X.509 or CMS has, "
                + "at byte 0")
    }

    /// A reply to GetNextCACert: certificates within what the current CA signed (RFC 8894, 4.7.1).
    @Test func theNextAuthorityIsFound() throws {
        let ca = try OpenSSLIdentity.authority
        let next = try OpenSSLIdentity(subject: "/CN=Next CA")
        let file = try ca.sign(OpenSSLIdentity.bundle([next]))
        let found = try Inspecting(ca: ca.certificate).json(file).object
        #expect(found["kind"].text == "SignedData")
        #expect(found.result("signature") == "pass")
        #expect(found.result("signer") == "pass")
        #expect(found["content"]["certificates"][0]["subject"].text == "CN=Next CA")
    }
}
