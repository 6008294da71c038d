import PKIX
import TestSupport
import Testing

/// Names that are written differently: what is the same is openssl's to say, by the hash of its canonical form.
@Suite struct NameComparisonTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let left: [Attribute]
        let right: [Attribute]
        let areEqual: Bool
        var testDescription: String { "\(left) \(areEqual ? "=" : "≠") \(right)" }

        init(_ left: [Attribute], _ right: [Attribute], _ areEqual: Bool) {
            self.left = left
            self.right = right
            self.areEqual = areEqual
        }

        /// Two common names.
        init(_ tag: UInt8, _ text: String, _ otherTag: UInt8, _ other: String, _ areEqual: Bool) {
            self.init([Attribute(tag: tag, text)], [Attribute(tag: otherTag, other)], areEqual)
        }
    }

    struct Attribute: Sendable, CustomStringConvertible {
        var type: UInt8 = 3
        var tag: UInt8 = 0x0C
        let text: String
        /// Whether it stands in one RDN with the one before.
        var joins = false
        var description: String { "\(type)/\(tag):\(text)" }

        init(type: UInt8 = 3, tag: UInt8 = 0x0C, _ text: String, joins: Bool = false) {
            (self.type, self.tag, self.text, self.joins) = (type, tag, text, joins)
        }
    }

    private static let utf8: UInt8 = 0x0C
    private static let printable: UInt8 = 0x13
    private static let ia5: UInt8 = 0x16

    static let rows = [
        Row(utf8, "Example", utf8, "Example", true),
        Row(printable, "Example CA", utf8, "Example CA", true),
        Row(printable, "EXAMPLE ca", utf8, "example CA", true),
        Row(ia5, "a@Example", utf8, "a@example", true),
        Row(ia5, "Example", ia5, "EXAMPLE", true),
        Row(utf8, "  Example   CA ", printable, "Example CA", true), Row(utf8, "Example\tCA", utf8, "Example CA", true),
        Row(utf8, "ExampleCA", utf8, "Example CA", false), Row(utf8, "Example", utf8, "Exampl", false),
        Row(utf8, "Example", utf8, "Example.", false), Row(utf8, "   ", printable, "", true),
        Row(ia5, "a\u{7F}", utf8, "a\u{7F}", true), Row(utf8, "7", 0x12, "7", false), Row(0x12, "7", 0x12, "7", true),
        Row(0x12, "7", 0x12, "7 ", false),
        // Only letters are folded, and only those of ASCII.
        Row(utf8, "a[", utf8, "a{", false), Row(utf8, "@", utf8, "`", false),
        Row(utf8, "Ä", ia5, "Ä", false), Row(utf8, "AZaz", ia5, "azAZ", true),
        Row(utf8, "Ä", utf8, "ä", false), Row(utf8, "Ä x", utf8, "Ä  X", true),
        Row([Attribute("a"), Attribute(type: 10, "b")], [Attribute("A"), Attribute(type: 10, "B")], true),
        Row([Attribute("a"), Attribute(type: 10, "b")], [Attribute("a")], false),
        Row([Attribute("a")], [Attribute("a"), Attribute(type: 10, "b")], false), Row([Attribute("a")], [], false),
        Row([Attribute("a")], [Attribute(type: 10, "a")], false),
        Row([Attribute("a"), Attribute(type: 10, "b")], [Attribute(type: 10, "b"), Attribute("a")], false),
        Row(
            [Attribute("a"), Attribute(type: 10, "b", joins: true)],
            [Attribute(tag: printable, "a"), Attribute(type: 10, "B", joins: true)], true),
        Row(
            [Attribute("a"), Attribute(type: 10, "b", joins: true)], [Attribute("a"), Attribute(type: 10, "b")], false),
    ]

    @Test(arguments: rows) func areCompared(_ row: Row) throws {
        let (left, right) = (Self.name(row.left), Self.name(row.right))
        #expect(Self.areEqual(left, right) == row.areEqual && Self.areEqual(right, left) == row.areEqual)
        let theirs = try Self.hash(left) == Self.hash(right)
        #expect(theirs == row.areEqual)
    }

    /// What is no Name is equal to itself alone.
    @Test(arguments: ["", "30", "3000", "3002 3000", "3004 3102 3000", "3005 0603550403", "30 04 31 02 0500"])
    func malformed(hex: String) {
        let name = [UInt8](hex: hex)
        #expect(Self.areEqual(name, name))
        let good = Self.name([Attribute("a")])
        #expect(!Self.areEqual(name, good) && !Self.areEqual(good, name))
        for count in good.indices {
            let part = Array(good[..<count])
            #expect(!Self.areEqual(part, good))
        }
    }

    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { areNamesEqual(left.span, right.span) }

    private static func name(_ attributes: [Attribute]) -> [UInt8] {
        var parts: [[UInt8]] = []
        for attribute in attributes {
            let pair = ([0x06, 0x03, 0x55, 0x04, attribute.type] + Array(attribute.text.utf8).tagged(attribute.tag))
                .tagged(0x30)
            if attribute.joins, let last = parts.popLast() {
                parts.append(last + pair)
            } else {
                parts.append(pair)
            }
        }
        return parts.flatMap { $0.tagged(0x31) }.tagged(0x30)
    }

    /// openssl's hash of the canonical form of a certificate's subject.
    private static func hash(_ name: [UInt8]) throws -> [UInt8] {
        let der = Parts.changed { $0.subject = name }
        return try OpenSSL.run(["x509", "-inform", "DER", "-noout", "-subject_hash"], input: der)
    }
}
