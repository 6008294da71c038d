import Bytes

// What others wrote is shown by these rules alone, on a terminal, in a journal, in a file and in JSON.
//
// A backslash is shown as it is, since text may come by here more than once: so `\0A` that somebody wrote looks like a line
// feed that was escaped. It is harmless, and JSON, whose backslashes are escaped, tells the two apart.

/// Bytes of the character at `index` if it can be shown as it is; 0 if it has to be escaped: a control character, one that
/// changes the order of reading or ends a line (Unicode, UAX #9 and 5.8), or no character of UTF-8 at all.
package func shownLength(_ bytes: Span<UInt8>, at index: Int) -> Int {
    let length = utf8Length(bytes, at: index)
    guard length > 0 else { return 0 }
    switch scalar(bytes, at: index, length) {
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: return 0
    default: return length
    }
}

extension [UInt8] {
    /// Appends text of any origin; each byte of what has to be escaped becomes `\C3`.
    @inline(never)
    package mutating func append(printable bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            let length = shownLength(bytes, at: index)
            if length > 0 {
                append(bytes.extracting(index..<(index + length)))
            } else {
                appendEscape(of: bytes[index])
            }
            index += Swift.max(length, 1)
        }
    }

    /// Appends `\C3`.
    package mutating func appendEscape(of byte: UInt8) {
        append(UInt8(ascii: "\\"))
        for digit in [byte >> 4, byte & 15] { append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
    }

    /// Appends text of any origin as a string of JSON (RFC 8259, 7). What is no UTF-8 becomes U+FFFD.
    @inline(never)
    package mutating func append(json bytes: Span<UInt8>) {
        append("\"")
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            var length = shownLength(bytes, at: index)
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                append(UInt8(ascii: "\\"))
                append(byte)
            } else if length > 0 {
                append(bytes.extracting(index..<(index + length)))
            } else {
                length = utf8Length(bytes, at: index)
                // All that has to be escaped is below U+10000.
                let code = length > 0 ? scalar(bytes, at: index, length) : 0xFFFD
                append("\\u")
                append(hex: UInt8(truncatingIfNeeded: code >> 8))
                append(hex: UInt8(truncatingIfNeeded: code))
            }
            index += Swift.max(length, 1)
        }
        append("\"")
    }
}

/// The code point of a character of UTF-8.
private func scalar(_ bytes: Span<UInt8>, at index: Int, _ length: Int) -> UInt32 {
    guard length > 1 else { return UInt32(bytes[index]) }
    var code = UInt32(bytes[index] & (0x7F >> UInt8(length)))
    for next in (index + 1)..<(index + length) { code = code << 6 | UInt32(bytes[next] & 0x3F) }
    return code
}

/// Bytes of the character that begins at `index`, 1 to 4; 0 if it is not one in UTF-8 (RFC 3629).
package func utf8Length(_ bytes: Span<UInt8>, at index: Int) -> Int {
    let first = bytes[index]
    guard first >= 0x80 else { return 1 }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first <= 0xF4, index + length <= bytes.count else { return 0 }
    for next in (index + 1)..<(index + length) where bytes[next] & 0xC0 != 0x80 { return 0 }
    switch (first, bytes[index + 1]) {
    // Overlong forms, surrogates, and what is above U+10FFFF.
    case (0xE0, 0x80..<0xA0), (0xED, 0xA0...), (0xF0, 0x80..<0x90), (0xF4, 0x90...): return 0
    default: return length
    }
}
