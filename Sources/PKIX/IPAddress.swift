import Bytes

/// An IPv4 or IPv6 address in network byte order, 4 or 16 bytes (RFC 5280, 4.2.1.6).
public struct IPAddress {
    private var storage = InlineArray<16, UInt8>(repeating: 0)
    private var count = 0

    public var bytes: Span<UInt8> {
        @_lifetime(borrow self) get { storage.span.extracting(0..<count) }
    }

    /// Parses `192.0.2.1`, or IPv6 as RFC 4291, 2.2 writes it, without a zone. Nil if it is neither.
    public init?(_ text: Span<UInt8>) {
        var isIPv6 = false
        for index in text.indices where text[index] == UInt8(ascii: ":") { isIPv6 = true }
        guard isIPv6 ? parseIPv6(text) : parseIPv4(text) else { return nil }
    }

    /// Appends the four bytes of a dotted address.
    @inline(never)
    private mutating func parseIPv4(_ text: Span<UInt8>) -> Bool {
        var (octets, digits, value) = (0, 0, 0)
        for index in 0...text.count {
            if index == text.count || text[index] == UInt8(ascii: ".") {
                guard digits > 0, octets < 4 else { return false }
                storage[count] = UInt8(truncatingIfNeeded: value)
                count &+= 1
                octets &+= 1
                (digits, value) = (0, 0)
                continue
            }
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9, digits == 0 || value > 0 else { return false }
            value = value &* 10 &+ Int(digit)
            digits &+= 1
            guard value <= 255 else { return false }
        }
        return octets == 4
    }

    private mutating func parseIPv6(_ text: Span<UInt8>) -> Bool {
        var gap = -1
        var position = 0
        if text.count >= 2, text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return false }
            gap = 0
            position = 2
        }
        while position < text.count {
            let start = position
            var value = 0
            while position < text.count, let digit = text[position].hexadecimalValue, position &- start < 4 {
                value = value &<< 4 | Int(digit)
                position &+= 1
            }
            if position < text.count, text[position] == UInt8(ascii: ".") {
                guard count <= 12, parseIPv4(text.extracting(start..<text.count)) else { return false }
                break
            }
            guard position > start, count <= 14 else { return false }
            storage[count] = UInt8(truncatingIfNeeded: value &>> 8)
            storage[count &+ 1] = UInt8(truncatingIfNeeded: value)
            count &+= 2
            guard position < text.count else { break }
            guard text[position] == UInt8(ascii: ":"), position &+ 1 < text.count else { return false }
            position &+= 1
            if text[position] == UInt8(ascii: ":") {
                guard gap < 0 else { return false }
                gap = count
                position &+= 1
            }
        }
        guard gap >= 0 else { return count == 16 }
        guard count <= 14 else { return false }
        let moved = count &- gap
        var index = moved
        while index > 0 {
            index &-= 1
            storage[16 &- moved &+ index] = storage[gap &+ index]
        }
        for index in gap..<(16 &- moved) { storage[index] = 0 }
        count = 16
        return true
    }
}
