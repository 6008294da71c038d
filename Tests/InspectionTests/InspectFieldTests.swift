import DER
import Foundation
import TestSupport
import Testing

@testable import Inspection
@testable import InspectionSupport
@testable import Output

/// Values as a report has them.
@Suite struct InspectFieldTests {
    private func text(_ bytes: Text) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Of the zeros in front, only the one that X.690 wants is left out (8.3.2).
    @Test(arguments: [
        ("", ""), ("00", "00"), ("7F", "7f"), ("007F", "007f"), ("0080", "80"), ("00FF01", "ff01"),
        ("000080", "000080"),
        ("80", "80"), ("0180", "0180"), ("FF80", "ff80"),
    ])
    func integers(contents: String, shown: String) {
        let bytes = [UInt8](hex: contents)
        #expect(text(Text(integer: bytes.span)) == shown)
    }

    @Test(arguments: [
        // Tag and content, in hexadecimal, and what is shown.
        ("0C", "C3BC", "ü"), ("13", "6162", "ab"), ("16", "40", "@"), ("14", "61", "a"), ("12", "3132", "12"),
        ("1A", "7A", "z"), ("17", "3439", "49"), ("18", "3230", "20"), ("06", "550403", "2.5.4.3"),
        // 16 bits a character, of which the last may be cut off.
        ("1E", "0041 007F 0080 00FC 07FF 0800 20AC FFFD 00", "A\u{7F}\u{80}ü\u{7FF}\u{800}€\u{FFFD}"),
        // Numbers as far as they are small, and not below zero.
        ("02", "00", "0"), ("02", "7F", "127"), ("02", "0080", "128"), ("02", "7FFFFF", "8388607"),
        ("02", "00800000", "00800000"), ("02", "01000000", "01000000"), ("02", "80", "80"), ("02", "FF", "ff"),
        ("04", "0102", "0102"), ("0A", "01", "0a0101"), ("05", "", "0500"),
    ])
    func values(tag: String, contents: String, shown: String) throws {
        let bytes = [UInt8](hex: contents).tagged([UInt8](hex: tag)[0])
        var reader = DERReader(bytes.span)
        var found = Text()
        found.append(valueOf: try reader.read())
        #expect(text(found) == shown)
    }

    /// Of what is long, the first 64 bytes.
    @Test(arguments: [1, 63, 64, 65, 300]) func longValuesAreCut(count: Int) throws {
        let contents = [UInt8](repeating: 0xAB, count: count)
        let bytes = contents.tagged(4)
        var reader = DERReader(bytes.span)
        var found = Text()
        found.append(valueOf: try reader.read())
        let end = count > 64 ? "… (\(count) bytes)" : ""
        #expect(text(found) == String(repeating: "ab", count: min(count, 64)) + end)
    }

    @Test(arguments: [0, 7, 10, -1, 1_234_567_890, .max, .min] as [Int64]) func decimals(value: Int64) {
        var found = Text("x")
        found.append(decimal: value)
        #expect(text(found) == "x\(value)")
    }

    @Test(arguments: [
        ("", ""), (" \t\r", ""), ("a", "a"), (" a b\t", "a b"), ("\r\ta", "a"), ("\na ", "\na"),
    ])
    func blanksAtTheEnds(whole: String, trimmed: String) {
        #expect(text(Array(whole.utf8).trimmed) == trimmed)
    }

    @Test func partsOfATextAreFound() {
        let whole = Text("abcabd")
        #expect(find("ab", in: whole) == 0 && find("abd", in: whole) == 3 && find("d", in: whole) == 5)
        #expect(find("abe", in: whole) == nil && find("abcabdx", in: whole) == nil && find("", in: whole) == 0)
        #expect(find("x", in: Text()) == nil && find("abcabd", in: whole) == 0)
        #expect(whole.equals("abcabd") && !whole.equals("abcab") && !whole.equals("abcabe") && Text().equals(""))
        #expect(!whole.equals("xbcabd") && whole.starts(with: "") && whole.starts(with: "abcabd"))
        #expect(whole.starts(with: "abc") && !whole.starts(with: "abd") && !whole.starts(with: "abcabdx"))
    }
}
