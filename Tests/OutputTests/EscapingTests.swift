import Foundation
import Testing

@testable import Output

/// What others wrote, in each form in which it is shown.
@Suite struct EscapingTests {
    /// Characters that command a terminal (ECMA-48, 5.2 and 5.3), end a line, or change the order of reading (UAX #9, 2),
    /// by the range of their code points.
    private static let forbidden: [ClosedRange<UInt32>] = [
        0x00...0x1F, 0x7F...0x9F, 0x061C...0x061C, 0x200E...0x200F, 0x2028...0x2029, 0x202A...0x202E, 0x2066...0x2069,
    ]

    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        forbidden.contains { $0.contains(scalar.value) }
    }

    private func string(_ bytes: [UInt8]) -> String? { String(validating: bytes, as: UTF8.self) }

    /// Every character of Unicode, in each form: shown as it is, or escaped, and for JSON the same to who reads it.
    @Test func everyCharacterIsShownOrEscaped() throws {
        for plane in [0...0xFFFF, 0x1F600...0x1F64F, 0x10FFF0...0x10FFFF] as [ClosedRange<UInt32>] {
            for scalar in plane.compactMap(Unicode.Scalar.init) {
                let bytes = Array(String(Character(scalar)).utf8)
                let escapes = bytes.map { "\\" + String(format: "%02X", $0) }.joined()
                var line = Text()
                line.append(printable: bytes.span)
                #expect(string(line) == (Self.isForbidden(scalar) ? escapes : String(Character(scalar))))
                var json = Text()
                json.append(json: bytes.span)
                let text = try #require(string(json))
                #expect(!text.unicodeScalars.contains(where: Self.isForbidden))
                guard scalar.value < 0x100 || Self.isForbidden(scalar) else { continue }
                let read = try JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed) as? String
                #expect(read == String(Character(scalar)))
            }
        }
    }

    /// What is no UTF-8 (RFC 3629, 3), checked by the standard library's decoder.
    @Test(
        arguments: [
            [0x80], [0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x80], [0xFF],
            [0xE2, 0x80, 0x41], [0x9B, 0x32, 0x4A],
        ] as [[UInt8]])
    func whatIsNoTextIsEscaped(_ bytes: [UInt8]) throws {
        #expect(string(bytes) == nil)
        var line = Text()
        line.append(printable: bytes.span)
        #expect(try #require(string(line)).contains("\\" + String(format: "%02X", bytes[0])))
        var json = Text()
        json.append(json: bytes.span)
        #expect(string(json)?.contains("\\ufffd") == true)
    }

    /// A name, a reply's words and a file are shown by the same rules, and what was escaped once is not escaped again.
    @Test func everyWayOutEscapes() throws {
        let said = Array("a\u{202E}b\u{2028}\u{1B}[2J\u{85}é".utf8)
        let shown = #"a\E2\80\AEb\E2\80\A8\1B[2J\C2\85é"#
        var lines = Report(.lines)
        lines.field("text", text: said)
        lines.item(said.span)
        lines.check("name", "fail", said.span)
        #expect(string(lines.finish()) == "text: \(shown)\n- \(shown)\n- fail name: \(shown)\n")
        var json = Report(.json)
        json.field("text", text: said)
        #expect(string(json.finish()) == #"{"text":"a\u202eb\u2028\u001b[2J\u0085é"}"# + "\n")
        let failure = ErrorWords(.scep(.pkcsReq, .refused(.badRequest), text: 0..<said.count), said.span)
        #expect(string(failure.message)?.contains("it says: " + shown) == true)
        var again = Text()
        again.append(printable: failure.message.span)
        #expect(again == failure.message)
        let status = ErrorWords(.status(.getCACert, 400, text: 0..<said.count), said.span)
        #expect(string(status.message)?.contains("it says: " + shown) == true)
        // CN in a UTF8String.
        let value = [UInt8]([0x0C, UInt8(said.count)]) + said
        let attribute = [0x06, 0x03, 0x55, 0x04, 0x03] + value
        let count = UInt8(attribute.count)
        let name = [0x30, count + 4, 0x31, count + 2, 0x30, count] + attribute
        #expect(string(Text(name: name.span)) == "CN=" + shown)
    }
}
