extension Array where Element == UInt8 {
    /// The bytes that `hex` spells; blanks and anything else that is not a digit are passed over.
    public init(hex: String) {
        let digits = hex.compactMap(\.hexDigitValue)
        precondition(digits.count % 2 == 0, "a byte is two digits: \(hex)")
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    public var hex: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// An element of DER around these bytes; the length takes as many octets as it needs.
    public func tagged(_ identifier: UInt8) -> [UInt8] {
        var length: [UInt8] = []
        var rest = count
        while rest > 0 {
            length.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        if count < 0x80 { return [identifier, UInt8(count)] + self }
        return [identifier, 0x80 | UInt8(length.count)] + length + self
    }
}

extension Span<UInt8> {
    public var array: [UInt8] { indices.map { self[$0] } }
}
