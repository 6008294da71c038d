import DER
import DeviceCrypto
import Foundation
import TestSupport
import Testing

@testable import PKIX

/// A certificate put together of parts, each of which can be a bad one. The signature is not one.
struct Parts: Sendable {
    var version: [UInt8] = [2].tagged(0x02).tagged(0xA0)
    var serialNumber: [UInt8] = [5].tagged(0x02)
    var algorithm: [UInt8] = [UInt8](hex: "300D 06092A864886F70D01010B 0500")
    var outerAlgorithm: [UInt8]?
    var issuer: [UInt8] = [UInt8](hex: "300C 310A 3008 0603550403 0C0141")
    var validity: [UInt8] =
        (Array("260101000000Z".utf8).tagged(0x17) + Array("20500101000000Z".utf8).tagged(0x18)).tagged(0x30)
    var subject: [UInt8] = [UInt8](hex: "300C 310A 3008 0603550403 0C0142")
    var key: [UInt8] = Parts.rsa(modulus: [0x00, 0xC5] + [UInt8](repeating: 7, count: 255))
    var afterKey: [UInt8] = []
    var extensions: [UInt8]?
    var afterExtensions: [UInt8] = []
    var signature: [UInt8] = ([0x00] + [UInt8](repeating: 9, count: 256)).tagged(0x03)
    var afterSignature: [UInt8] = []

    static func rsa(modulus: [UInt8], exponent: [UInt8] = [1, 0, 1]) -> [UInt8] {
        let key = (modulus.tagged(0x02) + exponent.tagged(0x02)).tagged(0x30)
        return ([UInt8](hex: "300D 06092A864886F70D010101 0500") + ([0x00] + key).tagged(0x03)).tagged(0x30)
    }

    /// An Extension, by the last byte of its `2.5.29` identifier.
    static func item(_ arc: UInt8, critical: [UInt8] = [], _ value: String) -> [UInt8] {
        ([UInt8](hex: "0603551D") + [arc] + critical + [UInt8](hex: value).tagged(0x04)).tagged(0x30)
    }

    static func extensions(_ items: [UInt8]...) -> [UInt8] {
        items.flatMap { $0 }.tagged(0x30).tagged(0xA3)
    }

    var tbsCertificate: [UInt8] {
        let content =
            version + serialNumber + algorithm + issuer + validity + subject + key + afterKey + (extensions ?? [])
            + afterExtensions
        return content.tagged(0x30)
    }

    var der: [UInt8] {
        (tbsCertificate + (outerAlgorithm ?? algorithm) + signature + afterSignature).tagged(0x30)
    }

    static func changed(_ change: (inout Parts) -> Void) -> [UInt8] {
        var parts = Parts()
        change(&parts)
        return parts.der
    }

    static func validity(_ notBefore: String, tag: UInt8 = 0x17) -> [UInt8] {
        changed {
            $0.validity = (Array(notBefore.utf8).tagged(tag) + Array("301231235959Z".utf8).tagged(0x17)).tagged(0x30)
        }
    }
}

/// One bad certificate: where the defect is, is said by the bytes that stand there.
struct Defect: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let der: [UInt8]
    let kind: DERError.Kind
    let place: [UInt8]

    init(_ name: String, _ kind: DERError.Kind, at place: String, _ change: (inout Parts) -> Void) {
        self.init(name, kind, at: place, Parts.changed(change))
    }

    init(_ name: String, _ kind: DERError.Kind, at place: String, _ der: [UInt8]) {
        testDescription = name
        self.der = der
        self.kind = kind
        self.place = [UInt8](hex: place)
    }
}

@Suite struct CertificateTests {
    @Test func partsAreRead() throws {
        let parts = Parts()
        // It stands in a larger buffer, and offsets count from its start.
        let buffer = [0x05, 0x00] + parts.der + [0xFF]
        var reader = DERReader(buffer.span, in: 2..<(buffer.count - 1))
        let certificate = try Certificate(&reader)
        try reader.finish()
        #expect(certificate.range == 2..<(buffer.count - 1))
        #expect(certificate.encoding.array == parts.der)
        #expect(Array(buffer[certificate.signed.content]) == parts.tbsCertificate)
        #expect(certificate.issuer.array == parts.issuer && certificate.subject.array == parts.subject)
        #expect(Array(buffer[certificate.issuerRange]) == parts.issuer)
        #expect(certificate.serialNumber.array == [5] && Array(buffer[certificate.serialNumberRange]) == [5])
        #expect(certificate.notBefore == 1_767_225_600 && certificate.notAfter == 2_524_608_000)
        #expect(certificate.signed.algorithm == SignatureAlgorithm(scheme: .rsa, digest: .sha256))
        #expect(certificate.subjectPublicKeyInfo.kind == .rsa)
        #expect(certificate.subjectPublicKeyInfo.key.array == [0xC5] + [UInt8](repeating: 7, count: 255))
        #expect(certificate.subjectPublicKeyInfo.exponent.array == [1, 0, 1])
        #expect(certificate.extensions == Certificate.Extensions())
        let isSelfIssued = certificate.isSelfIssued
        #expect(!isSelfIssued)
    }

    /// What openssl says of a certificate, and what we read of it.
    @Test(
        arguments: [
            (["rsa:2048"], [], 365),
            (["rsa:2048", "-sha384"], ["basicConstraints=critical,CA:FALSE", "keyUsage=digitalSignature"], 36500),
            (["rsa:2048", "-sha512"], ["keyUsage=critical,keyCertSign,cRLSign,encipherOnly,decipherOnly"], 1),
            (["rsa:2048", "-sha1"], ["basicConstraints=CA:TRUE,pathlen:3", "keyUsage=keyEncipherment"], 365),
            (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["extendedKeyUsage=critical,clientAuth"], 365),
            (
                ["ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha512"], ["nameConstraints=critical,permitted;DNS:a"],
                365
            ),
        ] as [([String], [String], Int)])
    func opensslsCertificatesAreRead(key: [String], extensions: [String], days: Int) throws {
        let identity = try OpenSSLIdentity(
            subject: "/C=DE/CN=Test", newKey: key + ["-days", "\(days)"], extensions: extensions)
        let certificate = try Certificate(identity.der.span)
        try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        let text = String(
            decoding: try OpenSSL.run(
                ["x509", "-noout", "-serial", "-startdate", "-enddate", "-dateopt", "iso_8601", "-text"],
                input: identity.certificate),
            as: UTF8.self)
        let serial = certificate.serialNumber.array.drop { $0 == 0 }
        #expect(text.contains("serial=\(Array(serial).hex.uppercased())\n"))
        let style = ISO8601DateFormatter()
        for (label, seconds) in [("notBefore", certificate.notBefore), ("notAfter", certificate.notAfter)] {
            let date = style.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(text.contains("\(label)=\(date.replacingOccurrences(of: "T", with: " "))\n"))
        }
        let isSelfIssued = certificate.isSelfIssued
        #expect(isSelfIssued)
        // `req -x509` adds basicConstraints of its own, unless it is told some.
        #expect(certificate.extensions.cA == text.contains("CA:TRUE"))
        #expect(certificate.extensions.pathLength == (text.contains("pathlen:3") ? 3 : nil))
        #expect((certificate.extensions.keyUsage != nil) == text.contains("X509v3 Key Usage"))
        let words: [(KeyUsage, String)] = [
            (.digitalSignature, "Digital Signature"), (.nonRepudiation, "Non Repudiation"),
            (.keyEncipherment, "Key Encipherment"), (.keyCertSign, "Certificate Sign"), (.cRLSign, "CRL Sign"),
        ]
        for (bit, word) in words {
            #expect((certificate.extensions.keyUsage?.contains(bit) ?? false) == text.contains(word), "\(word)")
        }
        #expect(!certificate.extensions.unknownCritical.isEmpty == text.contains("Name Constraints: critical"))
    }

    /// One bit of the signature or of what is signed turned over.
    @Test func forgeriesAreNoticed() throws {
        for identity in [
            try OpenSSLIdentity.authority,
            try OpenSSLIdentity(subject: "/CN=Test", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ] {
            let issuer = try Certificate(identity.der.span)
            try issuer.signed.verify(signedBy: issuer.subjectPublicKeyInfo)
            for position in [identity.der.count - 1, issuer.serialNumberRange.upperBound - 1] {
                var forged = identity.der
                forged[position] ^= 1
                let certificate = try Certificate(forged.span)
                #expect(throws: CryptoError.invalidSignature) {
                    try certificate.signed.verify(signedBy: issuer.subjectPublicKeyInfo)
                }
            }
        }
        // A signature of one scheme under a key of the other.
        let rsa = try OpenSSLIdentity.authority
        let ec = try OpenSSLIdentity(subject: "/CN=Test", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        let (first, second) = (try Certificate(rsa.der.span), try Certificate(ec.der.span))
        #expect(throws: CryptoError.invalidSignature) { try first.signed.verify(signedBy: second.subjectPublicKeyInfo) }
        #expect(throws: CryptoError.invalidSignature) { try second.signed.verify(signedBy: first.subjectPublicKeyInfo) }
    }

    @Test(
        arguments: [
            ("700101000000Z", 0x17, 0), ("691231235959Z", 0x17, -1), ("500101000000Z", 0x17, -631_152_000),
            ("491231235959Z", 0x17, 2_524_607_999), ("000229120000Z", 0x17, 951_825_600),
            ("20000301000000Z", 0x18, 951_868_800), ("21000228235959Z", 0x18, 4_107_542_399),
            ("99991231235959Z", 0x18, 253_402_300_799), ("00010101000000Z", 0x18, -62_135_596_800),
        ] as [(String, UInt8, Int64)])
    func timesAreRead(text: String, tag: UInt8, seconds: Int64) throws {
        let der = Parts.validity(text, tag: tag)
        #expect(try Certificate(der.span).notBefore == seconds)
    }

    @Test(
        arguments: [
            ("700101000000", 0x17), ("7001010000Z", 0x17), ("700101000000+0000", 0x17), ("700001000000Z", 0x17),
            ("701301000000Z", 0x17), ("700100000000Z", 0x17), ("700132000000Z", 0x17), ("700230000000Z", 0x17),
            ("700229000000Z", 0x17), ("700431000000Z", 0x17), ("700101240000Z", 0x17), ("700101006000Z", 0x17),
            ("700101000060Z", 0x17), ("7001010000 0Z", 0x17), ("70010100000/Z", 0x17), ("70010100000:Z", 0x17),
            ("700101000000z", 0x17), ("19700101000000Z", 0x17), ("700101000000Z", 0x18), ("19700101000000.5Z", 0x18),
            ("19700101000000", 0x18), ("21000229000000Z", 0x18), ("", 0x17), ("", 0x18), ("700101000000Z", 0x13),
        ] as [(String, UInt8)])
    func timesAreRefused(text: String, tag: UInt8) throws {
        let der = Parts.validity(text, tag: tag)
        let offset = try #require(der.firstRange(of: Array(text.utf8).tagged(tag)))
        #expect(throws: DERError(.invalidTime, at: offset.lowerBound)) { try Certificate(der.span).notBefore }
    }

    @Test func extensionsAreRead() throws {
        func read(_ items: [UInt8]...) throws -> Certificate.Extensions {
            let der = Parts.changed { $0.extensions = items.flatMap { $0 }.tagged(0x30).tagged(0xA3) }
            return try Certificate(der.span).extensions
        }
        let critical = [UInt8](hex: "0101FF")
        #expect(try read() == Certificate.Extensions())
        #expect(try read(Parts.item(0x13, "3000")) == Certificate.Extensions())
        #expect(try read(Parts.item(0x13, critical: critical, "3003 0101FF")).cA)
        #expect(try read(Parts.item(0x13, "3006 0101FF 020100")).pathLength == 0)
        #expect(try read(Parts.item(0x0F, "0302 05A0")).keyUsage?.rawValue == 0xA000)
        #expect(try read(Parts.item(0x0F, "0301 00")).keyUsage?.rawValue == 0)
        #expect(try read(Parts.item(0x25, critical: critical, "3000")).unknownCritical.isEmpty)
        #expect(try !read(Parts.item(0x25, "300A 0608 2B06010505070302")).isRegistrationAuthority)
        #expect(try read(Parts.item(0x25, "3014 06082B06010505070302 06082B0601050507031C")).isRegistrationAuthority)
        #expect(try read(Parts.item(0x25, "300C 060A2B060104018237140201")).isRegistrationAuthority)
        #expect(try read(Parts.item(0x11, critical: critical, "3000")).unknownCritical.isEmpty)
        #expect(try read(Parts.item(0x1E, "3000")).unknownCritical.isEmpty)
        #expect(try read(Parts.item(0x1E, critical: [0x01, 0x01, 0x00], "3000")).unknownCritical.isEmpty)
        #expect(try !read(Parts.item(0x1E, critical: critical, "3000")).unknownCritical.isEmpty)
    }

    /// Serial numbers that RFC 5280, 4.1.2.2 asks users of certificates to handle.
    @Test(arguments: ["00", "FF", "0080", "00" + String(repeating: "FF", count: 20)])
    func oddSerialNumbersAreRead(hex: String) throws {
        let der = Parts.changed { $0.serialNumber = [UInt8](hex: hex).tagged(0x02) }
        #expect(try Certificate(der.span).serialNumber.array == [UInt8](hex: hex))
    }

    static let defects: [Defect] = [
        Defect("not a sequence", .unexpectedTag, at: "31", [0x31, 0x00]),
        Defect("nothing in it", .truncated, at: "", [0x30, 0x00]),
        Defect("bytes behind it", .trailingBytes, at: "FADE", Parts().der + [0xFA, 0xDE]),
        Defect("bytes behind the signature", .trailingBytes, at: "05000500") { $0.afterSignature = [5, 0, 5, 0] },
        Defect("version 4", .invalidInteger, at: "020103") { $0.version = [3].tagged(0x02).tagged(0xA0) },
        Defect("two versions", .trailingBytes, at: "020101 020105") {
            $0.version = [UInt8](hex: "A006 020102 020101")
        },
        Defect("version not an integer", .unexpectedTag, at: "0400") { $0.version = [UInt8](hex: "A002 0400") },
        Defect("no serial number", .unexpectedTag, at: "300D06092A864886F70D01010B0500300C") { $0.serialNumber = [] },
        Defect("empty serial number", .invalidInteger, at: "0200300D") { $0.serialNumber = [2, 0] },
        Defect("padded serial number", .invalidInteger, at: "02020005") { $0.serialNumber = [2, 2, 0, 5] },
        Defect("serial number of 33 bytes", .invalidInteger, at: "022155") {
            $0.serialNumber = [UInt8](repeating: 0x55, count: 33).tagged(0x02)
        },
        Defect("two algorithms", .unsupportedAlgorithm, at: "300D 06092A864886F70D01010C 0500") {
            $0.outerAlgorithm = [UInt8](hex: "300D 06092A864886F70D01010C 0500")
        },
        Defect("issuer not a sequence", .unexpectedTag, at: "3100 3020") { $0.issuer = [0x31, 0x00] },
        Defect("one time", .truncated, at: "300C310A300806035504030C0142") {
            $0.validity = Array("260101000000Z".utf8).tagged(0x17).tagged(0x30)
        },
        Defect("three times", .trailingBytes, at: "1700") {
            $0.validity =
                (Array("260101000000Z".utf8).tagged(0x17) + Array("270101000000Z".utf8).tagged(0x17) + [0x17, 0x00])
                .tagged(0x30)
        },
        Defect("subject not a sequence", .unexpectedTag, at: "0C0142 30820122") { $0.subject = [0x0C, 0x01, 0x42] },
        Defect("key with unused bits", .invalidBitString, at: "030201FE") {
            $0.key = [UInt8](hex: "3013 300D 06092A864886F70D010101 0500 030201FE")
        },
        Defect("key that is empty", .invalidBitString, at: "0300 300D") {
            $0.key = [UInt8](hex: "3011 300D 06092A864886F70D010101 0500 0300")
        },
        Defect("key that is no sequence", .unexpectedTag, at: "0500 7777") {
            $0.key = [UInt8](hex: "3014 300D 06092A864886F70D010101 0500 0303 00 0500") + [0x77, 0x77]
        },
        Defect("bytes behind the key", .trailingBytes, at: "FADE") {
            let key = [UInt8](hex: "30 06 020103 020103 FADE")
            $0.key =
                ([UInt8](hex: "300D 06092A864886F70D010101 0500") + ([0x00] + key).tagged(0x03)).tagged(0x30)
        },
        Defect("a third integer in the key", .trailingBytes, at: "020177") {
            let key = [UInt8](hex: "30 09 020103 020103 020177")
            $0.key =
                ([UInt8](hex: "300D 06092A864886F70D010101 0500") + ([0x00] + key).tagged(0x03)).tagged(0x30)
        },
        Defect("negative modulus", .invalidInteger, at: "0201C5 0203010001") { $0.key = Parts.rsa(modulus: [0xC5]) },
        Defect("padded exponent", .invalidInteger, at: "02020003") {
            $0.key = Parts.rsa(modulus: [0x45], exponent: [0, 3])
        },
        Defect("extensions in version 1", .unsupportedVersion, at: "A3023000") {
            $0.version = []
            $0.extensions = [0xA3, 0x02, 0x30, 0x00]
        },
        Defect("extensions in version 2", .unsupportedVersion, at: "A3023000") {
            $0.version = [1].tagged(0x02).tagged(0xA0)
            $0.extensions = [0xA3, 0x02, 0x30, 0x00]
        },
        Defect("extensions not a sequence", .unexpectedTag, at: "3100") { $0.extensions = [0xA3, 0x02, 0x31, 0x00] },
        Defect("bytes behind the extensions", .trailingBytes, at: "0500 300D") {
            $0.extensions = [UInt8](hex: "A304 3000 0500")
        },
        Defect("extension with no value", .truncated, at: "300D06092A864886F70D01010B0500 03820101") {
            $0.extensions = Parts.extensions([UInt8](hex: "3005 0603551D11"))
        },
        Defect("extension with two values", .trailingBytes, at: "04017704") {
            $0.extensions = Parts.extensions([UInt8](hex: "300A 0603551D11 0400 0401 77") + [0x04])
        },
        Defect("keyUsage not bits", .unexpectedTag, at: "0401A0") {
            $0.extensions = Parts.extensions(Parts.item(0x0F, "0401A0"))
        },
        Defect("keyUsage with unused bits set", .invalidBitString, at: "030207FF") {
            $0.extensions = Parts.extensions(Parts.item(0x0F, "0302 07FF"))
        },
        Defect("bytes behind keyUsage", .trailingBytes, at: "0588") {
            $0.extensions = Parts.extensions(Parts.item(0x0F, "0302 0780 0588"))
        },
        Defect("keyUsage twice", .duplicate, at: "0603551D0F 04040302 0640") {
            $0.extensions = Parts.extensions(Parts.item(0x0F, "0302 0780"), Parts.item(0x0F, "0302 0640"))
        },
        Defect("extKeyUsage not a sequence", .unexpectedTag, at: "06012A") {
            $0.extensions = Parts.extensions(Parts.item(0x25, "06012A"))
        },
        Defect("extKeyUsage not of identifiers", .unexpectedTag, at: "04012A") {
            $0.extensions = Parts.extensions(Parts.item(0x25, "3003 04012A"))
        },
        Defect("bytes behind extKeyUsage", .trailingBytes, at: "0588") {
            $0.extensions = Parts.extensions(Parts.item(0x25, "3003 06012A 0588"))
        },
        Defect("basicConstraints twice", .duplicate, at: "0603551D13 0402 3000") {
            $0.extensions = Parts.extensions(Parts.item(0x13, "3003 0101FF"), Parts.item(0x13, "3000"))
        },
        Defect("basicConstraints not a sequence", .unexpectedTag, at: "0101FF") {
            $0.extensions = Parts.extensions(Parts.item(0x13, "0101FF"))
        },
        Defect("critical of two octets", .invalidBoolean, at: "0102FFFF") {
            $0.extensions = Parts.extensions(Parts.item(0x11, critical: [1, 2, 0xFF, 0xFF], "3000"))
        },
        Defect("basicConstraints with an empty truth", .invalidBoolean, at: "0100 300D06092A864886F70D01010B0500") {
            $0.extensions = Parts.extensions(Parts.item(0x13, "3002 0100"))
        },
        Defect("extKeyUsage twice", .duplicate, at: "0603551D25 0407 3005 06032A0304") {
            $0.extensions = Parts.extensions(Parts.item(0x25, "3003 06012A"), Parts.item(0x25, "3005 06032A0304"))
        },
        Defect("path length of 256", .invalidInteger, at: "02020100") {
            $0.extensions = Parts.extensions(Parts.item(0x13, "3007 0101FF 02020100"))
        },
        Defect("negative path length", .invalidInteger, at: "0201FF") {
            $0.extensions = Parts.extensions(Parts.item(0x13, "3006 0101FF 0201FF"))
        },
        Defect("bytes behind basicConstraints", .trailingBytes, at: "0588") {
            $0.extensions = Parts.extensions(Parts.item(0x13, "3000 0588"))
        },
        Defect("bytes behind the last field", .trailingBytes, at: "0588") { $0.afterExtensions = [0x05, 0x88] },
        Defect("signature with unused bits", .invalidBitString, at: "030201FE") {
            $0.signature = [UInt8](hex: "030201FE")
        },
    ]

    @Test(arguments: defects) func isRefused(_ defect: Defect) throws {
        let offset =
            defect.place.isEmpty ? defect.der.count : try #require(defect.der.firstRange(of: defect.place)).lowerBound
        #expect(throws: DERError(defect.kind, at: offset)) { try Certificate(defect.der.span).range }
    }

    /// What is unknown here can be read, so that it can be named, and pinned; it verifies nothing.
    @Test(
        arguments: [
            ("300D 06092A864886F70D010104 0500", "MD5"), ("3005 06032B6570", "Ed25519"),
            ("300E 06092A864886F70D01010B 020177", "SHA-256 with parameters"),
            ("300D 06092A864886F70D01010A 0500", "RSASSA-PSS without parameters"),
            ("3012 06092A864886F70D01010A 3005 A403020102", "RSASSA-PSS with another parameter"),
        ])
    func unknownAlgorithmsAreRead(algorithm: String, name: String) throws {
        let der = Parts.changed { $0.algorithm = [UInt8](hex: algorithm) }
        let certificate = try Certificate(der.span)
        #expect(certificate.signed.algorithm == nil)
        #expect(throws: CryptoError.unsupported) {
            try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        }
    }

    @Test(
        arguments: [
            ("302A 3005 06032B6570 032100" + String(repeating: "03", count: 32), .kind(.ed25519)),
            ("3016 3010 06072A8648CE3D0201 06052B81040023 03020004", .kind(.p521)),
            ("3016 3010 06072A8648CE3D0201 06052B8104000A 03020004", .kind(.anotherCurve)),
            ("3011 300B 06072A8648CE3D0201 3000 03020004", .kind(.anotherCurve)),
            ("3010 300A 06082B06010505070101 03020004", .kind(.another)),
            ("3019 3013 06072A8648CE3D0201 06082A8648CE3D030107 03020004", .point(.p256)),
        ] as [(String, KeyDefect)])
    func unknownKeysAreRead(key: String, defect: KeyDefect) throws {
        let der = Parts.changed { $0.key = [UInt8](hex: key) }
        let certificate = try Certificate(der.span)
        #expect(certificate.subjectPublicKeyInfo.defect == defect)
        #expect(throws: CryptoError.self) {
            try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        }
    }

    /// RSA keys in and out of range: 2048 to 4096 bits, and an odd exponent from 3 to 64 bits.
    @Test(
        arguments: [
            (128, [1, 0, 1], .rsaSize(bits: 1024)), (255, [1, 0, 1], .rsaSize(bits: 2040)), (256, [3], nil),
            (512, [1, 0, 1], nil), (513, [1, 0, 1], .rsaSize(bits: 4104)), (256, [1], .rsaExponent(bits: 2048)),
            (256, [2], .rsaExponent(bits: 2048)), (256, [1, 0, 0], .rsaExponent(bits: 2048)),
            (256, [UInt8](repeating: 7, count: 8), nil),
            (256, [UInt8](repeating: 7, count: 9), .rsaExponent(bits: 2048)),
        ] as [(Int, [UInt8], KeyDefect?)])
    func rsaKeysAreChecked(bytes: Int, exponent: [UInt8], defect: KeyDefect?) throws {
        let modulus = [0x00, 0xC5] + [UInt8](repeating: 7, count: bytes - 1)
        let der = Parts.changed { $0.key = Parts.rsa(modulus: modulus, exponent: exponent) }
        #expect(try Certificate(der.span).subjectPublicKeyInfo.defect == defect)
    }

    /// To the bit, and down to none.
    @Test(arguments: [("00", 0), ("01", 1), ("7F", 7), ("0080", 8), ("7F" + String(repeating: "FF", count: 255), 2047)])
    func smallRSAKeysAreMeasured(modulus: String, bits: Int) throws {
        let der = Parts.changed { $0.key = Parts.rsa(modulus: [UInt8](hex: modulus)) }
        #expect(try Certificate(der.span).subjectPublicKeyInfo.defect == .rsaSize(bits: bits))
    }

    /// Keys that the cryptography must refuse, and not trip over.
    @Test(
        arguments: [
            ([0x00], [1, 0, 1]), ([0x07], [3]), ([0x00] + [UInt8](repeating: 0xC5, count: 128), [1, 0, 1]),
            ([0x00, 0xC5] + [UInt8](repeating: 8, count: 255), [1, 0, 1]),
            ([0x00, 0xC5] + [UInt8](repeating: 7, count: 255), [0x00]),
            ([0x00, 0xC5] + [UInt8](repeating: 7, count: 255), [0x01]),
            ([0x00, 0xC5] + [UInt8](repeating: 7, count: 255), [0x02]),
            ([0x00, 0xC5] + [UInt8](repeating: 7, count: 255), [UInt8](repeating: 7, count: 9)),
            ([0x00, 0xC5] + [UInt8](repeating: 7, count: 600), [1, 0, 1]),
        ] as [([UInt8], [UInt8])])
    func weakKeysAreRefused(modulus: [UInt8], exponent: [UInt8]) throws {
        let der = Parts.changed { $0.key = Parts.rsa(modulus: modulus, exponent: exponent) }
        let certificate = try Certificate(der.span)
        #expect(throws: CryptoError.invalidKey) {
            try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        }
    }

    @Test(arguments: ["00", "04", "04" + String(repeating: "11", count: 64), "04" + String(repeating: "11", count: 96)])
    func badPointsAreRefused(point: String) throws {
        let key =
            ([UInt8](hex: "3013 06072A8648CE3D0201 06082A8648CE3D030107") + ([0x00] + [UInt8](hex: point)).tagged(0x03))
            .tagged(0x30)
        let signature = [UInt8](hex: "03 09 00 3006 020101 020101")
        let der = Parts.changed {
            $0.key = key
            $0.algorithm = [UInt8](hex: "300A 06082A8648CE3D040302")
            $0.signature = signature
        }
        let certificate = try Certificate(der.span)
        #expect(throws: CryptoError.invalidKey) {
            try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        }
    }

    /// Damage anywhere ends in an error or in another certificate, and never in a trap.
    @Test func damagedCertificatesDoNotTrap() throws {
        let der = try OpenSSLIdentity(
            subject: "/CN=Test", newKey: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            extensions: ["keyUsage=digitalSignature"]
        ).der
        let whole = try Certificate(der.span)
        for count in der.indices {
            let part = Array(der[..<count])
            #expect(throws: DERError.self) { try Certificate(part.span).range }
        }
        for position in der.indices {
            for bit in 0..<8 {
                var damaged = der
                damaged[position] ^= 1 << UInt8(bit)
                guard let certificate = try? Certificate(damaged.span), bit == position % 8 else { continue }
                #expect(throws: CryptoError.self) {
                    try certificate.signed.verify(signedBy: whole.subjectPublicKeyInfo)
                }
            }
        }
    }

    @Test(.enabled(if: Fixtures.areThere, Comment(rawValue: Fixtures.absence)))
    func recordedCertificatesAreRead() throws {
        let der = try Fixtures.read("jscep/02-GetCACert.rsp.der")
        let certificate = try Certificate(der.span)
        try certificate.signed.verify(signedBy: certificate.subjectPublicKeyInfo)
        let issued = try OpenSSL.run(["x509", "-outform", "DER"], input: Fixtures.read("jscep/issued.crt"))
        try Certificate(issued.span).signed.verify(signedBy: certificate.subjectPublicKeyInfo)
    }
}
