import Foundation
import PKIX
import SCEP
import TestSupport
import Testing

/// Bodies that are no DER: those that hold a message all the same, and what is said of the others.
@Suite struct BodyTests {
    private static let lines = Data.Base64EncodingOptions.lineLength64Characters

    private static func base64(_ bytes: [UInt8], _ options: Data.Base64EncodingOptions = []) -> [UInt8] {
        Array(Data(bytes).base64EncodedData(options: options))
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
        let world = try World.one
        let pin = try world.root.fingerprint()
        let bundle = try OpenSSLIdentity.bundle([world.intermediate, world.root])
        for (name, body) in Self.carried(world.root.der, label: "CERTIFICATE") {
            var policy = Policy()
            #expect(try accepted(body, pin, policy: &policy) == world.root.der, "\(name)")
            #expect(policy.used == .textBody, "\(name)")
        }
        for (name, body) in Self.carried(bundle, label: "PKCS7") {
            #expect(try accepted(body, pin).count == world.root.der.count + world.intermediate.der.count, "\(name)")
        }
        // As openssl writes one, and several, with words in between as `openssl s_client -showcerts` has them.
        let two = world.root.certificate + Array("---\n".utf8) + world.intermediate.certificate
        #expect(try accepted(two, pin) == world.root.der + world.intermediate.der)
        var policy = Policy()
        _ = try accepted(world.root.der, pin, policy: &policy)
        #expect(policy.used == Leniency())
    }

    @Test func repliesAreTakenAndTold() throws {
        let root = try World.one.root
        let message = try Reply().signed(by: root)
        for (name, body) in Self.carried(message, label: "PKCS7") {
            #expect(try judged(body, trusting: [root]).1 == Reply().content, "\(name)")
        }
        // Something else behind it is not white space.
        #expect {
            try judged(message + [0x0A, 0x41], trusting: [root])
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
            ("no such operation", .text), ("MISSING: message", .text), ("\u{FEFF}whatever", .byteOrderMark),
            ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", .text), ("AAAA", .text),
        ] as [(String, BodyForm)])
    func othersAreNamed(_ text: String, _ form: BodyForm) throws {
        try expect(form, Array(text.utf8))
    }

    @Test func compressedOnesAreNamed() throws {
        // RFC 1952, 2.3.1; and DER behind a byte order mark, as a text file would have it.
        try expect(.gzip, [0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0])
        try expect(.byteOrderMark, Self.mark + World.one.root.der)
    }

    private func expect(_ form: BodyForm, _ body: [UInt8]) throws {
        let root = try World.one.root
        let pin = try root.fingerprint()
        #expect(throws: SCEPError.notDER(form)) { try judged(body, trusting: [root]) }
        #expect(throws: SCEPError.notDER(form)) { try accepted(body, pin) }
    }
}
