/// Bytes of the padding of a block cipher (RFC 5652, 6.3) at the end of `range`; 0 unless it is right.
@inline(__always)
func paddingSize(_ bytes: inout MutableSpan<UInt8>, in range: Range<Int>, blockSize: Int) -> Int {
    let padding = Int(bytes[range.upperBound &- 1])
    guard padding >= 1, padding <= blockSize else { return 0 }
    var difference: UInt8 = 0
    for index in (range.upperBound &- padding)..<range.upperBound {
        difference |= bytes[index] ^ UInt8(truncatingIfNeeded: padding)
    }
    return difference == 0 ? padding : 0
}
