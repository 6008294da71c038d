/// The identifier octet of an element: class, constructed bit and a tag number below 31 (X.690, 8.1.2).
public struct Tag: RawRepresentable, Equatable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static var boolean: Tag { Tag(rawValue: 0x01) }
    public static var integer: Tag { Tag(rawValue: 0x02) }
    public static var bitString: Tag { Tag(rawValue: 0x03) }
    public static var octetString: Tag { Tag(rawValue: 0x04) }
    public static var null: Tag { Tag(rawValue: 0x05) }
    public static var objectIdentifier: Tag { Tag(rawValue: 0x06) }
    public static var utf8String: Tag { Tag(rawValue: 0x0C) }
    public static var printableString: Tag { Tag(rawValue: 0x13) }
    public static var ia5String: Tag { Tag(rawValue: 0x16) }
    public static var utcTime: Tag { Tag(rawValue: 0x17) }
    public static var generalizedTime: Tag { Tag(rawValue: 0x18) }
    public static var universalString: Tag { Tag(rawValue: 0x1C) }
    public static var bmpString: Tag { Tag(rawValue: 0x1E) }
    public static var sequence: Tag { Tag(rawValue: 0x30) }
    public static var set: Tag { Tag(rawValue: 0x31) }

    /// `[number]` around a primitive value; `number` is below 31.
    public static func context(_ number: UInt8) -> Tag { Tag(rawValue: 0x80 | (number & 0x1F)) }

    /// `[number]` around elements; `number` is below 31.
    public static func contextConstructed(_ number: UInt8) -> Tag { Tag(rawValue: 0xA0 | (number & 0x1F)) }

    public var isConstructed: Bool { rawValue & 0x20 != 0 }
}
