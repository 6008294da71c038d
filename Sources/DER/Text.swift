/// The bytes of a literal.
@_lifetime(immortal)
public func span(of text: StaticString) -> Span<UInt8> {
    // A literal's bytes are never freed, which the compiler cannot see.
    unsafe _overrideLifetime(Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount), copying: ())
}

/// Whether `text` is `word`, letter case aside.
@inline(never)
public func isWord(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
    let word = span(of: word)
    guard text.count == word.count else { return false }
    for index in text.indices where lowercased(text[index]) != lowercased(word[index]) { return false }
    return true
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}

/// The value of a hexadecimal digit.
@inline(never)
public func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
    default: nil
    }
}
