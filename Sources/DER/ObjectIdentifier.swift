import Bytes

/// An OBJECT IDENTIFIER, held as its dotted text; its encoding (X.690, 8.19) is made where it is needed.
///
/// The text costs a few bytes of flash more than the encoding would, and no RAM and no start-up code.
public struct ObjectIdentifier: Sendable {
    private let text: StaticString

    /// - Parameter text: such as `1.2.840.113549.1.7.2`, at most ``maximumSize`` bytes when encoded.
    public init(_ text: StaticString) {
        self.text = text
    }

    var dotted: Span<UInt8> {
        @_lifetime(immortal) get { span(of: text) }
    }

    /// The longest encoding that is written or compared, bytes: a certificate template of Microsoft's takes up to 41.
    public static var maximumSize: Int { 48 }

    /// Whether `contents` is the encoding of this identifier.
    public func matches(_ contents: Span<UInt8>) -> Bool { Self.matches(contents, dotted) }

    /// Whether `contents` is the encoding of a dotted text.
    @inline(never)
    public static func matches(_ contents: Span<UInt8>, _ text: Span<UInt8>) -> Bool {
        var encoding = InlineArray<48, UInt8>(repeating: 0)
        guard let size = try? encode(text, into: &encoding), size == contents.count else { return false }
        for index in contents.indices where contents[index] != encoding[index] { return false }
        return true
    }

    /// Encodes dotted text: at least two arcs, each below 2^28 and without leading zeros, the first 0, 1 or 2.
    ///
    /// - Returns: the number of bytes at the front of `encoding`.
    /// - Throws: `invalidObjectIdentifier` with the offset in `text`.
    @inline(never)
    static func encode(_ text: Span<UInt8>, into encoding: inout InlineArray<48, UInt8>) throws(DERError) -> Int {
        var size = 0
        var arcs = 0
        var first: UInt32 = 0
        var position = 0
        while position < text.count {
            let start = position
            var value: UInt32 = 0
            while position < text.count, text[position] != UInt8(ascii: ".") {
                let digit = text[position] &- UInt8(ascii: "0")
                guard digit <= 9, value > 0 || position == start else {
                    throw DERError(.invalidObjectIdentifier, at: position)
                }
                value = value &* 10 &+ UInt32(digit)
                guard value < 1 << 28 else { throw DERError(.invalidObjectIdentifier, at: start) }
                position &+= 1
            }
            guard position > start, position &+ 1 != text.count else {
                throw DERError(.invalidObjectIdentifier, at: start)
            }
            position &+= 1
            arcs &+= 1
            if arcs == 1 {
                guard value <= 2 else { throw DERError(.invalidObjectIdentifier, at: start) }
                first = value
                continue
            }
            if arcs == 2 {
                guard first == 2 || value < 40 else { throw DERError(.invalidObjectIdentifier, at: start) }
                value &+= first &* 40
            }
            var shift: UInt32 = 28
            while shift > 0, value &>> shift == 0 { shift &-= 7 }
            while true {
                guard size < encoding.count else { throw DERError(.invalidObjectIdentifier, at: start) }
                let septet = UInt8(truncatingIfNeeded: value &>> shift) & 0x7F
                encoding[size] = shift == 0 ? septet : septet | 0x80
                size &+= 1
                if shift == 0 { break }
                shift &-= 7
            }
        }
        guard arcs >= 2 else { throw DERError(.invalidObjectIdentifier, at: text.count) }
        return size
    }
}
