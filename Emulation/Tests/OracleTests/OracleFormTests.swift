import Foundation
import LibCrypto
import Testing

/// A certificate that was right before something was done to it, and that its issuer signed as it is now: a CA's below
/// the root, in front of a registration authority's, or that one itself.
private struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    var isCA = true
    let change: @Sendable (inout Element) -> Void
    var testDescription: String { name }

    init(_ name: String, isCA: Bool = true, _ change: @escaping @Sendable (inout Element) -> Void) {
        (self.name, self.isCA, self.change) = (name, isCA, change)
    }
}

/// The forms of google's x509test, and others of the field.
@Suite struct OracleFormTests {
    private static let tbs = [0]
    private static let list: Element.Path = [0, 7, 0]

    /// Why a form is refused here that OpenSSL lets pass.
    private static let strict: [String: String] = [
        "version 1 with extensions": "only version 3 has extensions (RFC 5280, 4.1.2.1)",
        "version 2 with extensions": "only version 3 has extensions (RFC 5280, 4.1.2.1)",
        "serial number of 33 octets": "32 octets are read; RFC 5280, 4.1.2.2 has 20",
        "critical extKeyUsage": "it forbids to use a CA that is not pinned (SECURITY.md, What is not checked)",
        "critical certificatePolicies": "policies are not checked (SECURITY.md, What is not checked)",
        "critical nameConstraints": "names are not checked (SECURITY.md, What is not checked)",
        "length of the signature padded": "it is in DER (RFC 5280, 4.1)",
        "length of an extension padded": "it is in DER (RFC 5280, 4.1)",
        "path length above 255": "no chain is as long",
        "trailing element in keyUsage": "nothing follows what is read",
        "cA without keyCertSign": "who is a CA by half is none, and no registration authority",
        "version 4": "there are versions 1 to 3 (RFC 5280, 4.1.2.1)",
        "version 1 written out, with extensions": "only version 3 has extensions (RFC 5280, 4.1.2.1)",
        "negative modulus": "a modulus is positive; OpenSSL takes its magnitude",
    ]

    private static func item(_ number: UInt8, critical: [UInt8]? = nil, _ value: [UInt8]) -> Element {
        .sequence(
            [Element(0x06, [0x55, 0x1D, number])] + (critical.map { [Element(0x01, $0)] } ?? [])
                + [Element(0x04, value)])
    }

    private static func adding(_ extra: Element...) -> @Sendable (inout Element) -> Void {
        { $0[list].children? += extra }
    }

    /// Writes other octets where the value of the extension with this index stands: 0 is basicConstraints, 1 keyUsage.
    private static func value(_ index: Int, _ bytes: [UInt8]) -> @Sendable (inout Element) -> Void {
        { $0[list + [index, ($0[list + [index]].children?.count ?? 1) - 1]] = Element(0x04, bytes) }
    }

    private static func time(_ index: Int, _ tag: UInt8, _ text: String) -> @Sendable (inout Element) -> Void {
        { $0[[0, 4, index]] = Element(tag, Array(text.utf8)) }
    }

    private static let forms: [Form] = [
        Form("as it was") { _ in }, Form("as it was, the last", isCA: false) { _ in },
        Form("version 1 with extensions") { $0[tbs].children?.remove(at: 0) },
        Form("version 2 with extensions") { $0[[0, 0, 0]] = Element(0x02, [1]) },
        Form("version 3 without extensions") { $0[tbs].children?.remove(at: 7) },
        Form("version 1 without extensions") {
            $0[tbs].children?.remove(at: 7)
            $0[tbs].children?.remove(at: 0)
        },
        Form("version 1 without extensions, the last", isCA: false) {
            $0[tbs].children?.remove(at: 7)
            $0[tbs].children?.remove(at: 0)
        },
        Form("version 4") { $0[[0, 0, 0]] = Element(0x02, [3]) },
        Form("version 1 written out, with extensions") { $0[[0, 0, 0]] = Element(0x02, [0]) },
        Form("negative serial number") { $0[[0, 1]] = Element(0x02, [0xFE]) },
        Form("serial number 0") { $0[[0, 1]] = Element(0x02, [0]) },
        Form("padded serial number") { $0[[0, 1]] = Element(0x02, [0, 5]) },
        Form("serial number of 21 octets") { $0[[0, 1]] = Element(0x02, [UInt8](repeating: 5, count: 21)) },
        Form("serial number of 33 octets") { $0[[0, 1]] = Element(0x02, [UInt8](repeating: 5, count: 33)) },
        Form("another algorithm inside") { $0[[0, 2, 0]] = .identifier("1.2.840.113549.1.1.12") },
        Form("no algorithm parameters inside") { $0[[0, 2]].children?.removeLast() },
        Form("issuer in another letter case") { $0[[0, 3, 0, 0, 1]].bytes[0] ^= 0x20 },
        Form("issuer in another string type") { $0[[0, 3, 0, 0, 1]].tag = 0x13 },
        Form("issuer with blanks around it") { $0[[0, 3, 0, 0, 1]].bytes = Array("  oracle  ".utf8) },
        Form("another issuer") { $0[[0, 3, 0, 0, 1]].bytes = Array("orakel".utf8) },
        Form("empty issuer") { $0[[0, 3]] = .sequence([]) },
        Form("empty subject", isCA: false) { $0[[0, 5]] = .sequence([]) },
        Form("issuerUniqueID") { $0[tbs].children?.insert(Element(0x81, [0, 1]), at: 7) },
        Form("both unique IDs") {
            $0[tbs].children?.insert(contentsOf: [Element(0x81, [0, 1]), Element(0x82, [0, 1])], at: 7)
        },
        Form("UTCTime without seconds", time(0, 0x17, "2001010000Z")),
        Form("UTCTime with an offset", time(0, 0x17, "200101000000+0100")),
        Form("GeneralizedTime before 2050", time(0, 0x18, "20200101000000Z")),
        Form("GeneralizedTime with a fraction", time(0, 0x18, "20200101000000.5Z")),
        Form("GeneralizedTime without seconds", time(0, 0x18, "202001010000Z")),
        Form("a month that is none", time(0, 0x17, "201301000000Z")),
        Form("the end before the beginning", time(1, 0x17, "190101000000Z")),
        Form("over", time(1, 0x17, "210101000000Z")), Form("still to come", time(0, 0x18, "20490101000000Z")),
        Form("BOOLEAN 01", value(0, [0x30, 0x03, 0x01, 0x01, 0x01])),
        Form("critical 01") { $0[list + [0, 1]] = Element(0x01, [0x01]) },
        Form("critical FALSE written out") { $0[list + [0, 1]] = Element(0x01, [0x00]) },
        Form("critical of two octets") { $0[list + [0, 1]] = Element(0x01, [0xFF, 0xFF]) },
        Form("cA FALSE", value(0, [0x30, 0x00])),
        Form("cA FALSE written out", value(0, [0x30, 0x03, 0x01, 0x01, 0x00])),
        Form("no basicConstraints") { $0[list].children?.remove(at: 0) },
        Form("no keyUsage") { $0[list].children?.remove(at: 1) },
        Form("keyUsage without keyCertSign", value(1, [0x03, 0x02, 0x05, 0xA0])),
        Form("empty keyUsage", value(1, [0x03, 0x01, 0x00])),
        Form("keyUsage with unused bits set", value(1, [0x03, 0x02, 0x03, 0x06])),
        Form("keyUsage of nine bits", value(1, [0x03, 0x03, 0x07, 0x06, 0x80])),
        Form("path length 0", value(0, [0x30, 0x06, 0x01, 0x01, 0xFF, 0x02, 0x01, 0x00])),
        Form("negative path length", value(0, [0x30, 0x06, 0x01, 0x01, 0xFF, 0x02, 0x01, 0xFF])),
        Form("path length above 255", value(0, [0x30, 0x07, 0x01, 0x01, 0xFF, 0x02, 0x02, 0x01, 0x00])),
        Form("path length without cA", value(0, [0x30, 0x03, 0x02, 0x01, 0x00])),
        Form("trailing element in basicConstraints", value(0, [0x30, 0x05, 0x01, 0x01, 0xFF, 0x05, 0x00])),
        Form("trailing element in keyUsage", value(1, [0x03, 0x02, 0x01, 0x06, 0x05, 0x00])),
        Form("basicConstraints twice", adding(item(19, [0x30, 0x03, 0x01, 0x01, 0xFF]))),
        Form("keyUsage twice", adding(item(15, [0x03, 0x02, 0x01, 0x06]))),
        Form("extKeyUsage twice", isCA: false, adding(item(37, [0x30, 0x03, 0x06, 0x01, 0x2A]))),
        Form("unknown extension", adding(item(126, [0x05, 0x00]))),
        Form("unknown extension twice", adding(item(126, [0x05, 0x00]), item(126, [0x05, 0x00]))),
        Form("unknown critical extension", adding(item(126, critical: [0xFF], [0x05, 0x00]))),
        Form("unknown critical extension, the last", isCA: false, adding(item(126, critical: [0xFF], [0x05, 0x00]))),
        Form("unknown critical 01", adding(item(126, critical: [0x01], [0x05, 0x00]))),
        Form("critical extKeyUsage", adding(item(37, critical: [0xFF], [0x30, 0x04, 0x06, 0x02, 0x2A, 0x03]))),
        Form(
            "critical certificatePolicies",
            adding(item(32, critical: [0xFF], [0x30, 0x05, 0x30, 0x03, 0x06, 0x01, 0x2A]))),
        Form(
            "critical nameConstraints",
            adding(item(30, critical: [0xFF], [0x30, 0x07, 0xA1, 0x05, 0x30, 0x03, 0x82, 0x01, 0x78]))),
        Form("empty extensions") { $0[list] = .sequence([]) },
        Form("cA without keyCertSign", isCA: false) {
            $0[list].children?.append(item(19, critical: [0xFF], [0x30, 0x03, 0x01, 0x01, 0xFF]))
            $0[list].children?.removeAll { $0.children?.first?.bytes == [0x55, 0x1D, 37] }
        },
        Form("length of the signature padded") { $0[[1]].length = .padded(1) },
        Form("length of an extension padded") { $0[list + [0]].length = .padded(1) },
        Form("trailing element in tbsCertificate") { $0[tbs].children?.append(Element(0x05, [UInt8]())) },
        Form("trailing octet") { $0.trailing = [0] },
        Form("RSA key without NULL") { $0[[0, 6, 0]].children?.removeLast() },
        Form("negative modulus") { $0[[0, 6, 1, 0, 0]].bytes.removeFirst() },
        Form("even exponent") { $0[[0, 6, 1, 0, 1]].bytes = [1, 0, 0] },
        Form("another kind of key") { $0[[0, 6, 0, 0]] = .identifier("1.2.840.113549.1.1.10") },
    ]

    @Test func `what is trusted, OpenSSL trusts, or there is a reason`() throws {
        let made = try Made()
        var unexplained: [String] = []
        var (bothTrust, strict) = (0, Set<String>())
        for form in Self.forms {
            let chain = try made.chain(form)
            switch (chain.ourRefusal(), chain.theirRefusal()) {
            case (nil, nil): bothTrust += 1
            case (.some, .some): break
            case (nil, let reason?): unexplained.append("\(form.name): trusted here, and OpenSSL says \(reason)")
            case (let word?, nil):
                strict.insert(form.name)
                if Self.strict[form.name] == nil {
                    unexplained.append("\(form.name): \(word) here, and OpenSSL trusts it")
                }
            }
        }
        print("oracles: \(Self.forms.count) forms: both trust \(bothTrust), refused here only \(strict.count)")
        for text in unexplained { Issue.record("\(text)") }
        #expect(bothTrust > 15)
        for name in Set(Self.strict.keys).subtracting(strict).sorted() {
            Issue.record("no reason is needed for \(name)")
        }
    }

    /// Root, CA and RA, of which a form changes one.
    private struct Made {
        let (rootKey, caKey, raKey): (PrivateKey, PrivateKey, PrivateKey)
        let (root, ca, ra): (Certificate, Certificate, Certificate)

        init() throws {
            (rootKey, caKey, raKey) = (
                try PrivateKey.generate(.rsa2048), try PrivateKey.generate(.rsa2048), try PrivateKey.generate(.rsa2048)
            )
            let authority = [
                ExtensionText("basicConstraints", "critical,CA:TRUE"),
                ExtensionText("keyUsage", "critical,keyCertSign,cRLSign"),
            ]
            root = try Self.contents("oracle", rootKey, authority).signed(with: rootKey, issuer: nil, digest: .sha256)
            ca = try Self.contents("issuer", caKey, authority).signed(with: rootKey, issuer: root, digest: .sha256)
            ra = try Self.contents(
                "RA", raKey,
                [
                    ExtensionText("keyUsage", "digitalSignature,keyEncipherment"),
                    ExtensionText("extendedKeyUsage", "1.3.6.1.5.5.7.3.28"),
                ]
            ).signed(with: caKey, issuer: ca, digest: .sha256)
        }

        private static func contents(_ name: String, _ key: PrivateKey, _ extensions: [ExtensionText]) throws
            -> CertificateContents
        {
            CertificateContents(
                subject: try DistinguishedName([("CN", name)]), publicKey: try key.publicKey(), serial: [0x12, 0x34],
                notBefore: Date(timeIntervalSince1970: 1_600_000_000),
                notAfter: Date(timeIntervalSince1970: 2_000_000_000), extensions: extensions)
        }

        func chain(_ form: Form) throws -> Chain {
            var changed = try #require(Element(der: form.isCA ? ca.der : ra.der))
            form.change(&changed)
            try sign(&changed, form.isCA ? rootKey : caKey, .sha256)
            return Chain(
                target: form.isCA ? ra.der : changed.encoding, others: [form.isCA ? changed.encoding : ca.der],
                root: root.der, time: 1_700_000_000)
        }
    }
}
