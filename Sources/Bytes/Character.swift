// What a byte of ASCII text is.

extension UInt8 {
    /// The letter in lower case; any other byte as it is.
    public var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }

    public var isDigit: Bool { self &- UInt8(ascii: "0") <= 9 }

    /// The value of a hexadecimal digit in either case, 0 to 15; nil for any other byte.
    public var hexadecimalValue: UInt8? {
        @inline(never)
        get {
            switch self {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): self &- UInt8(ascii: "0")
            case UInt8(ascii: "A")...UInt8(ascii: "F"): self &- UInt8(ascii: "A") &+ 10
            case UInt8(ascii: "a")...UInt8(ascii: "f"): self &- UInt8(ascii: "a") &+ 10
            default: nil
            }
        }
    }
}
