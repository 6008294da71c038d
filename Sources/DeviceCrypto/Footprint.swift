/// How much an image has space for.
public enum Footprint {
    /// Whether an image holds what only some servers need, and the words for it. A constant: where there is no heap for
    /// mbedTLS there is no space for this either, and what would need it is refused.
    public static var isUnconstrained: Bool { !Arena.isAvailable }
}
