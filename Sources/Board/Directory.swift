/// A folder of a POSIX system with the one file, `identity`, that keeps a snapshot, and the file that is to take its
/// place, `identity.new`. Nobody but the owner can read or change either.
///
/// Every method throws `.failed` when the system says no.
public protocol Directory: ~Copyable {
    /// Opens `identity`: it is what ``read(at:into:)`` reads from now on, also once another file has its name.
    ///
    /// - Returns: its size in bytes; nil when there is none.
    /// - Throws: `.exposed` when others than its owner can read or change the file or the folder.
    mutating func open() throws(StorageError) -> Int?

    /// Fills `buffer` with the opened file's bytes from `offset` on; `.outOfRange` for bytes that it does not have.
    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError)

    /// Makes `identity.new`, empty, in place of one that is there.
    mutating func create() throws(StorageError)

    /// Adds bytes at the end of `identity.new`.
    mutating func write(_ bytes: Span<UInt8>) throws(StorageError)

    /// Fills `buffer` with bytes of `identity.new` from `offset` on; `.outOfRange` for bytes that it does not have.
    mutating func readNew(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError)

    /// Returns when the bytes of `identity.new` are safe from a power cut: fsync.
    mutating func sync() throws(StorageError)

    /// Gives `identity.new` the name `identity`, in one step, in place of the file that has it: rename.
    mutating func rename() throws(StorageError)

    /// Returns when the names are safe from a power cut: fsync of the folder.
    mutating func syncNames() throws(StorageError)

    /// Makes the file that was made last the opened one; without input or output.
    mutating func adopt()
}
