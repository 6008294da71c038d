import DER
import TestSupport

/// A tree of elements on arrays: what random messages are made of, and a second, simple codec to check the first by.
indirect enum Element {
    case primitive(UInt8, [UInt8])
    case constructed(UInt8, [Element])

    var der: [UInt8] {
        switch self {
        case .primitive(let tag, let content): content.tagged(tag)
        case .constructed(let tag, let elements): elements.flatMap(\.der).tagged(tag)
        }
    }

    /// One of the many BER encodings.
    func ber(_ random: inout SeededGenerator) -> [UInt8] {
        switch self {
        case .primitive(0x04, let content) where random.oneIn(2):
            return Self.frame(0x24, Self.pieces(content, levels: 3, &random), &random)
        case .primitive(let tag, let content):
            return Self.definite(tag, content, &random)
        case .constructed(let tag, let elements):
            var content: [UInt8] = []
            for element in elements { content += element.ber(&random) }
            return Self.frame(tag, content, &random)
        }
    }

    private static func pieces(_ content: [UInt8], levels: Int, _ random: inout SeededGenerator) -> [UInt8] {
        var encoding: [UInt8] = []
        var rest = content[...]
        while !rest.isEmpty || random.oneIn(3) {
            let piece = Array(rest.prefix(Int(random.next() % 200)))
            rest = rest.dropFirst(piece.count)
            if levels > 0, random.oneIn(3) {
                encoding += frame(0x24, pieces(piece, levels: levels - 1, &random), &random)
            } else {
                encoding += definite(0x04, piece, &random)
            }
        }
        return encoding
    }

    private static func frame(_ tag: UInt8, _ content: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        random.oneIn(2) ? [tag, 0x80] + content + [0, 0] : definite(tag, content, &random)
    }

    private static func definite(_ tag: UInt8, _ content: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let shortest = content.tagged(tag)
        guard random.oneIn(4) else { return shortest }
        let zeros = [UInt8](repeating: 0, count: Int(random.next() % 6))
        let octets: [UInt8] = [UInt8(content.count >> 8 & 0xFF), UInt8(content.count & 0xFF)]
        return [tag, 0x80 | UInt8(zeros.count + 2)] + zeros + octets + content
    }

    static func random(levels: Int, _ random: inout SeededGenerator) -> Element {
        if levels == 0 || random.oneIn(3) {
            let tags: [UInt8] = [0x02, 0x03, 0x04, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x80, 0x81, 0x9E, 0x41, 0xC2]
            let sizes = [0, 1, 2, 30, 126, 127, 128, 129, 254, 255, 256, 257, 300]
            let size = sizes[Int(random.next() % UInt64(sizes.count))]
            let tag = tags[Int(random.next() % UInt64(tags.count))]
            switch tag {
            case 0x02: return .primitive(tag, [0x35] + random.bytes(max(size, 1) - 1))
            case 0x05: return .primitive(tag, [])
            default: return .primitive(tag, random.bytes(size))
            }
        }
        let tags: [UInt8] = [0x30, 0x31, 0xA0, 0xA1, 0xBE, 0x61, 0xE3]
        let tag = tags[Int(random.next() % UInt64(tags.count))]
        var elements: [Element] = []
        for _ in 0..<(random.next() % 5) { elements.append(.random(levels: levels - 1, &random)) }
        return .constructed(tag, elements)
    }

    /// Reads one BER element as `BER.normalize` ought to, by recursion on arrays; nil for what it ought to refuse.
    static func reference(ber bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count < 0x100_0000 else { return nil }
        var rest = bytes[...]
        guard let element = element(&rest, depth: 0, inString: false), rest.isEmpty else { return nil }
        return element
    }

    /// Whether an INTEGER is in as few octets as it takes, and a NULL in none (X.690, 8.3.2 and 8.8.2).
    private static func isInForm(_ tag: UInt8, _ content: [UInt8]) -> Bool {
        switch (tag, content.count) {
        case (0x02, 0): false
        case (0x02, 2...): !(content[0] == 0 && content[1] < 0x80 || content[0] == 0xFF && content[1] >= 0x80)
        case (0x05, let count): count == 0
        default: true
        }
    }

    private static func element(_ rest: inout ArraySlice<UInt8>, depth: Int, inString: Bool) -> [UInt8]? {
        guard let tag = rest.popFirst(), let first = rest.popFirst(), tag & 0x1F != 0x1F, tag != 0 else { return nil }
        guard !inString || tag == 0x04 || tag == 0x24 else { return nil }
        var content: ArraySlice<UInt8>?
        if first != 0x80 {
            var length = Int(first)
            if first > 0x80 {
                let octets = rest.prefix(Int(first & 0x7F))
                guard octets.count == Int(first & 0x7F) else { return nil }
                rest = rest.dropFirst(octets.count)
                let significant = octets.drop { $0 == 0 }
                guard significant.count <= 3 else { return nil }
                length = significant.reduce(0) { $0 << 8 | Int($1) }
            }
            guard length <= rest.count else { return nil }
            content = rest.prefix(length)
            rest = rest.dropFirst(length)
        }
        if tag & 0x20 == 0 {
            guard let content, isInForm(tag, Array(content)) else { return nil }
            return inString ? Array(content) : Array(content).tagged(tag)
        }
        guard tag == 0x24 || tag == 0x30 || tag == 0x31 || tag >= 0x40, depth < BER.maximumDepth else { return nil }
        var joined: [UInt8] = []
        if var content {
            while !content.isEmpty {
                guard let child = element(&content, depth: depth + 1, inString: tag == 0x24) else { return nil }
                joined += child
            }
        } else {
            while !rest.starts(with: [0, 0]) {
                guard let child = element(&rest, depth: depth + 1, inString: tag == 0x24) else { return nil }
                joined += child
            }
            rest = rest.dropFirst(2)
        }
        if tag == 0x24 { return inString ? joined : joined.tagged(0x04) }
        return joined.tagged(tag)
    }
}
