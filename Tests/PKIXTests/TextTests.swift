import DER
import Foundation
import TestSupport
import Testing

@testable import PKIX

private func written(_ name: [UInt8], capacity: Int = 512) -> String {
    var bytes = [UInt8](repeating: 0xA5, count: capacity)
    var count = 0
    do {
        var span = bytes.mutableSpan
        count = nameText(name.span, into: &span)
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
}

/// A Name of openssl's making, in DER.
private func name(_ subject: String, _ options: [String] = []) throws -> [UInt8] {
    try withTemporaryDirectory { directory in
        let der = try OpenSSL.run(
            [
                "req", "-x509", "-utf8", "-subj", subject, "-outform", "DER",
                "-key", directory.write(TestKey.rsa.pem, to: "key"),
            ] + options)
        return try Certificate(der.span).subject.array
    }
}

/// How openssl writes that Name.
private func opensslsText(of name: [UInt8]) throws -> String {
    try withTemporaryDirectory { directory in
        var parts = Parts()
        parts.subject = name
        let file = try directory.write(parts.der, to: "crt")
        let line = try OpenSSL.run(
            ["x509", "-in", file, "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253"])
        return String(decoding: line, as: UTF8.self).replacing("subject=", with: "").replacing("\n", with: "")
    }
}

private func attribute(_ identifier: String, _ tag: UInt8, _ value: [UInt8]) -> [UInt8] {
    ([UInt8](hex: identifier).tagged(0x06) + value.tagged(tag)).tagged(0x30)
}

@Suite struct PKIXNameTextTests {
    @Test(
        arguments: [
            "/CN=sensor 7", "/C=DE/ST=Bayern/L=Fürth/O=Müller & Söhne/OU=a=b/CN=sensor\\/7",
            "/DC=example/DC=line/UID=u7/serialNumber=0815/emailAddress=a@b.example", "/CN= blanks  around ",
            "/CN=#hash/O=a#b", "/CN=a,b\\+c\"d;e<f>g\\\\h=i", "/CN=日本語 €😀", "/O=x/CN= ",
        ])
    func isAsOpensslWritesIt(subject: String) throws {
        let name = try name(subject)
        let text = written(name)
        #expect(try text == opensslsText(of: name))
        #expect(text.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
        // What is written can be read, and means the same.
        let bytes = Array(text.utf8)
        var buffer = [UInt8](repeating: 0, count: 1024)
        let front: Int
        do {
            var span = buffer.mutableSpan
            var writer = DERWriter(&span, end: 1024)
            try writer.write(name: bytes.span)
            front = writer.front
        }
        #expect(written(Array(buffer[front...])) == text)
    }

    /// Several values in one part, types without a name, values that are no text.
    @Test(
        arguments: [
            ([attribute("550403", 0x0C, [0x41]), attribute("550405", 0x13, [0x42])], "serialNumber=B+CN=A"),
            ([attribute("2B0601040182371401", 0x0C, [0x41])], "1.3.6.1.4.1.311.20.1=#0C0141"),
            ([attribute("2A03", 0x13, [])], "1.2.3=#1300"),
            ([attribute("883703", 0x13, [0xFF])], "2.999.3=#1301FF"),
            ([attribute("550403", 0x1E, [0x00, 0x41])], "CN=#1E020041"),
            ([attribute("550403", 0x30, [0x05, 0x00])], "CN=#30020500"),
            ([attribute("550403", 0x0C, [])], "CN="),
            (
                [attribute("550403", 0x0C, [0x00, 0x0A, 0x1B, 0x7F, 0x80, 0xFF, 0x0D])],
                "CN=\\00\\0A\\1B\\7F\\80\\FF\\0D"
            ),
        ] as [([[UInt8]], String)])
    func oddValuesAreWritten(values: [[UInt8]], expected: String) {
        let name = values.flatMap { $0 }.tagged(0x31).tagged(0x30)
        #expect(written(name) == expected)
    }

    @Test func severalValuesAreAsOpensslWritesThem() throws {
        let name = try name("/O=Example/CN=A+serialNumber=B+UID=C")
        #expect(try written(name) == opensslsText(of: name))
    }

    @Test func anEmptyNameIsAnEmptyText() {
        #expect(written([0x30, 0x00]) == "")
        #expect(written([0x30, 0x02, 0x31, 0x00]) == "")
    }

    @Test(
        arguments: [
            "", "3100", "3001", "30020500", "3004 3102 0500", "3006 3104 3002 0500",
            "300B 3109 3007 0603550403 0C01", "3014 3106 3004 06018003 00 310A 3008 0603550403 0C0141",
            "3010 3102 0500 310A 3008 0603550403 0C0141",
            "301A 310A 3008 0602FFFF 0C024141 310C 300A 0605FFFFFFFF7F 0C0141",
            "300C 310A 3008 0603550403 0C0141 00",
        ])
    func whatIsMalformedIsLeftOut(hex: String) {
        let whole = [UInt8](hex: "300C 310A 3008 0603550403 0C0141")
        #expect(written(whole) == "CN=A")
        #expect(written([UInt8](hex: hex)) == "")
    }

    @Test func longNamesAreWritten() {
        let part = attribute("550403", 0x0C, [0x41]).tagged(0x31)
        let name = Array(repeating: part, count: 100).flatMap { $0 }.tagged(0x30)
        #expect(written(name) == Array(repeating: "CN=A", count: 100).joined(separator: ","))
        #expect(written(name, capacity: 498) == "")
        #expect(written(Array(repeating: [0x31, 0x00] as [UInt8], count: 5000).flatMap { $0 }.tagged(0x30)) == "")
    }

    @Test func whatDoesNotFitIsLeftOut() throws {
        let name = try name("/O=Müller/CN=a,\u{7F}b#")
        let whole = "CN=a\\,\\7Fb#,O=M\\C3\\BCller"
        #expect(written(name, capacity: whole.utf8.count) == whole)
        for capacity in 0..<whole.utf8.count { #expect(written(name, capacity: capacity) == "") }
    }
}

@Suite struct IdentifierTextTests {
    private func text(_ contents: [UInt8], capacity: Int = 64) -> String {
        var bytes = [UInt8](repeating: 0xA5, count: capacity)
        var count = 0
        do {
            var span = bytes.mutableSpan
            count = identifierText(contents.span, into: &span)
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    @Test(arguments: [
        "2A03", "550403", "551D25", "2B06010401823715 08", "00", "27", "28", "4F", "50", "7F", "8100", "883703",
        "2B8000", "2AFFFFFF7F", "2A86F70D", "2A0A", "2A64", "2A8764",
    ])
    func isAsOpensslWritesIt(hex: String) throws {
        let contents = [UInt8](hex: hex)
        // That is no shortest form, which DER asks for: whoever reads an identifier has seen to it.
        guard hex != "2B8000" else { return #expect(text(contents) == "1.3.0") }
        let line = try OpenSSL.run(
            ["asn1parse", "-inform", "DER", "-oid", "/dev/null"], input: contents.tagged(0x06))
        let name = String(decoding: line, as: UTF8.self).split(separator: ":").last.map { $0.filter { $0 != "\n" } }
        // openssl has names for some: it says the numbers of those as well.
        let numbers = ["550403": "2.5.4.3", "551D25": "2.5.29.37", "2A03": "1.2.3"][hex]
        #expect(text(contents) == numbers ?? name)
    }

    /// Cut, or with an arc of 2^28 or more, or without space.
    @Test func whatIsMalformedOrDoesNotFitIsLeftOut() {
        for hex in ["", "80", "2A86", "2AFFFFFFFF7F", "9080808000"] { #expect(text([UInt8](hex: hex)) == "", "\(hex)") }
        let contents = [UInt8](hex: "2B0601040182371508")
        let whole = "1.3.6.1.4.1.311.21.8"
        for capacity in 0..<whole.utf8.count { #expect(text(contents, capacity: capacity) == "") }
        #expect(text(contents, capacity: whole.utf8.count) == whole)
    }
}

@Suite struct TimeTextTests {
    private func text(_ seconds: Int64, capacity: Int = 20) -> String {
        var bytes = [UInt8](repeating: 0xA5, count: capacity + 1)
        var count = 0
        do {
            var all = bytes.mutableSpan
            var span = all._mutatingExtracting(first: capacity)
            count = timeText(seconds, into: &span)
        }
        #expect(bytes[count...].allSatisfy { $0 == 0xA5 })
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (1_826_987_400, "2027-11-23T16:30:00Z"), (-1, "1969-12-31T23:59:59Z"),
            (951_827_696, "2000-02-29T12:34:56Z"), (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
            (2_147_483_648, "2038-01-19T03:14:08Z"), (4_294_967_296, "2106-02-07T06:28:16Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"), (-62_167_219_200, "0000-01-01T00:00:00Z"),
            (-62_162_121_600, "0000-02-29T00:00:00Z"), (253_402_300_800, ""), (-62_167_219_201, ""), (.max, ""),
            (.min, ""),
        ] as [(Int64, String)])
    func isWritten(seconds: Int64, expected: String) {
        #expect(text(seconds) == expected)
    }

    /// As Foundation writes them, and as certificates are read.
    @Test func isReadAgain() throws {
        var generator = SeededGenerator(seed: 8894)
        let style = ISO8601DateFormatter()
        for _ in 0..<2000 {
            // From 1900, since the calendar of Foundation's that goes further back is not ours.
            let seconds = Int64(generator.next() % 255_611_289_600) - 2_208_988_800
            let text = text(seconds)
            #expect(text == style.string(from: Date(timeIntervalSince1970: Double(seconds))))
            let der = Array(text.filter { $0.isNumber || $0 == "Z" }.utf8).tagged(0x18)
            var reader = DERReader(der.span)
            #expect(try readTime(&reader) == seconds)
        }
    }

    @Test func smallBuffersStayEmpty() {
        for capacity in 0..<20 { #expect(text(0, capacity: capacity) == "") }
        #expect(text(0, capacity: 20) == "1970-01-01T00:00:00Z")
    }
}
