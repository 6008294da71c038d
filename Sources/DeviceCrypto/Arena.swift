import CMbedTLS

/// The memory that mbedTLS takes its bignums from on a board without a heap (MBEDTLS_MEMORY_BUFFER_ALLOC_C).
public enum Arena {
    /// Whether mbedTLS was built to take its memory from an arena.
    public static var isAvailable: Bool { CMBEDTLS_HAS_ARENA != 0 }

    /// What untouched memory holds: no zero, and no byte that is likely to end an allocation.
    private static let paint: UInt8 = 0xA5
    private nonisolated(unsafe) static var memory = unsafe UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)

    /// Gives mbedTLS its memory, before anything else in this module is used. Does nothing without an arena.
    ///
    /// - Parameter memory: lasts as long as the program, and is used for nothing else.
    @unsafe public static func install(_ memory: UnsafeMutableBufferPointer<UInt8>) {
        guard isAvailable, let base = memory.baseAddress else { return }
        unsafe cmbedtls_arena_install(base, memory.count)
        unsafe Self.memory = memory
        // mbedTLS has put the header of its one free block at the front (at most ten words, and what aligns them);
        // all behind it is untouched so far.
        var index = 12 * MemoryLayout<Int>.size
        while index < memory.count {
            unsafe memory[index] = paint
            index += 1
        }
    }

    /// How much of the arena was ever touched, in bytes with mbedTLS's own headers: the arena cannot be smaller.
    /// Nil without an arena.
    public static var peak: Int? {
        guard isAvailable else { return nil }
        var count = unsafe memory.count
        while count > 0, unsafe memory[count - 1] == paint { count -= 1 }
        return count
    }
}
