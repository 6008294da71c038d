import Bytes

/// A row of a table that is one text, a row a line, counted from 0. So it takes less flash than texts by themselves, each
/// of which has a pointer and a length.
@_lifetime(immortal)
@inline(never)
func tableRow(_ number: UInt8, of table: StaticString) -> Span<UInt8> {
    let table = span(of: table)
    var left = number
    var start = 0
    while left > 0, start < table.count {
        if table[start] == UInt8(ascii: "\n") { left &-= 1 }
        start &+= 1
    }
    return table.extracting(start..<position(of: UInt8(ascii: "\n"), in: table, from: start))
}

/// Where a byte stands first; the end if it stands nowhere.
@inline(never)
func position(of byte: UInt8, in text: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < text.count, text[index] != byte { index &+= 1 }
    return index
}
