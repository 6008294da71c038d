/// How much an image has room for.
public enum Room {
    /// Whether an image holds what only some servers need, and the words for it. A constant: where there is no heap for
    /// mbedTLS there is no room for this either, and what would need it is refused.
    public static var isAmple: Bool { !Arena.isAvailable }
}
