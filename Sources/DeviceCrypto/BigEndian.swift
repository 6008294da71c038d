/// Bits of an unsigned big-endian integer, without its leading zeros.
func bitCount(_ integer: Span<UInt8>) -> Int {
    for index in integer.indices where integer[index] != 0 {
        return (integer.count - index) * 8 - integer[index].leadingZeroBitCount
    }
    return 0
}
