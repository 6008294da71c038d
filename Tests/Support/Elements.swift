/// The elements of DER in `bytes`, one after the other; their tags have one octet.
public func elements(in bytes: [UInt8]) -> [(tag: UInt8, content: [UInt8])] {
    var rest = bytes[...]
    var found: [(UInt8, [UInt8])] = []
    while let tag = rest.popFirst(), let first = rest.popFirst() {
        var length = Int(first)
        if first >= 0x80 {
            length = rest.prefix(Int(first & 0x7F)).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(Int(first & 0x7F))
        }
        found.append((tag, Array(rest.prefix(length))))
        rest = rest.dropFirst(length)
    }
    return found
}
