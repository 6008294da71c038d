/// Why bytes were refused, and where.
public struct DERError: Error, Equatable, Sendable {
    public let kind: Kind
    /// Offset in bytes from the start of the buffer that was read; for a writer, the space that was left.
    public let offset: Int

    public init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    /// What is wrong. Modules above add kinds of their own, from 32 on.
    public struct Kind: RawRepresentable, Equatable, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// The input ends inside an element.
        public static var truncated: Kind { Kind(rawValue: 1) }
        /// Another tag was due here.
        public static var unexpectedTag: Kind { Kind(rawValue: 2) }
        /// A tag number of 31 or more, which nothing in X.509 or CMS uses.
        public static var highTagNumber: Kind { Kind(rawValue: 3) }
        /// A length that is not in its shortest form, or is indefinite (X.690, 10.1).
        public static var lengthNotMinimal: Kind { Kind(rawValue: 4) }
        /// A length of 16 MiB or more; in a writer, of 64 KiB or more.
        public static var lengthTooLarge: Kind { Kind(rawValue: 5) }
        /// Bytes follow where a value had to end.
        public static var trailingBytes: Kind { Kind(rawValue: 6) }
        /// An INTEGER that is empty, padded, negative or too large for its use.
        public static var invalidInteger: Kind { Kind(rawValue: 7) }
        /// A BOOLEAN of more or less than one octet.
        public static var invalidBoolean: Kind { Kind(rawValue: 8) }
        /// A BIT STRING whose count of unused bits is impossible here.
        public static var invalidBitString: Kind { Kind(rawValue: 9) }
        /// An OBJECT IDENTIFIER that is empty or badly encoded, or its dotted text is.
        public static var invalidObjectIdentifier: Kind { Kind(rawValue: 10) }
        /// Nested deeper than ``BER/maximumDepth``.
        public static var tooDeep: Kind { Kind(rawValue: 11) }
        /// A BER end-of-contents where none is due, or a missing one (X.690, 8.1.5).
        public static var misplacedEndOfContents: Kind { Kind(rawValue: 12) }
        /// A string type other than OCTET STRING in constructed form.
        public static var constructedString: Kind { Kind(rawValue: 13) }
        /// The buffer that is written to has no space left.
        public static var bufferFull: Kind { Kind(rawValue: 14) }
    }
}
