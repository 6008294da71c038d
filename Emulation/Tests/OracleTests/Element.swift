/// An ASN.1 element as a tree, to be changed anywhere and encoded again, rightly or wrongly.
struct Element: Sendable {
    enum Length: Sendable, Equatable {
        /// As DER has it.
        case shortest
        /// With so many zeros more than it takes.
        case padded(Int)
        case indefinite
        /// Off by so many bytes.
        case wrong(Int)
    }

    var tag: UInt8
    var length = Length.shortest
    /// What stands in front of the elements: the count of unused bits of a BIT STRING that has elements in it.
    var prefix: [UInt8] = []
    /// Nil when it is primitive, and its octets are no element either.
    var children: [Element]?
    /// The octets, when there are no children.
    var bytes: [UInt8] = []
    /// What follows behind it, within what it stands in.
    var trailing: [UInt8] = []

    init(_ tag: UInt8, _ bytes: [UInt8]) {
        self.tag = tag
        self.bytes = bytes
    }

    init(_ tag: UInt8, _ children: [Element]) {
        self.tag = tag
        self.children = children
    }

    var isConstructed: Bool { tag & 0x20 != 0 }

    /// Reads one element in DER, and what stands in octet strings and bit strings where that is an element too.
    init?(der: [UInt8]) {
        var rest = der[...]
        guard let element = Element(&rest), rest.isEmpty else { return nil }
        self = element
    }

    private init?(_ rest: inout ArraySlice<UInt8>) {
        guard let tag = rest.popFirst(), tag & 0x1F != 0x1F, let first = rest.popFirst() else { return nil }
        var count = Int(first)
        if first >= 0x80 {
            guard first != 0x80, first <= 0x82, rest.count >= first & 0x7F else { return nil }
            count = rest.prefix(Int(first & 0x7F)).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(Int(first & 0x7F))
        }
        guard count <= rest.count else { return nil }
        let content = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        self.tag = tag
        if tag & 0x20 != 0 {
            guard let children = Self.all(content) else { return nil }
            self.children = children
        } else if tag == 0x04, let inner = Element(der: content), inner.isConstructed {
            children = [inner]
        } else if tag == 0x03, content.first == 0, let inner = Element(der: Array(content.dropFirst())),
            inner.isConstructed
        {
            prefix = [0]
            children = [inner]
        } else {
            bytes = content
        }
    }

    private static func all(_ content: [UInt8]) -> [Element]? {
        var rest = content[...]
        var elements: [Element] = []
        while !rest.isEmpty {
            guard let element = Element(&rest) else { return nil }
            elements.append(element)
        }
        return elements
    }

    var content: [UInt8] { prefix + (children?.flatMap(\.encoding) ?? bytes) }

    /// As the lengths say.
    var encoding: [UInt8] { encode(content, length) + trailing }

    /// With lengths as DER has them, whatever is said.
    var der: [UInt8] { encode(prefix + (children?.flatMap(\.der) ?? bytes), .shortest) + trailing }

    private func encode(_ content: [UInt8], _ length: Length) -> [UInt8] {
        switch length {
        case .shortest: [tag] + Self.lengthOctets(content.count, padding: 0) + content
        case .padded(let zeros): [tag] + Self.lengthOctets(content.count, padding: zeros) + content
        case .indefinite: [tag, 0x80] + content + [0, 0]
        case .wrong(let difference):
            [tag] + Self.lengthOctets(max(content.count + difference, 0), padding: 0) + content
        }
    }

    static func lengthOctets(_ count: Int, padding: Int) -> [UInt8] {
        guard count >= 0x80 || padding > 0 else { return [UInt8(count)] }
        var octets: [UInt8] = []
        var rest = count
        repeat {
            octets.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        } while rest > 0
        octets = [UInt8](repeating: 0, count: padding) + octets
        return [0x80 | UInt8(octets.count)] + octets
    }
}

extension Element {
    /// Which child of which child, from the root on.
    typealias Path = [Int]

    /// An element that is not there is empty, and cannot be set.
    subscript(path: Path) -> Element {
        get {
            guard let first = path.first else { return self }
            guard let children, first < children.count else { return Element(0, [UInt8]()) }
            return children[first][Array(path.dropFirst())]
        }
        set {
            guard let first = path.first else {
                self = newValue
                return
            }
            guard let children, first < children.count else { return }
            self.children?[first][Array(path.dropFirst())] = newValue
        }
    }

    /// The paths of all elements, this one's first.
    var paths: [Path] {
        [[]] + (children ?? []).enumerated().flatMap { index, child in child.paths.map { [index] + $0 } }
    }
}

extension Element {
    static func sequence(_ children: [Element]) -> Element { Element(0x30, children) }

    /// An OBJECT IDENTIFIER; each arc is below 2^28.
    static func identifier(_ text: String) -> Element {
        let arcs = text.split(separator: ".").compactMap { UInt32($0) }
        return Element(0x06, ([arcs[0] * 40 + arcs[1]] + arcs[2...]).flatMap(base128))
    }

    private static func base128(_ arc: UInt32) -> [UInt8] {
        var octets = [UInt8(arc & 0x7F)]
        var rest = arc >> 7
        while rest > 0 {
            octets.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
            rest >>= 7
        }
        return octets
    }
}
