import Bytes
import TestSupport
import Testing

@Suite struct ASCIITextTests {
    @Test(
        arguments: [
            ("abz", "abz", true), ("ABZ", "abz", true), ("aBz", "AbZ", true), ("ab", "abz", false),
            ("abz", "ab", false),
            ("", "", true), ("a", "", false), ("b", "c", false),
            // What stands in ASCII beside the letters has no case.
            ("@", "`", false), ("[", "{", false), ("0", "\u{10}", false),
        ] as [(String, StaticString, Bool)])
    func words(text: String, word: StaticString, isSame: Bool) {
        let bytes = Array(text.utf8)
        let found = (isWord(bytes.span, word), isWord(bytes.span, span(of: word)))
        #expect(found == (isSame, isSame))
    }

    @Test(
        arguments: [
            ("get", 0), ("GET", 0), ("post", 1), ("x", 2), ("", nil), ("ge", nil), ("gett", nil), ("get post", nil),
            (" ", nil),
        ] as [(String, Int?)])
    func positions(text: String, expected: Int?) {
        let bytes = Array(text.utf8)
        let found = position(of: bytes.span, among: "get post x")
        #expect(found == expected)
        let ofNone = position(of: bytes.span, among: "")
        #expect(ofNone == nil)
    }

    @Test(
        arguments: [
            ("get post x", ["get", "post", "x", "", ""]), ("x", ["x", "", ""]), ("", ["", ""]),
        ] as [(StaticString, [String])])
    func wordsOfAList(words: StaticString, expected: [String]) {
        #expect(expected.indices.map { String(decoding: word($0, of: words).array, as: UTF8.self) } == expected)
    }

    /// Checked by Swift's library.
    @Test func hexadecimalDigits() {
        for byte in UInt8.min...UInt8.max {
            let checked = byte < 0x80 ? Character(Unicode.Scalar(byte)).hexDigitValue : nil
            #expect(byte.hexadecimalValue.map(Int.init) == checked, "\(byte)")
        }
    }
}
