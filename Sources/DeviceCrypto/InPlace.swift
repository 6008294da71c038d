/// Keeps the struct that has a property of this type where it is. It has no size.
///
/// Without it the compiler takes even a struct of several kilobytes for a value that can travel in registers, and copies
/// all of it onto the stack for each method that only reads it (Swift 6.3).
@_rawLayout(size: 0, alignment: 1)
public struct InPlace: ~Copyable {
    public init() {}
}
