/// The part of `range` in front of the padding of a block cipher (RFC 5652, 6.3); nil unless the padding is right.
func withoutPadding(_ bytes: Span<UInt8>, in range: Range<Int>, blockSize: Int) -> Range<Int>? {
    let padding = Int(bytes[range.upperBound &- 1])
    guard padding >= 1, padding <= blockSize else { return nil }
    var difference: UInt8 = 0
    for index in (range.upperBound &- padding)..<range.upperBound {
        difference |= bytes[index] ^ UInt8(truncatingIfNeeded: padding)
    }
    return difference == 0 ? range.lowerBound..<(range.upperBound &- padding) : nil
}
