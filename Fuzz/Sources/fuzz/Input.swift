/// Takes an input apart: choices first, then what is left. An input that has ended gives zeros, which always stand for
/// what is honest, so that every input means something and the empty one goes through.
struct Input {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// A number below `limit`.
    mutating func number(below limit: Int) -> Int { Int(byte()) % limit }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// A piece of at most 65,535 bytes behind its length, most of the time one byte.
    mutating func piece() -> [UInt8] {
        let first = Int(byte())
        return bytes(first < 0xFF ? first : Int(byte()) << 8 | Int(byte()))
    }

    /// A zero for `standard`, or the length plus one of a piece that stands in its place.
    mutating func piece(or standard: [UInt8]) -> [UInt8] {
        let first = Int(byte())
        return first == 0 ? standard : bytes(first - 1)
    }

    mutating func remainder() -> [UInt8] { bytes(rest.count) }

    /// Changes single bytes of what was honest: a count, then so many places and masks.
    mutating func corrupt(_ message: inout [UInt8]) {
        for _ in 0..<number(below: 8) {
            let place = Int(byte()) << 8 | Int(byte())
            let mask = byte()
            if !message.isEmpty { message[place % message.count] ^= mask }
        }
    }
}
