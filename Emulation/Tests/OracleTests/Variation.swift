import LibCrypto

extension Sample {
    /// Other names, another number and other times, signed again.
    mutating func varyCertificate(using generator: inout some RandomNumberGenerator) throws {
        var root = root
        let first = root[[0]].children?.first?.tag == 0xA0 ? 1 : 0
        let count = Int.random(in: 1...20, using: &generator)
        var serial = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        while serial.count > 1, serial[0] == 0 && serial[1] < 0x80 || serial[0] == 0xFF && serial[1] >= 0x80 {
            serial.removeFirst()
        }
        root[[0, first]] = Element(0x02, serial)
        root[[0, first + 2]] = .name(using: &generator)
        root[[0, first + 3]] = .sequence([.time(using: &generator), .time(using: &generator)])
        root[[0, first + 4]] = .name(using: &generator)
        try signAgain(&root, [])
        self = Sample(
            kind: kind, root: root, field: Fields.certificate(root), signAgain: signAgain, ours: ours, theirs: theirs)
    }

    mutating func varyRevocationList(using generator: inout some RandomNumberGenerator) throws {
        var root = root
        root[[0, 2]] = .name(using: &generator)
        root[[0, 3]] = .time(using: &generator)
        root[[0, 4]] = .time(using: &generator)
        try signAgain(&root, [])
        self = Sample(
            kind: kind, root: root, field: Fields.revocationList(root), signAgain: signAgain, ours: ours,
            theirs: theirs)
    }
}

extension Element {
    /// A Name of no to four attributes, in strings of every type, some of them two to a part.
    static func name(using generator: inout some RandomNumberGenerator) -> Element {
        let types = [
            "2.5.4.3", "2.5.4.5", "2.5.4.10", "2.5.4.11", "2.5.4.6", "2.5.4.7", "0.9.2342.19200300.100.1.25",
            "1.2.840.113549.1.9.1", "1.3.6.1.4.1.99999.268435455",
        ]
        return .sequence(
            (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                let count = Int.random(in: 0..<8, using: &generator) == 0 ? 2 : 1
                var attributes = (0..<count).map { _ in
                    Element.sequence([
                        .identifier(types.randomElement(using: &generator) ?? types[0]), .string(using: &generator),
                    ])
                }
                attributes.sort { $0.encoding.lexicographicallyPrecedes($1.encoding) }
                return Element(0x31, attributes)
            })
    }

    private static func string(using generator: inout some RandomNumberGenerator) -> Element {
        let count = Int.random(in: 0...20, using: &generator)
        let letters = (0..<count).map { _ in UInt8.random(in: 0x61...0x7A, using: &generator) }
        switch Int.random(in: 0..<7, using: &generator) {
        case 0: return Element(0x0C, Array(String(repeating: "ü€", count: count).utf8))
        case 1: return Element(0x13, letters)
        case 2: return Element(0x14, letters)
        case 3: return Element(0x16, letters)
        case 4: return Element(0x1E, letters.flatMap { [0x20, $0] })
        case 5: return Element(0x1C, letters.flatMap { [0, 0, 0x20, $0] })
        default: return Element(0x0C, letters)
        }
    }

    /// A time from 1950 to 2150, as RFC 5280, 4.1.2.5 has it.
    static func time(using generator: inout some RandomNumberGenerator) -> Element {
        let year = Int.random(in: 1950...2150, using: &generator)
        let parts = [
            Int.random(in: 1...12, using: &generator), Int.random(in: 1...28, using: &generator),
            Int.random(in: 0...23, using: &generator), Int.random(in: 0...59, using: &generator),
            Int.random(in: 0...59, using: &generator),
        ]
        let rest = parts.map(twoDigits).joined() + "Z"
        return year < 2050
            ? Element(0x17, Array((twoDigits(year % 100) + rest).utf8)) : Element(0x18, Array("\(year)\(rest)".utf8))
    }
}

func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
