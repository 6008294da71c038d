import DER
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output
@testable import PKIX

/// What `scep inspect` shows of a subject and of alternative names can be put back into scep.conf, and is the same to
/// the byte.
@Suite struct RequestTextTests {
    /// A request that openssl makes.
    private func request(_ subject: String, _ altNames: String) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let configuration = """
                [req]
                distinguished_name = dn
                string_mask = utf8only
                \(altNames.isEmpty ? "" : "req_extensions = ext")
                [dn]
                [ext]
                subjectAltName = @names
                [names]
                \(altNames)
                """
            return try OpenSSL.run(
                [
                    "req", "-new", "-utf8", "-subj", subject, "-outform", "DER", "-config",
                    directory.write(Array(configuration.utf8), to: "cnf"), "-key",
                    directory.write(TestKey.p256.pem, to: "key"),
                ])
        }
    }

    private func writing(_ write: (inout DERWriter) throws(DERError) -> Void) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let front: Int
        do {
            var bytes = buffer.mutableSpan
            var writer = DERWriter(&bytes, end: 4096)
            try write(&writer)
            front = writer.front
        }
        return Array(buffer[front...])
    }

    @Test(arguments: [
        (
            "/C=DE/ST=Bayern/O=Müller, Söhne \\+ Co; <x>/CN=a=b \"q\" \\\\ #",
            #"CN=a=b \"q\" \\ #,O=Müller\, Söhne \+ Co\; \<x\>,ST=Bayern,C=DE"#
        ),
        ("/O=Example/CN=sensor+serialNumber=7+UID=u,7", #"UID=u\,7+CN=sensor+serialNumber=7,O=Example"#),
        (
            "/CN= blanks /OU=#hash/DC=example/emailAddress=a@b.c",
            ##"emailAddress=a@b.c,DC=example,OU=\#hash,CN=\ blanks\ "##
        ),
        (
            "/street=a 1/postalCode=01067/SN=s/GN=g/title=t/unstructuredName=h",
            "unstructuredName=h,title=t,GN=g,SN=s,postalCode=01067,STREET=a 1"
        ),
        ("/businessCategory=x,z/role=y", "2.5.4.72=#0C0179,2.5.4.15=#0C03782C7A"),
        ("/CN=a\u{1B}b\u{202E}c\u{85}d", #"CN=a\1Bb\E2\80\AEc\C2\85d"#),
    ])
    func subjectIsTheSameAgain(_ subject: String, _ text: String) throws {
        let der = try request(subject, "")
        let shown = try #require(try Inspecting().json(der).object["subject"].text)
        #expect(shown == text)
        let bytes = Array(shown.utf8)
        let again = try writing { writer throws(DERError) in try writer.write(name: bytes.span) }
        #expect(der.contains(again), "\(again.hex)")
    }

    /// String types that a subject has no words for are shown in hexadecimal.
    @Test func otherTypesAreTheSameAgain() throws {
        let value = [UInt8]("550403", tagged: 0x06) + [0x1E, 0x02, 0x00, 0xFC]
        let name = value.tagged(0x30).tagged(0x31).tagged(0x30)
        let shown = Text(name: name.span)
        #expect(shown == Text("CN=#1E0200FC"))
        #expect(try writing { writer throws(DERError) in try writer.write(name: shown.span) } == name)
    }

    @Test(arguments: [
        (
            #"""
            URI = "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104"
            DNS = *.a_b.example
            IP.1 = 192.0.2.7
            IP.2 = 2001:db8::7
            """#,
            #"URI:tag:microsoft.com\,2022-09-14:sid:S-1-5-21-1-2-3-1104, DNS:*.a_b.example, IP:192.0.2.7, "#
                + "IP:2001:0db8:0000:0000:0000:0000:0000:0007"
        ),
        (
            #"""
            email = '"a,b"@c.example'
            otherName.1 = "1.3.6.1.4.1.311.20.2.3;FORMAT:UTF8,UTF8:gerät\\7, x"
            otherName.2 = 1.2.3;IA5:abc
            RID = 1.2.3.4
            """#,
            #"email:"a\,b"@c.example, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:gerät\\7\, x, otherName:1.2.3;#1603616263, "#
                + "RID:1.2.3.4"
        ),
    ])
    func alternativeNamesAreTheSameAgain(_ names: String, _ text: String) throws {
        let der = try request("/CN=a", names)
        let attributes = try Inspecting().json(der).object["attributes"][0]
        let shown = try #require(attributes.extension("subjectAltName"))
        #expect(shown == text)
        let bytes = Array(shown.utf8)
        let again = try writing { writer throws(DERError) in try writer.write(altNames: bytes.span) }
        #expect(der.contains(again), "\(again.hex)")
    }
}

extension [UInt8] {
    fileprivate init(_ hex: String, tagged tag: UInt8) { self = [UInt8](hex: hex).tagged(tag) }

    fileprivate func contains(_ part: [UInt8]) -> Bool { firstRange(of: part) != nil }
}
