/// A set of named bits. It is what OptionSet would be, which Swift 6.3 takes for an allocation in Embedded mode.
public protocol BitSet: Equatable, Sendable {
    var rawValue: UInt16 { get }
    init(rawValue: UInt16)
}

extension BitSet {
    /// The empty set.
    public init() { self.init(rawValue: 0) }

    public func contains(_ other: Self) -> Bool { rawValue & other.rawValue == other.rawValue }

    public func union(_ other: Self) -> Self { Self(rawValue: rawValue | other.rawValue) }

    public mutating func remove(_ other: Self) { self = Self(rawValue: rawValue & ~other.rawValue) }

    public mutating func insert(_ other: Self) { self = union(other) }
}
