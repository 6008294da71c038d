/// The bytes of a literal.
@_lifetime(immortal)
public func span(of text: StaticString) -> Span<UInt8> {
    // A literal's bytes are never freed, which the compiler cannot see.
    unsafe _overrideLifetime(Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount), copying: ())
}

/// Whether it is white space of ASCII: a blank, or what controls where text goes on.
public func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte &- 9 < 5 }

/// Whether `text` is `word`, letter case aside.
@inline(__always)
public func isWord(_ text: Span<UInt8>, _ word: StaticString) -> Bool { isWord(text, span(of: word)) }

/// Whether `text` is `word`, letter case aside.
@inline(never)
public func isWord(_ text: Span<UInt8>, _ word: Span<UInt8>) -> Bool {
    guard text.count == word.count else { return false }
    for index in text.indices where text[index].lowercased != word[index].lowercased { return false }
    return true
}

/// Which of `words`, separated by blanks, `text` is, letter case aside; nil if it is none of them.
public func position(of text: Span<UInt8>, among words: StaticString) -> Int? {
    position(of: text, among: span(of: words))
}

/// The same of words that are bytes.
@inline(never)
public func position(of text: Span<UInt8>, among words: Span<UInt8>) -> Int? {
    var index = 0
    while true {
        let word = word(index, of: words)
        guard word.count > 0 else { return nil }
        if isWord(text, word) { return index }
        index &+= 1
    }
}

/// One of `words`, which are separated by blanks; empty behind the last.
@_lifetime(immortal)
public func word(_ index: Int, of words: StaticString) -> Span<UInt8> { word(index, of: span(of: words)) }

/// The same of words that are bytes.
@inline(never)
@_lifetime(copy words)
public func word(_ index: Int, of words: Span<UInt8>) -> Span<UInt8> {
    var (left, start, end) = (index, 0, 0)
    while end < words.count, left > 0 || words[end] != UInt8(ascii: " ") {
        if words[end] == UInt8(ascii: " ") {
            left &-= 1
            start = end &+ 1
        }
        end &+= 1
    }
    return words.extracting((left > 0 ? end : start)..<end)
}
