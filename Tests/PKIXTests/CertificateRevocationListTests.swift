import DER
import DeviceCrypto
import Foundation
import TestSupport
import Testing

@testable import PKIX

/// A CRL put together of parts, each of which can be a bad one. The signature is not one.
private struct ListParts {
    var version: [UInt8] = [1].tagged(0x02)
    var algorithm = [UInt8](hex: "300D 06092A864886F70D01010B 0500")
    var outerAlgorithm: [UInt8]?
    var issuer = [UInt8](hex: "300C 310A 3008 0603550403 0C0141")
    var thisUpdate = Array("260101000000Z".utf8).tagged(0x17)
    var nextUpdate = Array("20500101000000Z".utf8).tagged(0x18)
    var entries: [UInt8]?
    var extensions: [UInt8] = []
    var afterExtensions: [UInt8] = []
    var signature = ([0x00] + [UInt8](repeating: 9, count: 256)).tagged(0x03)
    var afterSignature: [UInt8] = []

    /// What may be critical is said by the bytes between identifier and value.
    static func item(critical: String = "") -> [UInt8] {
        ([UInt8](hex: "0603551D15") + [UInt8](hex: critical) + [UInt8](hex: "0A0101").tagged(0x04)).tagged(0x30)
    }

    static func entry(_ serial: String, after: [UInt8] = []) -> [UInt8] {
        ([UInt8](hex: serial).tagged(0x02) + Array("260101000000Z".utf8).tagged(0x17) + after).tagged(0x30)
    }

    var der: [UInt8] {
        let content =
            version + algorithm + issuer + thisUpdate + nextUpdate + (entries?.tagged(0x30) ?? []) + extensions
            + afterExtensions
        return (content.tagged(0x30) + (outerAlgorithm ?? algorithm) + signature + afterSignature).tagged(0x30)
    }

    static func changed(_ change: (inout ListParts) -> Void) -> [UInt8] {
        var parts = ListParts()
        change(&parts)
        return parts.der
    }
}

extension Defect {
    fileprivate init(
        list name: String, _ kind: DERError.Kind, at place: String, _ change: (inout ListParts) -> Void
    ) {
        self.init(name, kind, at: place, ListParts.changed(change))
    }
}

@Suite struct CertificateRevocationListTests {
    private func revokes(_ der: [UInt8], _ serial: String) throws -> Bool {
        let number = [UInt8](hex: serial)
        var reader = DERReader(der.span)
        return try CertificateRevocationList(&reader).revokes(number.span)
    }

    @Test func partsAreRead() throws {
        var parts = ListParts()
        parts.entries = ListParts.entry("05") + ListParts.entry("00FF")
        let buffer = [0x05, 0x00] + parts.der + [0xFF]
        var reader = DERReader(buffer.span, in: 2..<(buffer.count - 1))
        let list = try CertificateRevocationList(&reader)
        try reader.finish()
        #expect(list.signed.range == 2..<(buffer.count - 1))
        #expect(list.issuer.array == parts.issuer)
        #expect(list.thisUpdate == 1_767_225_600 && list.nextUpdate == 2_524_608_000)
        #expect(list.signed.algorithm == SignatureAlgorithm(scheme: .rsa, digest: .sha256))
        for (serial, isRevoked) in [("05", true), ("00FF", true), ("FF", false), ("06", false), ("", false)] {
            let number = [UInt8](hex: serial)
            #expect(try list.revokes(number.span) == isRevoked, "\(serial)")
        }
    }

    /// What old and small authorities leave out.
    @Test func whatIsOptionalMayBeMissing() throws {
        let bare = ListParts.changed {
            $0.version = []
            $0.nextUpdate = []
        }
        var reader = DERReader(bare.span)
        let nextUpdate = try CertificateRevocationList(&reader).nextUpdate
        #expect(nextUpdate == nil)
        #expect(try !revokes(bare, "05"))
        let empty = ListParts.changed { $0.entries = [] }
        #expect(try !revokes(empty, "05"))
        let harmless = ListParts.changed {
            $0.entries = ListParts.entry("05", after: ListParts.item(critical: "010100").tagged(0x30))
            $0.extensions = (ListParts.item() + ListParts.item()).tagged(0x30).tagged(0xA0)
        }
        #expect(try revokes(harmless, "05"))
    }

    /// What openssl writes, and what it says of it.
    @Test(
        arguments: [
            ("rsa:2048", [], []), ("rsa:2048", ["authorityKeyIdentifier=keyid:always"], ["-md", "sha512"]),
            ("P-256", ["authorityKeyIdentifier=keyid:always"], []), ("P-384", [], ["-md", "sha384"]),
        ] as [(String, [String], [String])])
    func opensslsListsAreRead(key: String, extensions: [String], options: [String]) throws {
        let newKey = key.hasPrefix("P") ? ["ec", "-pkeyopt", "ec_paramgen_curve:\(key)"] : [key]
        let ca = try OpenSSLIdentity(subject: "/O=Example/CN=CA", newKey: newKey)
        let revoked = ["05", "7FFF", "80", "0102030405060708090A0B0C0D0E0F1011121314"]
        let reasons = ["", ",keyCompromise", ",CACompromise", ",certificateHold"]
        let der = try ca.revocationList(
            of: zip(revoked, reasons).map { $0 + $1 }, extensions: extensions,
            options: options + ["-crl_lastupdate", "20260102030405Z", "-crl_nextupdate", "20510102030405Z"])
        let text = String(
            decoding: try OpenSSL.run(["crl", "-inform", "DER", "-noout", "-text"], input: der), as: UTF8.self)
        for serial in revoked { #expect(text.contains("Serial Number: \(serial)\n")) }

        var reader = DERReader(der.span)
        let list = try CertificateRevocationList(&reader)
        let issuer = try Certificate(ca.der.span)
        #expect(list.issuer.array == issuer.subject.array)
        #expect(list.thisUpdate == 1_767_323_045 && list.nextUpdate == 2_556_241_445)
        try list.signed.verify(signedBy: issuer.subjectPublicKeyInfo)
        for serial in revoked {
            let magnitude = [UInt8](hex: serial)
            let number = magnitude[0] >= 0x80 ? [0] + magnitude : magnitude
            #expect(try list.revokes(number.span), "\(serial)")
        }
        for serial in ["04", "06", "7FFE", "00", "0080FF", "0102030405060708090A0B0C0D0E0F1011121315"] {
            let number = [UInt8](hex: serial)
            #expect(try !list.revokes(number.span), "\(serial)")
        }
        // One bit of what is signed, or of the signature, turned over.
        for position in [der.count - 1, list.signed.range.lowerBound + 60] {
            var forged = der
            forged[position] ^= 1
            #expect(throws: (any Error).self) {
                var reader = DERReader(forged.span)
                try CertificateRevocationList(&reader).signed.verify(signedBy: issuer.subjectPublicKeyInfo)
            }
        }
    }

    /// Thousands of entries; the one that counts is the last one.
    @Test func longListsAreRead() throws {
        let serials = (1...1500).map { String(0x10000 + $0, radix: 16) }.map { $0.count % 2 == 0 ? $0 : "0" + $0 }
        let ca = try OpenSSLIdentity.authority
        let der = try ca.revocationList(of: serials.map { $0 + ",superseded" })
        #expect(der.count > 50_000)
        let last = try #require(serials.last)
        #expect(try revokes(der, last) && !revokes(der, "0105DD"))
        // As of a large authority: half a megabyte and more.
        let many = (0..<20_000).map { "10" + String(0x10000 + $0, radix: 16).suffix(4) }
        let longer = try ca.revocationList(of: many + [last])
        #expect(longer.count > 400_000)
        #expect(try revokes(longer, last) && !revokes(longer, "0105DD"))
    }

    /// Lists that are not complete, or not of one authority (RFC 5280, 5.2.4 and 5.2.5), are told apart by what they are for.
    @Test(
        arguments: [
            ("2.5.29.27=critical,ASN1:INTEGER:5", [], .delta), ("2.5.29.27=ASN1:INTEGER:5", [], .delta),
            ("issuingDistributionPoint=critical,@p", ["onlyCA=TRUE"], .caCertificates),
            ("issuingDistributionPoint=@p", ["onlyCA=TRUE"], .caCertificates),
            ("issuingDistributionPoint=critical,@p", ["onlysomereasons=keyCompromise"], .someReasons),
            ("issuingDistributionPoint=critical,@p", ["indirectCRL=TRUE"], .indirect),
            ("issuingDistributionPoint=critical,@p", ["onlyAA=TRUE"], .attributeCertificates),
            ("issuingDistributionPoint=critical,@p", ["relativename=n", "[n]", "CN=part"], .otherDistributionPoint),
            ("issuingDistributionPoint=critical,@p", ["fullname=URI:http://x/y", "indirectCRL=TRUE"], .indirect),
            ("issuingDistributionPoint=critical,@p", ["fullname=URI:http://x/y", "onlyuser=TRUE"], nil),
        ] as [(String, [String], CertificateRevocationList.Limit?)])
    func partialListsAreNamed(item: String, point: [String], limit: CertificateRevocationList.Limit?) throws {
        let der = try OpenSSLIdentity.authority.revocationList(extensions: [item, "[p]"] + point)
        var reader = DERReader(der.span)
        #expect(try CertificateRevocationList(&reader).limit == limit)
    }

    /// URIs, as in distribution points: a, b and so on.
    private static func names(_ letters: String) -> [UInt8] {
        letters.utf8.flatMap { [UInt8](hex: "8601") + [$0] }.tagged(0xA0)
    }

    /// cRLDistributionPoints of points with these names (RFC 5280, 4.2.1.13); `-` is one named relative to its issuer,
    /// and `.` one without a name.
    private static func points(_ points: [String]) -> [UInt8] {
        let list = points.flatMap { point -> [UInt8] in
            switch point {
            case "-": [UInt8](hex: "A10A 3008 0603550403 0C0161").tagged(0xA0).tagged(0x30)
            case ".": [UInt8](hex: "A202 A400").tagged(0x30)
            default: names(point).tagged(0xA0).tagged(0x30)
            }
        }
        return Parts.item(31, list.tagged(0x30).hex)
    }

    /// A list of this scope, the fields of its IssuingDistributionPoint in hexadecimal.
    private static func list(_ fields: [String], others: [UInt8] = []) -> [UInt8] {
        let point = fields.flatMap { [UInt8](hex: $0) }.tagged(0x30)
        return ListParts.changed {
            $0.extensions = (others + Parts.item(28, critical: [1, 1, 0xFF], point.hex)).tagged(0x30).tagged(0xA0)
        }
    }

    private static func point(_ letters: String) -> String { names(letters).tagged(0xA0).hex }

    /// Whether a list covers a certificate (RFC 5280, 5.2.5 and 6.3.3).
    static let coverage: [(String, [String]?, isCA: Bool, [String], CertificateRevocationList.Limit?)] = [
        ("no scope", nil, false, [], nil), ("the same point", ["a"], false, [point("a")], nil),
        ("the last name of both", ["ab"], false, [point("cb")], nil),
        ("the first name of both", ["bc"], false, [point("bd")], nil),
        ("no common name", ["ab"], false, [point("cd")], .otherDistributionPoint),
        ("the second point", ["a", "b"], false, [point("b")], nil),
        ("behind a relative one", ["-", "b"], false, [point("b")], nil),
        ("behind one without a name", [".", "b"], false, [point("b")], nil),
        ("a relative one alone", ["-"], false, [point("a")], .otherDistributionPoint),
        ("none with a name", ["."], false, [point("a")], .otherDistributionPoint),
        ("no points", [], false, [point("a")], .otherDistributionPoint),
        ("no extension", nil, false, [point("a")], nil),
        ("a list at a relative point", ["-"], false, ["A00C A10A 3008 0603550403 0C0161"], .otherDistributionPoint),
        ("users, of whom it is one", nil, false, ["8101FF"], nil),
        ("users, written in another way", nil, true, ["810101"], .userCertificates),
        ("users, and a CA", nil, true, ["8101FF"], .userCertificates),
        ("not users alone, and a CA", nil, true, ["810100"], nil),
        ("users, a CA, another point", ["b"], true, [point("a"), "8101FF"], .userCertificates),
        ("users, another point", ["b"], false, [point("a"), "8101FF"], .otherDistributionPoint),
        ("users, the same point", ["b"], false, [point("b"), "8101FF"], nil),
        ("CAs, and a user", nil, false, ["8201FF"], .caCertificates),
        ("CAs, and a CA", nil, true, ["8201FF"], .caCertificates),
        ("not CAs alone", nil, false, ["820100"], nil), ("some reasons", nil, false, ["83020640"], .someReasons),
        ("indirect", nil, false, ["8401FF"], .indirect), ("not indirect", nil, false, ["840100"], nil),
        ("attributes", nil, false, ["8501FF"], .attributeCertificates), ("no attributes", nil, false, ["850100"], nil),
        ("the first of two limits", nil, false, ["8201FF", "8401FF"], .caCertificates),
        ("a limit behind none", nil, false, ["820100", "8401FF"], .indirect),
        ("a limit at the same point", ["a"], false, [point("a"), "8401FF"], .indirect),
    ]

    @Test(arguments: coverage.indices) func aListCovers(row: Int) throws {
        let (name, points, isCA, fields, limit) = Self.coverage[row]
        let items = (isCA ? Parts.item(0x13, "3003 0101FF") : []) + (points.map(Self.points) ?? [])
        let der = Parts.changed { if !items.isEmpty { $0.extensions = Parts.extensions(items) } }
        let certificate = try Certificate(der.span)
        let list = Self.list(fields)
        var reader = DERReader(list.span)
        let parsed = try CertificateRevocationList(&reader)
        #expect(parsed.limit(for: certificate) == limit, "\(name)")
    }

    /// A certificate whose points cannot be read is covered by no list that is for one.
    @Test(arguments: ["0500", "3002 0500", "3004 3002 0500", "3008 3006 A004 A002 8605"])
    func pointsThatCannotBeRead(value: String) throws {
        let list = Self.list([Self.point("a")])
        let whole = Self.list([])
        let der = Parts.changed { $0.extensions = Parts.extensions(Parts.item(31, value)) }
        let certificate = try Certificate(der.span)
        var reader = DERReader(list.span)
        #expect(try CertificateRevocationList(&reader).limit(for: certificate) == .otherDistributionPoint)
        reader = DERReader(whole.span)
        #expect(try CertificateRevocationList(&reader).limit(for: certificate) == nil)
    }

    /// That it has changes alone is said first, whichever stands first.
    @Test func aDeltaIsNamedFirst() throws {
        let list = Self.list(["8201FF"], others: Parts.item(27, critical: [1, 1, 0xFF], "020105"))
        var reader = DERReader(list.span)
        #expect(try CertificateRevocationList(&reader).limit == .delta)
    }

    /// Only under 2.5.29 X.509 has its extensions.
    @Test(arguments: ["0603561D1C", "0603551E1C", "06032A031B", "0604551D1C01"])
    func othersIdentifiersAreOthers(identifier: String) throws {
        func list(critical: String) -> [UInt8] {
            let item = [UInt8](hex: identifier + critical) + [UInt8](hex: "3003 8201FF").tagged(0x04)
            return ListParts.changed { $0.extensions = item.tagged(0x30).tagged(0x30).tagged(0xA0) }
        }
        let known = list(critical: "")
        var reader = DERReader(known.span)
        #expect(try CertificateRevocationList(&reader).limit == nil)
        #expect {
            try revokes(list(critical: "0101FF"), "05")
        } throws: {
            ($0 as? DERError)?.kind == .unknownCriticalExtension
        }
    }

    static let badScopes: [(String, DERError.Kind, String)] = [
        ("8601FF", .unexpectedTag, "8601FF"), ("8102FFFF", .invalidBoolean, "8102FFFF"),
        ("8200", .invalidBoolean, "8200 300D"), ("8402FFFF", .invalidBoolean, "8402FFFF"),
        ("8502FFFF", .invalidBoolean, "8502FFFF"), ("A006 A000 0C027777", .trailingBytes, "0C027777"),
        ("A000", .truncated, "300D06092A864886F70D01010B0500 03820101"),
    ]

    @Test(arguments: badScopes.indices) func whatIsNoScopeIsRefused(row: Int) throws {
        let (field, kind, place) = Self.badScopes[row]
        let der = Self.list([field])
        let offset = try #require(der.firstRange(of: [UInt8](hex: place))).lowerBound
        #expect(throws: DERError(kind, at: offset)) { try revokes(der, "05") }
    }

    @Test func unknownCriticalExtensionsAreRefused() throws {
        let der = try OpenSSLIdentity.authority.revocationList(extensions: ["1.2.3.4=critical,ASN1:NULL"])
        #expect {
            try revokes(der, "05")
        } throws: {
            ($0 as? DERError)?.kind == .unknownCriticalExtension
        }
    }

    /// Critical or not: a reason and the date since when revoke; that one was taken out of a list is for deltas
    /// (RFC 5280, 5.3.1); what is not known is not passed over.
    @Test(
        arguments: [
            ("15", "0101FF", "0403 0A0101", true), ("15", "", "0403 0A0106", true),
            ("15", "0101FF", "0403 0A0108", false),
            ("15", "", "0403 0A0108", false), ("15", "0101FF", "0400", false),
            ("18", "0101FF", "0411 180F 32303236303130313030303030305A", true),
            ("1D", "0101FF", "0402 3000", false), ("1D", "", "0402 3000", true), ("17", "0101FF", "0402 0600", false),
        ] as [(String, String, String, Bool)])
    func entriesAreCheckedByWhatTheySay(number: String, critical: String, value: String, isRead: Bool) throws {
        let item = [UInt8](hex: "0603551D" + number + critical + value).tagged(0x30)
        var parts = ListParts()
        parts.entries = ListParts.entry("05", after: item.tagged(0x30))
        let der = parts.der
        guard isRead else {
            #expect {
                try revokes(der, "05")
            } throws: {
                ($0 as? DERError)?.kind == .unknownCriticalExtension
            }
            return
        }
        #expect(try revokes(der, "05"))
    }

    /// All entries are read, those behind the one that is sought too.
    @Test func entriesBehindTheOneThatIsSoughtAreChecked() throws {
        let unknown = [UInt8](hex: "0603551D1D 0101FF 0402 3000").tagged(0x30)
        for entries in [
            ListParts.entry("05") + ListParts.entry("06", after: unknown.tagged(0x30)),
            ListParts.entry("06", after: unknown.tagged(0x30)) + ListParts.entry("05"),
        ] {
            var parts = ListParts()
            parts.entries = entries
            let der = parts.der
            #expect {
                try revokes(der, "05")
            } throws: {
                ($0 as? DERError)?.kind == .unknownCriticalExtension
            }
        }
    }

    static let defects: [Defect] = [
        Defect("not a sequence", .unexpectedTag, at: "31", [0x31, 0x00]),
        Defect("nothing in it", .truncated, at: "", [0x30, 0x00]),
        Defect(list: "bytes behind the signature", .trailingBytes, at: "0500FADE") {
            $0.afterSignature = [0x05, 0x00, 0xFA, 0xDE]
        },
        Defect(list: "version 3", .invalidInteger, at: "020102") { $0.version = [2].tagged(0x02) },
        Defect(list: "two algorithms", .unsupportedAlgorithm, at: "300D 06092A864886F70D01010C 0500") {
            $0.outerAlgorithm = [UInt8](hex: "300D 06092A864886F70D01010C 0500")
        },
        Defect(list: "issuer not a sequence", .unexpectedTag, at: "3100 170D") { $0.issuer = [0x31, 0x00] },
        Defect(list: "no time", .invalidTime, at: "0500 180F") { $0.thisUpdate = [0x05, 0x00] },
        Defect(list: "a day that is none", .invalidTime, at: "170D 323630323330") {
            $0.thisUpdate = Array("260230000000Z".utf8).tagged(0x17)
        },
        Defect(list: "a next day that is none", .invalidTime, at: "170D 323630323330") {
            $0.nextUpdate = Array("260230000000Z".utf8).tagged(0x17)
        },
        Defect(list: "three times", .trailingBytes, at: "1700") { $0.nextUpdate += [0x17, 0x00] },
        Defect(list: "signature with unused bits", .invalidBitString, at: "030204F0") {
            $0.signature = [0x03, 0x02, 0x04, 0xF0]
        },
        Defect(list: "entry not a sequence", .unexpectedTag, at: "0500 300D") { $0.entries = [0x05, 0x00] },
        Defect(list: "entry without a number", .unexpectedTag, at: "170D 32363031") {
            $0.nextUpdate = []
            $0.thisUpdate = Array("20260101000000Z".utf8).tagged(0x18)
            $0.entries = Array("260101000000Z".utf8).tagged(0x17).tagged(0x30)
        },
        Defect(list: "entry without a time", .truncated, at: "300D06092A864886F70D01010B0500 03820101") {
            $0.entries = [UInt8](hex: "3003 020105")
        },
        Defect(list: "entry with a padded number", .invalidInteger, at: "02020005") {
            $0.entries = ListParts.entry("0005")
        },
        Defect(list: "bytes behind an entry", .trailingBytes, at: "0577") {
            $0.entries = ListParts.entry("05", after: [0x05, 0x77])
        },
        Defect(list: "critical with another true", .unknownCriticalExtension, at: "300D 0603551D15 010101") {
            $0.extensions = ListParts.item(critical: "010101").tagged(0x30).tagged(0xA0)
        },
        Defect(list: "critical", .unknownCriticalExtension, at: "300D 0603551D15 0101FF") {
            $0.extensions = (ListParts.item() + ListParts.item(critical: "0101FF")).tagged(0x30).tagged(0xA0)
        },
        Defect(list: "extension without a value", .truncated, at: "300D06092A864886F70D01010B0500 03820101") {
            $0.extensions = [UInt8](hex: "3005 0603551D15").tagged(0x30).tagged(0xA0)
        },
        Defect(list: "bytes behind the extensions", .trailingBytes, at: "0588") {
            $0.extensions = ([UInt8](hex: "3000") + [0x05, 0x88]).tagged(0xA0)
        },
        Defect(list: "a scope that is none", .unexpectedTag, at: "0500 300D") {
            $0.extensions = Parts.item(28, "0500").tagged(0x30).tagged(0xA0)
        },
        Defect(list: "bytes behind the scope", .trailingBytes, at: "0577") {
            $0.extensions = Parts.item(28, "3000 0577").tagged(0x30).tagged(0xA0)
        },
        Defect(list: "bytes behind an extension's value", .trailingBytes, at: "0577") {
            $0.extensions = [UInt8](hex: "300B 0603551D1C 0402 3000 0577").tagged(0x30).tagged(0xA0)
        },
        Defect(list: "bytes behind all", .trailingBytes, at: "0599") {
            $0.extensions = [UInt8](hex: "A002 3000")
            $0.afterExtensions = [0x05, 0x99]
        },
    ]

    @Test(arguments: defects) func aDefectIsNamedAndPlaced(_ defect: Defect) throws {
        let offset = defect.place.isEmpty ? 2 : try #require(defect.der.firstRange(of: defect.place)).lowerBound
        #expect(throws: DERError(defect.kind, at: offset)) { try revokes(defect.der, "05") }
    }

    @Test func damagedListsDoNotTrap() throws {
        let der = try OpenSSLIdentity.authority.revocationList(of: ["05,keyCompromise", "06"])
        for count in der.indices { #expect(throws: DERError.self) { try revokes(Array(der[..<count]), "05") } }
        for position in der.indices {
            for bit in 0..<8 {
                var damaged = der
                damaged[position] ^= 1 << bit
                _ = try? revokes(damaged, "05")
            }
        }
    }
}
