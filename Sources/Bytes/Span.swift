extension Span where Element == UInt8 {
    /// The bytes at `range`.
    ///
    /// Like the one of Swift's library, which is inlined: one copy in flash, where that has one in each of many callers.
    @inline(never)
    @_lifetime(copy self)
    public func extracting(_ range: Range<Int>) -> Span<UInt8> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return unsafe extracting(unchecked: range)
    }
}
