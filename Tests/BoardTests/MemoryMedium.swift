import Board

/// A medium in memory, which loses power after so many writes: the last one is torn in the middle.
struct MemoryMedium: Medium, ~Copyable {
    final class Bytes {
        var bytes: [UInt8]
        var writesLeft = Int.max
        /// A byte that no write changes.
        var stuck: Int?

        init(_ bytes: [UInt8]) { self.bytes = bytes }
    }

    let content: Bytes

    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard content.writesLeft >= 0 else { throw .powerLost }
        for index in 0..<buffer.count { buffer[index] = content.bytes[offset + index] }
    }

    mutating func write(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
        guard content.writesLeft >= 0 else { throw .powerLost }
        content.writesLeft -= 1
        let count = content.writesLeft < 0 ? bytes.count / 2 : bytes.count
        for index in 0..<count where offset + index != content.stuck { content.bytes[offset + index] = bytes[index] }
        if content.writesLeft < 0 { throw .powerLost }
    }
}

/// Bytes of a storage.
func read<S: Storage & ~Copyable>(_ storage: inout S, at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try storage.read(at: offset, into: &span)
    return bytes
}
