import Bytes
import DER
import DeviceCrypto

/// A type of name attributes (RFC 4512, 2.5) that has a name here; others are told by their dotted identifier.
public struct AttributeType {
    /// One a line: name, syntax (see ``tag`` and ``greatestCount``), identifier. Of several names of one identifier, the
    /// first is the one that is written.
    ///
    /// RFC 4514, section 3; RFC 5280, appendix A.1; RFC 4519, 2; RFC 2985, 5.2.1, 5.2.2 and 5.4.4. `E`, `S`, `T`, `GN` and
    /// the long ones are what OpenSSL, Windows and Java write; `SN` is the surname to RFC 4519 and to all of them.
    /// An image without space for these has dotted identifiers in their place.
    private static var table: StaticString {
        Footprint.isUnconstrained
            ? """
            CN o2.5.4.3
            L l2.5.4.7
            ST l2.5.4.8
            S l2.5.4.8
            O o2.5.4.10
            OU o2.5.4.11
            C c2.5.4.6
            STREET l2.5.4.9
            DC d0.9.2342.19200300.100.1.25
            UID u0.9.2342.19200300.100.1.1
            serialNumber p2.5.4.5
            emailAddress e1.2.840.113549.1.9.1
            E e1.2.840.113549.1.9.1
            SN u2.5.4.4
            surname u2.5.4.4
            GN u2.5.4.42
            givenName u2.5.4.42
            initials u2.5.4.43
            generationQualifier u2.5.4.44
            pseudonym l2.5.4.65
            dnQualifier p2.5.4.46
            title o2.5.4.12
            T o2.5.4.12
            postalCode z2.5.4.17
            unstructuredName w1.2.840.113549.1.9.2

            """
            : """
            CN o2.5.4.3
            L l2.5.4.7
            ST l2.5.4.8
            O o2.5.4.10
            OU o2.5.4.11
            C c2.5.4.6
            STREET l2.5.4.9
            DC d0.9.2342.19200300.100.1.25
            UID u0.9.2342.19200300.100.1.1
            serialNumber p2.5.4.5
            emailAddress e1.2.840.113549.1.9.1

            """
    }

    private let nameRange: Range<Int>
    private let identifierRange: Range<Int>
    private let syntax: UInt8

    public var name: Span<UInt8> {
        @_lifetime(immortal) get { span(of: Self.table).extracting(nameRange) }
    }

    /// Dotted.
    var identifier: Span<UInt8> {
        @_lifetime(immortal) get { span(of: Self.table).extracting(identifierRange) }
    }

    /// The string type that RFC 5280, appendix A.1 prescribes, UTF8String where it leaves the choice.
    public var tag: Tag {
        switch syntax {
        case UInt8(ascii: "c"), UInt8(ascii: "p"): .printableString
        case UInt8(ascii: "d"), UInt8(ascii: "e"): .ia5String
        default: .utf8String
        }
    }

    /// Whether a value has two letters, neither more nor less.
    var isCountry: Bool { syntax == UInt8(ascii: "c") }

    /// The greatest number of characters (RFC 5280, appendix A.1, upper bounds; of a postal code: X.520, annex C; of an
    /// unstructured name: RFC 2985, 5.4.4).
    public var greatestCount: Int {
        switch syntax {
        case UInt8(ascii: "c"): 2
        case UInt8(ascii: "o"), UInt8(ascii: "p"): 64
        case UInt8(ascii: "l"): 128
        case UInt8(ascii: "z"): 40
        case UInt8(ascii: "e"), UInt8(ascii: "w"): 255
        default: 32_768
        }
    }

    /// The row of the table that begins at `position`, which moves on to the next; nil at the end.
    @inline(never)
    private init?(at position: inout Int) {
        let table = span(of: Self.table)
        guard position < table.count else { return nil }
        let start = position
        while table[position] != UInt8(ascii: " ") { position &+= 1 }
        let separator = position
        while table[position] != UInt8(ascii: "\n") { position &+= 1 }
        nameRange = start..<separator
        syntax = table[separator &+ 1]
        identifierRange = (separator &+ 2)..<position
        position &+= 1
    }

    /// - Parameter word: one of the names, letter case aside, or the dotted identifier.
    public init?(_ word: Span<UInt8>) {
        var position = 0
        while let row = AttributeType(at: &position) {
            if isWord(word, row.name) || isWord(word, row.identifier) {
                self = row
                return
            }
        }
        return nil
    }

    /// - Parameter contents: of an OBJECT IDENTIFIER in DER.
    init?(identifier contents: Span<UInt8>) {
        var position = 0
        while let row = AttributeType(at: &position) {
            if ObjectIdentifier.matches(contents, row.identifier) {
                self = row
                return
            }
        }
        return nil
    }
}
