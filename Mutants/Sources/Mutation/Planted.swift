/// A source file with its mutants in it.
public struct Planted: Sendable {
    /// A part of the text, in bytes.
    public struct Region: Sendable {
        public enum Kind: Equatable, Sendable {
            /// What a mutant added, and what it guards.
            case mutant(Int)
            case statement
            case function
        }

        public let kind: Kind
        public internal(set) var bytes: Range<Int>
    }

    public internal(set) var text: [UInt8] = []
    /// All mutants that the file can have; those that are not planted too.
    public internal(set) var mutants: [Mutant] = []
    public internal(set) var regions: [Region] = []

    mutating func append(_ more: String) {
        text.append(contentsOf: more.utf8)
    }

    /// - Returns: the place of the region in ``regions``, to close it.
    mutating func open(_ kind: Region.Kind) -> Int {
        regions.append(Region(kind: kind, bytes: text.count..<text.count))
        return regions.count - 1
    }

    mutating func close(_ region: Int) {
        regions[region].bytes = regions[region].bytes.lowerBound..<text.count
    }
}

extension Planted {
    /// The mutants, by their place in ``mutants``, that an error of the compiler speaks against.
    ///
    /// - Parameters:
    ///   - column: in bytes, from 1 on, as the compiler counts.
    ///   - isTooComplex: whether the compiler gave an expression up; what it says of others tells where the mutant is.
    /// - Returns: those to leave out; none if none is near.
    public func suspects(line: Int, column: Int, isTooComplex: Bool) -> [Int] {
        guard let offset = offset(line: line, column: column), offset < text.count else { return [] }
        let around = regions.filter { $0.bytes.contains(offset) }
        if !isTooComplex, let number = around.reversed().compactMap({ $0.number }).first { return [number] }
        // Half of them may be few enough.
        if isTooComplex, let statement = around.last(where: { $0.kind == .statement }) {
            let all = numbers(in: statement)
            if !all.isEmpty { return all.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element) }
        }
        // What is not assigned in a mutant is complained of where it is used.
        for function in around.reversed() where function.kind == .function {
            let all = numbers(in: function)
            let leftOut = all.filter { mutants[$0].kind == .assignment }
            if !leftOut.isEmpty { return leftOut }
            let calls = all.filter { mutants[$0].kind == .call || mutants[$0].kind == .earlyReturn }
            if !calls.isEmpty { return calls }
            if !all.isEmpty { return all }
        }
        // A property's value.
        let end = text[offset...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
        let start = text[..<offset].lastIndex(of: UInt8(ascii: "\n")) ?? 0
        return regions.filter { $0.bytes.overlaps(start..<end) }.compactMap(\.number)
    }

    private func numbers(in region: Region) -> [Int] {
        regions.filter { region.bytes.contains($0.bytes.lowerBound) }.compactMap(\.number)
    }

    private func offset(line: Int, column: Int) -> Int? {
        var start = 0
        for _ in 1..<max(line, 1) {
            guard let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            start = end + 1
        }
        return start + column - 1
    }
}

extension Planted.Region {
    var number: Int? {
        guard case .mutant(let number) = kind else { return nil }
        return number
    }
}
