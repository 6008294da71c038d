import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

/// Bodies that are no DER: those that hold a message all the same, and what is said of the others.
@Suite struct BodyTests {
    private static let lines = Data.Base64EncodingOptions.lineLength64Characters

    private static func base64(_ bytes: some Sequence<UInt8>, _ options: Data.Base64EncodingOptions = []) -> [UInt8] {
        Array(Data(Array(bytes)).base64EncodedData(options: options))
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// What carries `der`, and how.
    private static func carried(_ der: [UInt8], label: String) -> [(String, [UInt8])] {
        let crlf: [UInt8] = [13, 10]
        let pem =
            Array("-----BEGIN \(label)-----\n".utf8) + base64(der, lines) + Array("\n-----END \(label)-----\n".utf8)
        return [
            ("a line ending behind it", der + crlf), ("blanks behind it", der + [0x20, 0x09, 0x0A, 0x0A]),
            ("a line ending in front of it", crlf + der), ("base64 in one line", base64(der)),
            ("base64 in lines", base64(der, lines) + crlf), ("PEM", pem),
            ("PEM with CR LF", Array(String(decoding: pem, as: UTF8.self).replacing("\n", with: "\r\n").utf8)),
            ("PEM behind a byte order mark", mark + pem), ("base64 behind a byte order mark", mark + base64(der)),
        ]
    }

    @Test func certificatesAreTakenAndTold() throws {
        let hierarchy = try Hierarchy.one
        let pin = try hierarchy.root.fingerprint()
        let bundle = try OpenSSLIdentity.bundle([hierarchy.intermediate, hierarchy.root])
        for (name, body) in Self.carried(hierarchy.root.der, label: "CERTIFICATE") {
            var policy = Policy()
            #expect(try accepted(body, pin, policy: &policy) == hierarchy.root.der, "\(name)")
            #expect(policy.used == .textBody, "\(name)")
        }
        for (name, body) in Self.carried(bundle, label: "PKCS7") {
            #expect(
                try accepted(body, pin).count == hierarchy.root.der.count + hierarchy.intermediate.der.count, "\(name)")
        }
        // As openssl writes one, and several, with words in between as `openssl s_client -showcerts` has them.
        let two = hierarchy.root.certificate + Array("---\n".utf8) + hierarchy.intermediate.certificate
        #expect(try accepted(two, pin) == hierarchy.root.der + hierarchy.intermediate.der)
        var policy = Policy()
        _ = try accepted(hierarchy.root.der, pin, policy: &policy)
        #expect(policy.used == Leniency())
    }

    @Test func repliesAreTakenAndTold() throws {
        let root = try Hierarchy.one.root
        let message = try Reply().signed(by: root)
        for (name, body) in Self.carried(message, label: "PKCS7") {
            #expect(try checked(body, trusting: [root]).1 == Reply().content, "\(name)")
        }
        // Something else behind it is not white space.
        #expect {
            try checked(message + [0x0A, 0x41], trusting: [root])
        } throws: {
            guard case .reply(let error) = $0 as? SCEPError else { return false }
            return error.kind == .trailingBytes && error.offset == 2 + message.count
        }
    }

    @Test(
        arguments: [
            ("", .empty), ("\r\n \t", .empty), ("<html><body>502</body></html>", .html),
            ("\n<?xml version=\"1.0\"?>", .html),
            ("\u{FEFF}<!DOCTYPE html>", .html), ("{\"error\": 404}", .json), ("[]", .json), ("\u{FEFF}{}", .json),
            ("no such operation", .text), ("no\nsuch operation", .text), ("a\tb\r\n", .text),
            ("MISSING: message", .text), ("\u{FEFF}whatever", .byteOrderMark),
            ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", .text), ("AAAA", .text),
        ] as [(String, BodyForm)])
    func othersAreNamed(_ text: String, _ form: BodyForm) throws {
        try expect(form, Array(text.utf8))
    }

    /// What begins as base64 and goes on otherwise is left as it is, for whoever shows it.
    @Test(arguments: [
        "MIIBCgKCAQEA%", "MIIBCgKCAQEA: no such operation", "\u{FEFF}MIIB CgKC\nAQEA!", "MIIBCgKCAQEA\u{7F}",
    ])
    func whatIsNotDecodedIsLeft(text: String) throws {
        var policy = Policy()
        let body = Array(text.utf8)
        var work = body
        let transaction = try Reply.transaction()
        let form: BodyForm = text.hasPrefix("\u{FEFF}") ? .byteOrderMark : .text
        #expect(throws: SCEPError.notDER(form)) {
            var bytes = work.mutableSpan
            _ = try CertRep(
                &bytes, body: body.indices, from: CACertificates(Span()), to: transaction, policy: &policy,
                moment: .unknown)
        }
        #expect(work == body && policy.used == Leniency())
    }

    /// What begins like something else, as far as that goes, is read as DER.
    @Test func whatMayBeDERIsReadAsThat() throws {
        let root = try Hierarchy.one.root
        let pin = try root.fingerprint()
        let bodies: [(String, [UInt8], isDER: Bool)] = [
            ("one byte of gzip", [0x1F], true), ("another byte behind it", [0x1F, 0x8C, 0x08], true),
            ("seven characters", Array("0%0#0!0".utf8) + [0], true), ("eight", Array("0%0#0!0 ".utf8) + [0], false),
            ("a character above ASCII", [0x30, 0x41, 0x7F], true), ("the last of ASCII", [0x30, 0x41, 0x7E], false),
            ("another mark", [0xEF, 0xBA, 0xBF] + Self.base64(root.der), true),
            ("a mark that ends otherwise", [0xEF, 0xBB, 0xBE] + Self.base64(root.der), true),
            ("a mark that begins otherwise", [0xEE, 0xBB, 0xBF] + Self.base64(root.der), true),
            ("half a mark", [0xEF, 0xBB], true),
        ]
        for (name, body, isDER) in bodies {
            #expect("\(name)") {
                try accepted(body, pin)
            } throws: {
                switch $0 as? SCEPError {
                case .reply: isDER
                case .notDER(.text): !isDER
                default: false
                }
            }
        }
    }

    /// What stands behind the body in the buffer says nothing of it.
    @Test func whatStandsBehindABodyIsNotLookedAt() throws {
        var work: [UInt8] = [0x1F, 0x8B, 0x08]
        var policy = Policy()
        let transaction = try Reply.transaction()
        #expect {
            var bytes = work.mutableSpan
            _ = try CertRep(
                &bytes, body: 0..<1, from: CACertificates(Span()), to: transaction, policy: &policy, moment: .unknown)
        } throws: {
            guard case .reply = $0 as? SCEPError else { return false }
            return true
        }
    }

    /// White space is that of ASCII (RFC 4648, 3.3 leaves it to the user of base64): HT, LF, VT, FF, CR and the blank.
    @Test func whiteSpaceIsPassedOver() throws {
        let root = try Hierarchy.one.root
        let pin = try root.fingerprint()
        for byte in 0...UInt8.max {
            let isBlank = byte == 0x20 || 9...13 ~= byte
            let behind = root.der + [byte]
            #expect(((try? accepted(behind, pin)) == root.der) == isBlank, "\(byte) behind")
            #expect(((try? accepted([byte] + root.der, pin)) == root.der) == isBlank, "\(byte) in front")
        }
    }

    /// Every character of base64 (RFC 4648, table 1), and no other; what is cut is not taken.
    @Test func base64IsRead() throws {
        let root = try Hierarchy.one.root
        let pin = try root.fingerprint()
        // All 64 are in it, or in one of the next.
        let text = Self.base64(root.der + (try Hierarchy.one).ra.der)
        #expect(Set(text).subtracting([UInt8(ascii: "=")]).count == 64)
        let body = Self.base64(root.der)
        for place in [0, 1, 2, 3, body.count / 2] {
            for byte: UInt8 in [0x2A, 0x2C, 0x2D + 1, 0x3A, 0x40, 0x5B, 0x60, 0x7B, 0x5F] {
                var corrupted = body
                corrupted[place] = byte
                #expect(throws: SCEPError.self, "\(byte) at \(place)") { try accepted(corrupted, pin) }
            }
        }
        #expect(throws: SCEPError.self) { try accepted(Array(body.dropLast(8)), pin) }
        // Several blocks, each padded by itself (RFC 7468, 2).
        for count in 0..<3 {
            let padded = Self.base64(Array(root.der.dropLast(count))) + [0x0A] + Self.base64(root.der.suffix(count))
            #expect(try accepted(padded, pin) == root.der)
        }
    }

    /// Blocks of PEM that leave their padding out, each begun anew.
    @Test(arguments: 1...3) func padding(count: Int) throws {
        let root = try Hierarchy.one.root
        let blocks = [Array(root.der.prefix(count)), Array(root.der.dropFirst(count))].map { block in
            Array("-----BEGIN X-----\n".utf8) + Self.base64(block).filter { $0 != UInt8(ascii: "=") }
                + Array("\n-----END X-----\n".utf8)
        }
        #expect(try accepted(blocks.flatMap { $0 }, root.fingerprint()) == root.der)
    }

    @Test func compressedOnesAreNamed() throws {
        // RFC 1952, 2.3.1; and DER behind a byte order mark, as a text file would have it.
        try expect(.gzip, [0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0])
        try expect(.gzip, [0x1F, 0x8B])
        try expect(.byteOrderMark, Self.mark + Hierarchy.one.root.der)
    }

    private func expect(_ form: BodyForm, _ body: [UInt8]) throws {
        let root = try Hierarchy.one.root
        let pin = try root.fingerprint()
        #expect(throws: SCEPError.notDER(form)) { try checked(body, trusting: [root]) }
        #expect(throws: SCEPError.notDER(form)) { try accepted(body, pin) }
    }
}
