/// A choice that can be made again.
public struct Sample: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// So many of `elements`; all if there are no more.
    public mutating func choose(_ count: Int, of elements: [Int]) -> [Int] {
        Array(elements.shuffled(using: &self).prefix(count)).sorted()
    }
}

/// Takes turns.
public enum Rotation {
    /// Some of `all`, so that each is among them once in as many turns as it takes.
    public static func turn<Item>(_ number: UInt64, of all: [Item], count: Int) -> [Item] {
        guard count > 0, count < all.count else { return all }
        let start = Int(number % UInt64(all.count)) * count
        return (0..<count).map { all[(start + $0) % all.count] }
    }
}
