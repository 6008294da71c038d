import DER
import Foundation
import SCEP
import TestKeys
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output

/// Bytes put together here: how they are encoded, what they are taken for, and how much of them is shown.
@Suite struct InspectFormTests {
    /// X.690 by hand: indefinite lengths, lengths with octets to spare, octet strings in pieces, and where the first stands.
    @Test(arguments: [
        ("0500", 2, 0, 0, 0, nil), ("30030201053003", 5, 0, 0, 0, nil), ("3080020105 0000", 7, 1, 0, 0, 0),
        ("3080 3080 0000 0000", 8, 2, 0, 0, 0), ("3003 0481 00", 5, 0, 1, 0, 2),
        ("0481 7F" + pad(127), 130, 0, 1, 0, 0),
        ("0481 80" + pad(128), 131, 0, 0, 0, nil), ("0482 0080" + pad(128), 132, 0, 1, 0, 0),
        ("0482 0100" + pad(256), 260, 0, 0, 0, nil), ("0484 00000001 07", 7, 0, 1, 0, 0),
        ("2403 040107", 5, 0, 0, 1, 0), ("3007 0500 2403 040107", 9, 0, 0, 1, 4),
        ("2480 040107 0401 08 0000", 10, 1, 0, 1, 0), ("300B A080 2403 040107 0000 0500", 13, 1, 0, 1, 2),
        ("3000", 2, 0, 0, 0, nil), ("3100 3080", 2, 0, 0, 0, nil),
    ])
    func formsAreCounted(
        hex: String, end: Int, indefinite: Int, long: Int, segmented: Int, deviation: Int?
    ) throws {
        let form = try EncodingForm([UInt8](hex: hex.replacing(" ", with: "")), at: 0)
        #expect(form.end == end)
        #expect(form.indefiniteLengths == indefinite && form.longLengths == long && form.segmentedStrings == segmented)
        #expect(form.firstDeviation == deviation && form.isDER == (deviation == nil))
        // Wherever it stands, offsets are those of the file.
        let later = try EncodingForm([0xFF, 0xFF] + [UInt8](hex: hex.replacing(" ", with: "")), at: 2)
        #expect(later.end == end + 2 && later.firstDeviation == deviation.map { $0 + 2 })
    }

    private static func pad(_ count: Int) -> String { String(repeating: "07", count: count) }

    @Test(
        arguments: [
            ("05", DERError.Kind.truncated, 0), ("0501", .truncated, 0), ("3001", .truncated, 0),
            ("3080", .truncated, 2),
            ("300205", .truncated, 0), ("30020501 FF", .truncated, 2), ("3003 020207 07", .truncated, 2),
            ("0485 0000000001 07", .truncated, 0), ("0481", .truncated, 0), ("0482 01", .truncated, 0),
            ("0484 FFFFFFFF", .truncated, 0), ("1F01 00", .highTagNumber, 0), ("3003 5F0100", .highTagNumber, 2),
            ("0000", .misplacedEndOfContents, 0), ("3002 0000", .misplacedEndOfContents, 2),
            ("0480 0000", .misplacedEndOfContents, 0), ("3080 05 00", .truncated, 4), ("3002 05", .truncated, 0),
            ("3001 05", .truncated, 2), ("3080 0500 00", .truncated, 4),
        ] as [(String, DERError.Kind, Int)])
    func whatCannotBeReadHasItsPlace(hex: String, kind: DERError.Kind, offset: Int) throws {
        let error = #expect(throws: DERError.self) {
            _ = try EncodingForm([UInt8](hex: hex.replacing(" ", with: "")), at: 0)
        }
        #expect(error?.kind == kind && error?.offset == offset, "\(String(describing: error))")
    }

    @Test func depthHasItsLimit() throws {
        for (count, isRead) in [(BER.maximumDepth, true), (BER.maximumDepth + 1, false)] {
            var bytes: [UInt8] = [5, 0]
            for _ in 0..<count { bytes = bytes.tagged(0x30) }
            if isRead {
                #expect(try EncodingForm(bytes, at: 0).end == bytes.count)
            } else {
                let error = #expect(throws: DERError.self) { _ = try EncodingForm(bytes, at: 0) }
                #expect(error?.kind == .tooDeep)
            }
        }
    }

    /// Structures by their first elements, most of them openssl's.
    @Test func everyKindIsTold() throws {
        let ca = try OpenSSLIdentity.authority
        let name = [UInt8](hex: "3000")
        let serial: [UInt8] = [2, 1, 5]
        func der(_ command: String, _ input: [UInt8]) throws -> [UInt8] {
            try OpenSSL.run(command.split(separator: " ").map(String.init), input: input)
        }
        let rows: [([UInt8], String)] = try [
            (ca.der, "certificate"), (FieldCertificates.versionOne.der, "certificate"),
            (ca.request(subject: "/CN=x"), "certification request"),
            (ca.request(subject: "/"), "certification request"),
            (ca.revocationList(), "CRL"), (ca.revocationList(extensions: []), "CRL"),
            (ca.revocationList(of: ["01"], extensions: []), "CRL"),
            (der("pkey -pubout -outform DER", ca.key), "public key"),
            (der("rsa -traditional -outform DER", ca.key), "private key"),
            (der("pkcs8 -topk8 -nocrypt -outform DER", ca.key), "private key"),
            (der("ec -outform DER", TestKey.p256.pem), "private key"),
            (der("pkcs8 -topk8 -passout pass:x -outform DER", ca.key), "encrypted private key"),
            ((name + serial).tagged(0x30), "IssuerAndSerialNumber"), ((name + name).tagged(0x30), "IssuerAndSubject"),
            (OpenSSLIdentity.bundle([ca]), "certificates-only SignedData"), (ca.envelope([1]), "EnvelopedData"),
            (der("cms -data_create -outform DER", [1]), "unrecognized"),
            (der("cms -digest_create -outform DER", [1]), "unrecognized"), ([0x30, 0], "unrecognized"),
            ((name + name + name).tagged(0x30), "unrecognized"), ((serial + serial).tagged(0x30), "private key"),
            ((serial + name + serial).tagged(0x30), "unrecognized"), ((serial + [5, 0]).tagged(0x30), "unrecognized"),
            ((name + [5, 0]).tagged(0x30), "unrecognized"), ([5, 0].tagged(0x30), "unrecognized"),
            ([5, 0], "unrecognized"),
        ]
        for (file, kind) in rows {
            #expect(try Inspecting().json(file).object["kind"].text == kind, "\(Array(file.prefix(40)).hex)")
        }
        let digested = try Inspecting().json(der("cms -digest_create -outform DER", [1])).object
        #expect(digested["contentType"].text == "digestedData")
        #expect(digested["problem"].text == "a content type that SCEP does not use")
        let named = try Inspecting().json((name + serial).tagged(0x30)).object
        #expect(named["issuer"].text == "" && named["serialNumber"].text == "05")
    }

    /// Files that are somebody's secret, and no message: nothing of them is shown.
    @Test(arguments: ["SEED", "SCEP", "SCEPID\0", "", "0w\u{2}\u{1}\u{1}\u{4} "])
    func nothingIsShownOfASecret(start: String) throws {
        for secret in ["challenge: 0123456789abcdef".utf8.map { $0 }, [UInt8](0x80...0xBF)] {
            let file = Array(start.utf8) + secret
            let text = try Inspecting().lines(file)
            for size in [6, 12] {
                let part = secret.dropFirst(12).prefix(size)
                #expect(!text.contains(Array(part).hex.lowercased()))
                #expect(!text.utf8.map { $0 }.contains(Array(part)))
            }
        }
    }

    private static let head = "HTTP/1.0 200 OK\r\n\r\n"

    /// How much of what is not known is shown: of a server's replies alone.
    @Test func noMoreIsShownThanFits() throws {
        let many = (0..<70).flatMap { _ in [5, 0] as [UInt8] }.tagged(0x30)
        let outline = try Inspecting().json(many).object
        #expect(outline["outline"].count == 60)
        #expect(outline["outline"][0].text == "0: tag 30, bytes: 140")
        #expect(outline["outline"][59].text == ".119: tag 05, bytes: 0")
        var deep: [UInt8] = [5, 0]
        for _ in 0..<12 { deep = deep.tagged(0x30) }
        let levels = try Inspecting().json(deep).object["outline"].items.compactMap(\.text)
        #expect(levels.count == 9 && levels.last == "........16: tag 30, bytes: 8")

        for (count, shown) in [(199, 199), (200, 200), (201, 200)] {
            let text = [UInt8](repeating: UInt8(ascii: "x"), count: count)
            for (head, isShown) in [("", false), (Self.head, true)] {
                let found = try Inspecting().json(Array(head.utf8) + text)
                #expect(found["form"].text == "text" && found["start"].text?.count == (isShown ? shown : nil))
                #expect(found["problem"].text == "it is text, but neither PEM nor base64 nor GetCACaps keywords")
            }
        }
        for count in [31, 32, 33, 40] {
            let noise = [0x30, 0x7F] + [UInt8](repeating: 0x81, count: count - 2)
            for (head, isShown) in [("", false), (Self.head, true)] {
                let found = try Inspecting().json(Array(head.utf8) + noise).object
                #expect(found["start"].text == (isShown ? Array(noise.prefix(32)).hex.lowercased() : nil))
                #expect(found["hint"].text == "it may have been cut: compare its size with what was sent")
                #expect(found["there"].value == nil)
            }
        }
        let wrong: [UInt8] = [0x30, 0x06, 0x05, 0x00, 0x1F, 0x81, 0x00, 0x00]
        let inside = try Inspecting().json(Array(Self.head.utf8) + wrong).object
        #expect(inside["there"].text == "1f810000" && inside["hint"].value == nil)
        #expect(try Inspecting().json(wrong).object["there"].value == nil)
        let words = (0..<70).map { "WORD\($0)" }.joined(separator: "\n")
        let capabilities = try Inspecting().json(Array(("AES\n" + words).utf8)).object
        #expect(capabilities["capabilities"].count == 65)
        let head = "HTTP/1.1 200 OK\r\n" + (0..<70).map { "X-\($0): y\r\n" }.joined() + "\r\nAES"
        let reply = try Inspecting().json(Array(head.utf8))
        #expect(reply["reply"]["head"].count == 64 && reply["reply"]["head"][63].text == "X-62: y")
        let empty = try Inspecting().json([])
        #expect(empty["problem"].text == "there is not one byte in it" && empty["start"].value == nil)
    }

    /// What an editor leaves behind a structure is none of it, and what follows has its own place.
    @Test func blanksBehindAStructureArePassedOver() throws {
        let key = try OpenSSL.run(["pkey", "-pubout", "-outform", "DER"], input: TestKey.p256.pem)
        for (blanks, count) in [("", 1), ("\n", 1), (" \t\r\n\n", 1), ("x", 2)] {
            let found = try Inspecting().json(key + Array(blanks.utf8))
            #expect(found["objects"].count == count, "\(blanks)")
            let both = try Inspecting().json(key + Array(blanks.utf8) + key)
            guard count == 1 else { continue }
            #expect(both["objects"].items.map { $0["kind"].text } == ["public key", "public key"])
            #expect(both["objects"].items.map { $0["offset"].number } == [0, key.count + blanks.utf8.count])
        }
    }

    @Test(
        arguments: [
            ("GET / HTTP/1.1", "", nil, nil),
            ("HTTP/1.1 200 OK", "Content-Length: x", "Content-Length is no number", 33),
            ("HTTP/2 200 OK", "A: b", "its first line is not HTTP/1.0's or HTTP/1.1's", 5),
            ("HTTP/1.1 302 Found", "Location: /x", "the server sends elsewhere", nil),
            ("HTTP/1.1 200 OK", "Content-Encoding: gzip", "it is compressed, or has another coding than chunked", nil),
            ("HTTP/1.1 200 OK", "no field", "a line of its head is no field", nil),
            ("HTTP/1.1 200 OK", "Content-Length: 9", "it ends before its body does", nil),
            ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "a chunk is malformed", nil),
            ("HTTP/1.1 200 OK", "Content-Length: 3", nil, nil),
        ] as [(String, String, String?, Int?)])
    func repliesAreReadAsTheClientDoes(status: String, field: String, reason: String?, place: Int?) throws {
        let found = try Inspecting().json(Array("\(status)\r\n\(field)\r\n\r\nAES".utf8))
        guard status.hasPrefix("HTTP/") else { return #expect(found["reply"].value == nil) }
        #expect(found["reply"]["head"].items.compactMap(\.text) == [status, field])
        #expect(found["form"].text == "text")
        guard let reason else {
            return #expect(found["reply"].reason("reply") == "the client reads it")
        }
        let told = found["reply"].reason("reply") ?? ""
        #expect(found["reply"].result("reply") == "fail")
        #expect(told.hasPrefix("the client would refuse the reply: ") && told.contains(reason), "\(told)")
        if let place { #expect(told.hasSuffix(", at byte \(place)"), "\(told)") }
    }

    @Test(arguments: [
        ("application/x-x509-ca-cert", "application/x-x509-ca-cert"), ("text/plain; charset=x", "text/plain"),
        ("application/x-x509-ca-ra-cert", "application/x-x509-ca-ra-cert"), ("TEXT/HTML", "text/html"),
        ("application/x-x509-next-ca-cert", "application/x-x509-next-ca-cert"), ("image/png", "another"),
        ("application/x-pki-message", "application/x-pki-message"), ("", "none"),
    ])
    func theTypeOfAReplyIsTold(field: String, name: String) throws {
        let head = "HTTP/1.1 200 OK\r\n" + (field.isEmpty ? "" : "Content-Type: \(field)\r\n") + "\r\nAES\n"
        #expect(try Inspecting().json(Array(head.utf8))["reply"]["type"].text == name)
    }

    /// Several files, their checks counted together and their failures in order.
    @Test func theSummaryCountsAllFiles() throws {
        let contents = [
            "good": "AES\nSHA-256\nPOSTPKIOperation\n", "weak": "DES3\nSHA-1\n", "noise": "nothing",
            "store": "SCEPID and a key",
        ]
        func summary(_ files: [String]) throws -> (InspectSummary, Found) {
            var report = Report(.json)
            let summary = try inspect(
                files.map { Array($0.utf8) }, InspectOptions(), random: try seededRandom(), into: &report
            ) { Array((contents[String(decoding: $0, as: UTF8.self)] ?? "").utf8) }
            return (summary, Found(value: try JSONSerialization.jsonObject(with: Data(report.finish()))))
        }
        let (counts, found) = try summary(["good", "weak", "noise", "noise", "store", "weak"])
        #expect(counts == InspectSummary(passed: 1, failed: 2, unknown: 0, unrecognized: 2))
        #expect(
            found["files"].items.map { $0["file"].text }
                == ["good", "weak", "noise", "noise", "store", "weak"])
        #expect(found["summary"]["pass"].number == 1 && found["summary"]["fail"].number == 2)
        #expect(found["summary"]["unknown"].number == 0 && found["summary"]["unrecognized"].number == 2)
        #expect(found["summary"]["failures"].count == 2)
        #expect(
            found["summary"]["failures"][0].text?.hasPrefix("algorithms: the client would refuse this CA: ") == true
        )
        #expect(found["files"][4]["kind"].text == "the store of an identity, which scep status describes")
        #expect(found["files"][4]["form"].value == nil && found["files"][4]["size"].number == 16)
        let (clean, short) = try summary(["good"])
        #expect(clean == InspectSummary(passed: 1, failed: 0, unknown: 0, unrecognized: 0))
        #expect(short["summary"]["unrecognized"].value == nil && short["summary"]["failures"].value == nil)
    }

    /// What the options cannot be.
    @Test func optionsThatAreOfNoUseAreNamed() throws {
        let der = try OpenSSLIdentity.authority.der
        func kind(_ inspecting: Inspecting) -> String {
            do {
                _ = try inspecting.json(der)
                return ""
            } catch let failure as Failure {
                return String(decoding: failure.kind, as: UTF8.self)
            } catch {
                return "\(error)"
            }
        }
        #expect(kind(Inspecting(ca: der)) == "")
        #expect(kind(Inspecting(ca: Array("no".utf8))) == "bad-ca-file")
        #expect(kind(Inspecting(request: der)) == "bad-request-file")
        #expect(kind(Inspecting(fingerprint: "00")) == "bad-fingerprint")
        #expect(kind(Inspecting(fingerprint: String(repeating: "00", count: 32))) == "")
    }

    /// Text of strings of every type, and of none.
    @Test(arguments: [
        ("0C03 616263", "abc"), ("1302 6162", "ab"), ("1601 61", "a"), ("1401 62", "b"), ("1201 31", "1"),
        ("1A01 63", "c"),
        ("170D 3236303130323033303430355A", "260102030405Z"),
        ("180F 32303236303130323033303430355A", "20260102030405Z"),
        ("1E08 0061 00E9 07FF 20AC", "a\u{E9}\u{7FF}\u{20AC}"), ("1E06 007F 0080 0800", "\\7F\\C2\\80\u{800}"),
        ("1E03 0061 00", "a"), ("0603 2A0304", "1.2.3.4"), ("0609 2A864886F70D010701", "data"), ("0201 7F", "127"),
        ("0201 80", "80"),
        ("0203 7FFFFF", "8388607"), ("0204 01000000", "01000000"), ("0402 0AFF", "0aff"), ("0500", "0500"),
        ("3003 020105", "3003020105"), ("0440" + pad(64), pad(64)), ("0441" + pad(65), pad(64) + "… (65 bytes)"),
        ("0340" + pad(64), "0340" + pad(62) + "… (66 bytes)"),
    ])
    func valuesHaveTheirText(hex: String, text: String) throws {
        let value = [UInt8](hex: hex.replacing(" ", with: ""))
        var message = SignedMessage.reply("3", from: try .authority)
        message.others = [("2A0306", value)]
        let attributes = try Inspecting().json(message.encoded()).object["signer"]["signedAttributes"].items
        let found = try #require(attributes.first { $0["id"].text == "1.2.3.6" }?["value"].text)
        #expect(found == text.replacing("\\7F", with: "\u{7F}").replacing("\\C2\\80", with: "\u{80}"))
    }

    /// Names of kinds that have no words here are shown whole up to 64 bytes.
    @Test func unknownNamesAreShownInHexadecimal() throws {
        for count in [61, 62, 63] {
            // ediPartyName (RFC 5280, 4.2.1.6).
            let name = [UInt8](repeating: 0x2A, count: count).tagged(0xA5)
            let identity = try OpenSSLIdentity(
                subject: "/CN=x", for: .p256,
                extensions: ["subjectAltName=DER:" + name.tagged(0x30).hex, "issuerAltName=DNS:a"])
            let found = try Inspecting().json(identity.der).object
            let shown = Array(name.prefix(64)).hex.lowercased() + (count == 63 ? "… (65 bytes)" : "")
            #expect(found.extension("subjectAltName") == shown)
            #expect(found.extension("issuerAltName") == "DNS:a")
        }
    }

    /// Where a list may be found is looked for as deep as it may stand, and no deeper.
    @Test(arguments: [(0, true), (5, true), (6, true), (7, false), (20, false)])
    func locationsAreLookedForSoDeep(levels: Int, isShown: Bool) throws {
        var value = Array("http://a".utf8).tagged(0x86)
        for _ in 0..<levels { value = value.tagged(0xA0) }
        let identity = try OpenSSLIdentity(
            subject: "/CN=x", for: .p256, extensions: ["crlDistributionPoints=DER:" + value.hex])
        let shown = try Inspecting().json(identity.der).object.extension("cRLDistributionPoints")
        #expect(shown == (isShown ? "URI:http://a" : ""))
    }

    /// A list that is not of all that was revoked is of no use to the client.
    @Test func aListOfAFewIsRefused() throws {
        let ca = try OpenSSLIdentity.authority
        let part = try ca.revocationList(
            of: ["01"], extensions: ["issuingDistributionPoint=critical,@i", "[i]", "onlyCA=TRUE"])
        let found = try Inspecting(ca: ca.certificate).json(part).object
        #expect(found.failures == ["client"])
        #expect(found.reason("client")?.hasPrefix("the client would refuse this CRL: ") == true)
        #expect(found.result("signature") == nil && found["revoked"].number == 1)
    }
}
