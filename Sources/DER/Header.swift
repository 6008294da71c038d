/// Identifier and length octets of one element, as they stand in a buffer.
struct Header {
    let tag: Tag
    /// Offset of the first content byte.
    let contentStart: Int
    /// Offset after the last content byte; nil for BER's indefinite length.
    let contentEnd: Int?
    /// Whether the length is in the one form that DER allows.
    let isMinimal: Bool

    /// Reads a header at `position`, with no byte at or beyond `end`.
    @inline(never)
    init(_ bytes: Span<UInt8>, at position: Int, end: Int) throws(DERError) {
        guard end &- position >= 2 else { throw DERError(.truncated, at: position) }
        let identifier = bytes[position]
        guard identifier & 0x1F != 0x1F else { throw DERError(.highTagNumber, at: position) }
        tag = Tag(rawValue: identifier)
        let first = bytes[position &+ 1]
        var start = position &+ 2
        if first == 0x80 {
            contentStart = start
            contentEnd = nil
            isMinimal = false
            return
        }
        var length = Int(first)
        var minimal = true
        if first > 0x80 {
            let count = Int(first & 0x7F)
            guard count <= end &- start else { throw DERError(.truncated, at: position) }
            length = 0
            for index in start..<(start &+ count) {
                // Three octets, which with a tag's and one more still fit 32 bits.
                guard length <= 0xFFFF else { throw DERError(.lengthTooLarge, at: position) }
                length = length &<< 8 | Int(bytes[index])
            }
            minimal = bytes[start] != 0 && length >= 0x80
            start &+= count
        }
        guard length <= end &- start else { throw DERError(.truncated, at: position) }
        contentStart = start
        contentEnd = start &+ length
        isMinimal = minimal
        // Their contents have one form in BER already (X.690, 8.3.2 and 8.8.2).
        if tag == .null, length > 0 { throw DERError(.trailingBytes, at: position) }
        if tag == .integer {
            guard length > 0 else { throw DERError(.invalidInteger, at: position) }
            guard length > 1 else { return }
            // The first nine bits are not all the same.
            let first = UInt16(bytes[start]) &<< 1 | UInt16(bytes[start &+ 1] &>> 7)
            guard first != 0, first != 0x1FF else { throw DERError(.invalidInteger, at: position) }
        }
    }

    /// How many octets the length takes in DER, for content of `count` bytes below 16 MiB.
    static func lengthOctets(_ count: Int) -> Int {
        count < 0x80 ? 1 : count < 0x100 ? 2 : count < 0x1_0000 ? 3 : 4
    }
}
