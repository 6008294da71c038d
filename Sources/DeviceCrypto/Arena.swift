import CMbedTLS

/// The memory that mbedTLS takes its bignums from on a board without a heap (MBEDTLS_MEMORY_BUFFER_ALLOC_C).
public enum Arena {
    /// Whether mbedTLS was built to take its memory from an arena.
    public static var isAvailable: Bool { CMBEDTLS_HAS_ARENA != 0 }

    /// What untouched memory holds: no zero, and no byte that is likely to end an allocation.
    private static let paint: UInt8 = 0xA5
    private nonisolated(unsafe) static var start: UnsafeMutablePointer<UInt8>?
    private nonisolated(unsafe) static var size = 0

    /// Its bytes; 0 without an arena, or before it is installed.
    public static var capacity: Int { unsafe size }

    /// Gives mbedTLS its memory, before anything else in this module is used. Does nothing without an arena.
    ///
    /// - Parameter memory: lasts as long as the program, and is used for nothing else.
    @unsafe public static func install(_ memory: UnsafeMutableBufferPointer<UInt8>) {
        guard isAvailable, let base = memory.baseAddress else { return }
        unsafe cmbedtls_arena_install(base, memory.count)
        unsafe start = base
        unsafe size = memory.count
        // mbedTLS has put the header of its one free block at the front (at most ten words, and what aligns them);
        // all behind it is untouched so far.
        var index = 12 * MemoryLayout<Int>.size
        while index < memory.count {
            unsafe base[index] = paint
            index += 1
        }
    }

    /// How much of the arena was ever touched, in bytes, the allocator's own headers and gaps included: what the
    /// arena could be cut down to. Nil without an arena, or before it is installed.
    public static var peak: Int? {
        guard let start = unsafe start else { return nil }
        var count = unsafe size
        while count > 0, unsafe start[count - 1] == paint { count -= 1 }
        return count
    }
}
