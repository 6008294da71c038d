// Numbers of four bytes at an offset. A number that does not lie in `bytes` ends the program.

public func littleEndian(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
    UInt32(bytes[offset]) | UInt32(bytes[offset &+ 1]) << 8 | UInt32(bytes[offset &+ 2]) << 16
        | UInt32(bytes[offset &+ 3]) << 24
}

@inline(never)
public func bigEndian(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
    littleEndian(bytes, at: offset).byteSwapped
}

@inline(never)
public func storeLittleEndian(_ value: UInt32, at offset: Int, in bytes: inout MutableSpan<UInt8>) {
    for index in 0..<4 {
        bytes[offset &+ index] = UInt8(truncatingIfNeeded: value &>> UInt32(truncatingIfNeeded: 8 &* index))
    }
}

public func storeBigEndian(_ value: UInt32, at offset: Int, in bytes: inout MutableSpan<UInt8>) {
    storeLittleEndian(value.byteSwapped, at: offset, in: &bytes)
}
