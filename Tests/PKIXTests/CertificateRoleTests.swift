import DER
import TestSupport
import Testing

@testable import PKIX

/// What a certificate says of its holder, and what forbids to use it.
@Suite struct CertificateRoleTests {
    private static let isCA = Parts.item(0x13, "3003 0101FF")
    /// Purposes: the client of TLS alone, and a registration authority's too (RFC 6402, 2.10).
    private static let client = Parts.item(0x25, "300A 0608 2B06010505070302")
    private static let mark = Parts.item(0x25, "3014 0608 2B06010505070302 0608 2B0601050507031C")

    private static func usage(_ bits: String) -> [UInt8] { Parts.item(0x0F, "0302" + bits) }

    /// keyCertSign is bit 5 (RFC 5280, 4.2.1.3).
    static let rows: [(String, [[UInt8]], Certificate.Role)] = [
        ("nothing", [], .other), ("cA", [isCA], .ca), ("cA, keyCertSign", [isCA, usage("0204")], .ca),
        ("cA, keyCertSign and cRLSign", [isCA, usage("0106")], .ca),
        ("cA, all but keyCertSign", [isCA, usage("01FA")], .other), ("cA, cRLSign", [isCA, usage("0102")], .other),
        ("cA, no use at all", [isCA, Parts.item(0x0F, "0301 00")], .other),
        ("keyCertSign without cA", [Parts.item(0x13, "3000"), usage("0204")], .other),
        ("another purpose", [client], .other), ("a mark", [mark], .ra),
        ("a mark and a use", [mark, usage("0520")], .ra),
        ("cA and a mark", [isCA, mark], .ca), ("cA, keyCertSign, a mark", [isCA, mark, usage("0204")], .ca),
        ("cA, another use, a mark", [isCA, mark, usage("0520")], .ra),
    ]

    @Test(arguments: rows.indices) func roleByExtensions(row: Int) throws {
        let (name, extensions, role) = Self.rows[row]
        let der = Parts.changed {
            $0.extensions = extensions.isEmpty ? nil : extensions.flatMap { $0 }.tagged(0x30).tagged(0xA3)
        }
        let certificate = try Certificate(der.span)
        #expect(certificate.role == role, "\(name)")
        #expect(certificate.isCA == (role == .ca), "\(name)")
        // A keyUsage without a bit openssl does not read.
        if name != "cA, no use at all" {
            #expect(try opensslsWord(of: der) == (role == .ca ? "Yes" : "No"), "\(name)")
        }
    }

    /// Of version 1 there are no extensions: whoever issued himself may be one. Of version 2 there are none either.
    @Test(
        arguments: [
            (1, true, .ca, "Yes (WARNING code=3)"), (1, false, .other, "No"), (2, true, .other, "No"),
            (3, true, .other, "No"),
        ] as [(UInt8, Bool, Certificate.Role, String)])
    func roleByVersion(version: UInt8, isSelfIssued: Bool, role: Certificate.Role, word: String) throws {
        let der = Parts.changed {
            $0.version = version == 1 ? [] : [version - 1].tagged(0x02).tagged(0xA0)
            if isSelfIssued { $0.subject = $0.issuer }
        }
        let certificate = try Certificate(der.span)
        #expect(certificate.version == Int(version) && certificate.role == role)
        #expect(certificate.isSelfIssued == isSelfIssued && certificate.isCA == (role == .ca))
        #expect(try opensslsWord(of: der) == word)
    }

    /// Whether openssl takes the holder for a CA.
    private func opensslsWord(of der: [UInt8]) throws -> String? {
        let text = String(
            decoding: try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-purpose"], input: der), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("CRL signing CA : ") }
        return line.map { String($0.dropFirst("CRL signing CA : ".count)) }
    }

    /// The first critical extension that is not checked here, and a critical extKeyUsage of a CA's (RFC 5280, 4.2).
    @Test func whatForbidsItsUse() throws {
        let critical = [UInt8](hex: "0101FF")
        let (constraints, mapping) = (
            Parts.item(0x1E, critical: critical, "3000"), Parts.item(0x21, critical: critical, "3000")
        )
        let purposes = Parts.item(0x25, critical: critical, "300A 0608 2B06010505070302")
        let private1 = ([UInt8](hex: "06032A0304 0101FF") + [UInt8](hex: "3000").tagged(0x04)).tagged(0x30)
        let rows: [([[UInt8]], String)] = [
            ([], ""), ([Self.isCA], ""), ([Self.isCA, Self.client], ""), ([purposes], ""),
            ([Parts.item(0x11, critical: critical, "3000")], ""), ([Parts.item(0x1E, "3000")], ""),
            (
                [
                    Parts.item(0x13, critical: critical, "3003 0101FF"),
                    Parts.item(0x0F, critical: critical, "0302 0204"),
                ], ""
            ),
            ([constraints], "551D1E"), ([constraints, mapping], "551D1E"), ([mapping, constraints], "551D21"),
            ([private1, mapping], "2A0304"), ([Self.isCA, purposes], "551D25"), ([purposes, Self.isCA], "551D25"),
            ([Self.isCA, purposes, mapping], "551D21"), ([purposes, constraints], "551D1E"),
        ]
        for (number, (extensions, identifier)) in rows.enumerated() {
            let der = Parts.changed { $0.extensions = extensions.flatMap { $0 }.tagged(0x30).tagged(0xA3) }
            let buffer = [0x05, 0x00] + der
            var reader = DERReader(buffer.span, in: 2..<buffer.count)
            let range = try Certificate(&reader).forbiddingExtension
            #expect(Array(buffer[range]) == [UInt8](hex: identifier), "row \(number)")
        }
    }

    /// Only under 2.5.29 X.509 has its extensions.
    @Test(arguments: ["0603561D", "0603551E", "06032A03"]) func othersIdentifiersAreOthers(start: String) throws {
        func item(_ arc: UInt8, _ value: String, behind: String = "") -> [UInt8] {
            let identifier = [UInt8](hex: start) + [arc] + [UInt8](hex: behind)
            let sized = [0x06, UInt8(identifier.count - 2)] + identifier.dropFirst(2)
            return (sized + [UInt8](hex: value).tagged(0x04)).tagged(0x30)
        }
        for behind in ["", "01"] {
            let der = Parts.changed {
                $0.extensions = Parts.extensions(
                    item(0x13, "3003 0101FF", behind: behind), item(0x0F, "0302 0204", behind: behind),
                    item(0x25, "300A 0608 2B0601050507031C", behind: behind))
            }
            #expect(try Certificate(der.span).extensions == Certificate.Extensions())
        }
        let longer = Parts.changed {
            $0.extensions = Parts.extensions(
                ([UInt8](hex: "0604 551D1301") + [UInt8](hex: "3003 0101FF").tagged(0x04)).tagged(0x30))
        }
        #expect(try Certificate(longer.span).extensions == Certificate.Extensions())
    }

    /// issuerUniqueID and subjectUniqueID (RFC 5280, 4.1.2.8), which nobody writes any more.
    @Test(arguments: [("8102 0055", "Issuer"), ("8202 0055", "Subject"), ("8102 0055 8202 0055", "Issuer")])
    func uniqueIdentifiersArePassedOver(identifiers: String, word: String) throws {
        for version: UInt8 in [2, 3] {
            let der = Parts.changed {
                $0.version = [version - 1].tagged(0x02).tagged(0xA0)
                $0.afterKey = [UInt8](hex: identifiers)
                if version == 3 { $0.extensions = Parts.extensions(Self.isCA) }
            }
            let certificate = try Certificate(der.span)
            #expect(certificate.version == Int(version) && certificate.isCA == (version == 3))
            let text = try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-text"], input: der)
            #expect(String(decoding: text, as: UTF8.self).contains("\(word) Unique ID"))
        }
        // In this order, and once.
        for wrong in ["8202 0055 8102 0055", "8102 0055 8102 0055"] {
            let der = Parts.changed { $0.afterKey = [UInt8](hex: wrong) }
            #expect(throws: DERError.self) { try Certificate(der.span).range }
        }
    }

    /// The greatest of what is taken; beyond it are the defects.
    @Test func limitsAreTaken() throws {
        let serial = [UInt8](repeating: 0x55, count: 32)
        let der = Parts.changed {
            $0.serialNumber = serial.tagged(0x02)
            $0.extensions = Parts.extensions(Parts.item(0x13, "3007 0101FF 020200FF"))
        }
        let certificate = try Certificate(der.span)
        #expect(certificate.serialNumber.array == serial && certificate.extensions.pathLength == 255)
    }

    /// RSASSA-PSS' salt (RFC 4055, 3.1): 20 bytes unless it is said; no modulus has space for more than 512.
    @Test(
        arguments: [
            ("", 20), ("A203 020100", 0), ("A204 02020200", 512), ("A204 02020201", nil), ("A203 0201FF", nil),
            ("A203 020120 A303 020101", 32), ("A303 020101", 20), ("A206 020120 020120", nil), ("A200", nil),
            ("A303 020101 0500", nil), ("A009 3007 06052B0E03021A", 20), ("A00B 3007 06052B0E03021A 0C00", nil),
            ("A118 3016 06092A864886F70D010108 3009 06052B0E03021A 0500", 20),
            ("A11A 3016 06092A864886F70D010108 3009 06052B0E03021A 0500 0C00", nil),
            ("A11A 3018 06092A864886F70D010108 3009 06052B0E03021A 0500 0C00", nil),
            ("A118 3016 06092A864886F70D010109 3009 06052B0E03021A 0500", nil),
        ] as [(String, Int?)])
    func sizesOfTheSalt(parameters: String, size: Int?) throws {
        let algorithm = [UInt8](hex: "06092A864886F70D01010A") + [UInt8](hex: parameters).tagged(0x30)
        let der = Parts.changed { $0.algorithm = algorithm.tagged(0x30) }
        let found = try Certificate(der.span).signed.algorithm
        #expect(found == size.map { SignatureAlgorithm(scheme: .rsaPSS(saltSize: $0), digest: .sha1) })
    }

    /// Nothing stands behind the parameters.
    @Test func bytesBehindTheParametersOfPSS() throws {
        for (behind, isKnown) in [("", true), ("0C00", false)] {
            let algorithm = [UInt8](hex: "06092A864886F70D01010A 3000" + behind)
            let der = Parts.changed { $0.algorithm = algorithm.tagged(0x30) }
            let isThere = try Certificate(der.span).signed.algorithm != nil
            #expect(isThere == isKnown)
        }
    }

    /// Bit 0 is the first of the BIT STRING (RFC 5280, 4.2.1.3; X.680, 22.2).
    @Test func bitsOfKeyUsage() throws {
        let uses: [KeyUsage] = [
            .digitalSignature, .nonRepudiation, .keyEncipherment, .dataEncipherment, .keyAgreement, .keyCertSign,
            .cRLSign,
        ]
        for (bit, use) in uses.enumerated() {
            let value = [3, 2, UInt8(7 - bit), 0x80 >> UInt8(bit)] as [UInt8]
            let der = Parts.changed { $0.extensions = Parts.extensions(Parts.item(0x0F, value.hex)) }
            #expect(try Certificate(der.span).extensions.keyUsage == use)
        }
    }

    /// The numbers are what devices in the field log.
    @Test func numbersOfErrors() {
        let kinds: [DERError.Kind] = [
            .unsupportedAlgorithm, .unsupportedVersion, .invalidTime, .duplicate, .invalidChallengePassword,
            .unknownCriticalExtension, .unsupportedKeySize,
        ]
        #expect(kinds.map(\.rawValue) == [32, 33, 34, 38, 39, 40, 41])
        #expect(kinds.allSatisfy { $0.cryptoError == nil && $0.textFault == nil })
        for number: UInt8 in 1...10 {
            let kind = DERError.Kind(rawValue: 0x80 | number)
            #expect(kind.cryptoError?.rawValue == number && kind.textFault == nil)
            #expect(kind.cryptoError.map { .crypto($0) } == kind)
        }
        for number: UInt8 in 1...14 {
            let kind = DERError.Kind(rawValue: 0x40 | number)
            #expect(kind.textFault?.rawValue == number && kind.cryptoError == nil)
            #expect(kind.textFault.map { .text($0) } == kind)
        }
        #expect(DERError.Kind(rawValue: 0xC1).textFault == nil && DERError.Kind(rawValue: 0x01).textFault == nil)
    }
}
