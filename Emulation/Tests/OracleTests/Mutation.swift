/// One thing that is done to an element of an object that was right.
enum Mutation: CaseIterable {
    case otherTag, otherClass, otherForm
    case paddedLength, indefiniteLength, wrongLength
    case duplicated, removed, swapped, wrapped, inserted, emptied
    case trailingByte, endOfContents
    case flippedBit, changedByte, shortened, lengthened, padded, negative
    case pieces

    /// Does it to one of the elements of `root`, which `generator` chooses.
    ///
    /// - Returns: the path of the element that it was done to; nil when there is none that it can be done to.
    static func apply(to root: inout Element, using generator: inout some RandomNumberGenerator) -> Element.Path? {
        let paths = root.paths
        for _ in 0..<50 {
            let mutation = allCases.randomElement(using: &generator) ?? .removed
            let path = paths.randomElement(using: &generator) ?? []
            if mutation.apply(at: path, of: &root, &generator) { return path }
        }
        return nil
    }

    private func apply(
        at path: Element.Path, of root: inout Element, _ generator: inout some RandomNumberGenerator
    ) -> Bool {
        switch self {
        case .duplicated, .removed, .swapped, .inserted:
            guard let last = path.last else { return false }
            let parent = Array(path.dropLast())
            var siblings = root[parent].children ?? []
            switch self {
            case .duplicated: siblings.insert(siblings[last], at: last)
            case .removed: siblings.remove(at: last)
            case .inserted: siblings.insert(Self.intruders.randomElement(using: &generator) ?? .sequence([]), at: last)
            default:
                guard last > 0 else { return false }
                siblings.swapAt(last, last - 1)
            }
            root[parent].children = siblings
            return true
        default:
            var element = root[path]
            guard apply(to: &element, &generator) else { return false }
            root[path] = element
            return true
        }
    }

    private static var intruders: [Element] {
        [
            Element(0x05, [UInt8]()), Element(0x02, [1]), Element(0x01, [0xFF]), Element(0x04, [1, 2, 3]),
            .sequence([]),
            Element(0x31, [Element]()), Element(0x0C, Array("x".utf8)), Element(0xA0, [Element]()), Element(0x80, [0]),
            Element(0xA1, [Element(0x02, [0])]), .identifier("1.2.3"), Element(0x17, Array("260102030405Z".utf8)),
        ]
    }

    private func apply(to element: inout Element, _ generator: inout some RandomNumberGenerator) -> Bool {
        switch self {
        case .otherTag:
            element.tag = element.tag & 0xE0 | UInt8.random(in: 0...30, using: &generator)
        case .otherClass:
            element.tag ^= UInt8.random(in: 1...3, using: &generator) << 6
        case .otherForm:
            element.tag ^= 0x20
        case .paddedLength:
            // OpenSSL takes 82 00 00 for cut short, where it ends something.
            guard !element.content.isEmpty else { return false }
            element.length = .padded(Int.random(in: 1...4, using: &generator))
        case .indefiniteLength:
            element.length = .indefinite
        case .wrongLength:
            let difference = Int.random(in: 1...3, using: &generator)
            element.length = .wrong(Bool.random(using: &generator) ? difference : -difference)
        case .wrapped:
            element = Element([0x30, 0x31, 0xA0, 0x24].randomElement(using: &generator) ?? 0x30, [element])
        case .emptied:
            if element.children == nil { element.bytes = [] } else { element.children = [] }
        case .trailingByte:
            element.trailing.append(UInt8.random(in: 0...255, using: &generator))
        case .endOfContents:
            element.trailing += [0, 0]
        case .pieces:
            guard element.tag & 0x1F == 0x04 || element.tag == 0x80, element.children == nil else { return false }
            element = element.inPieces(&generator)
        case .flippedBit, .changedByte, .shortened, .lengthened, .padded, .negative:
            guard element.children == nil else { return false }
            return apply(to: &element.bytes, &generator)
        default:
            return false
        }
        return true
    }

    private func apply(to bytes: inout [UInt8], _ generator: inout some RandomNumberGenerator) -> Bool {
        switch self {
        case .padded:
            bytes.insert([0x00, 0xFF, 0x80].randomElement(using: &generator) ?? 0, at: 0)
        case .lengthened:
            bytes.append(UInt8.random(in: 0...255, using: &generator))
        default:
            guard !bytes.isEmpty else { return false }
            let index = Int.random(in: bytes.indices, using: &generator)
            switch self {
            case .flippedBit: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            case .changedByte: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case .shortened: bytes.removeLast(Int.random(in: 1...min(bytes.count, 3), using: &generator))
            default: bytes[0] |= 0x80
            }
        }
        return true
    }
}

extension Element {
    /// An octet string as BER may have it: a constructed one of two or three pieces.
    func inPieces(_ generator: inout some RandomNumberGenerator) -> Element {
        let first = Int.random(in: 0...bytes.count, using: &generator)
        let second = Int.random(in: first...bytes.count, using: &generator)
        let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]].map { Element(0x04, Array($0)) }
        var whole = Element(tag | 0x20, pieces)
        whole.trailing = trailing
        if Bool.random(using: &generator) { whole.length = .indefinite }
        return whole
    }

    /// The same in BER: indefinite and long lengths, octet strings in pieces.
    func inBER(_ generator: inout some RandomNumberGenerator) -> Element {
        var element = self
        guard let children else {
            if tag == 0x04 || tag == 0x80, Bool.random(using: &generator) { return inPieces(&generator) }
            if !bytes.isEmpty, Int.random(in: 0..<4, using: &generator) == 0 { element.length = .padded(1) }
            return element
        }
        // What stands in strings is not BER's to change: it is signed, or is somebody else's.
        guard isConstructed else { return element }
        element.children = children.map { $0.inBER(&generator) }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where !children.isEmpty: element.length = .padded(Int.random(in: 1...2, using: &generator))
        case 0, 1: break
        default: element.length = .indefinite
        }
        return element
    }
}
