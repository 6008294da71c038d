extension Span<UInt8> {
    /// Whether this is an IPv6 address as RFC 4291, section 2.2 writes it, without a zone.
    var isIPv6Address: Bool {
        var groups = 0
        var isCompressed = false
        var index = 0
        if holds("::", at: 0) {
            isCompressed = true
            index = 2
        }
        while index < count {
            let start = index
            while index < count, self[index].hexadecimalValue != nil { index += 1 }
            if index < count, self[index] == UInt8(ascii: ".") {
                guard isIPv4Address(from: start) else { return false }
                groups += 2
                break
            }
            guard 1...4 ~= index - start else { return false }
            groups += 1
            guard index < count else { break }
            guard self[index] == UInt8(ascii: ":"), index + 1 < count else { return false }
            index += 1
            if self[index] == UInt8(ascii: ":") {
                guard !isCompressed else { return false }
                isCompressed = true
                index += 1
            }
        }
        return isCompressed ? groups < 8 : groups == 8
    }

    /// Whether the rest is four numbers of 0 to 255 with dots between them.
    private func isIPv4Address(from start: Int) -> Bool {
        var dots = 0
        var digits = 0
        var value = 0
        for index in start..<count {
            let byte = self[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0 else { return false }
                dots += 1
                digits = 0
                value = 0
            } else {
                guard byte.isDigit, digits < 3 else { return false }
                digits += 1
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
                guard value < 256 else { return false }
            }
        }
        return dots == 3 && digits > 0
    }
}
