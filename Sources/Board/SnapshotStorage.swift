/// Keeps one snapshot: bytes that are replaced as a whole, in one atomic step. Whatever is cut, and whenever, either
/// the snapshot before or the new one is found afterwards, whole.
public protocol SnapshotStorage: ~Copyable {
    /// Finds the current snapshot and verifies its digest; comes before every other call.
    ///
    /// - Returns: its size in bytes; nil when nothing was ever stored.
    /// - Throws: `.corrupt` when the newest snapshot was changed after it was written; `.unknownVersion` when other
    ///   firmware wrote it; `.exposed`, `.full`, `.failed`. Nothing was changed then, and nothing can be written.
    mutating func open() throws(StorageError) -> Int?

    /// Fills `buffer` with the current snapshot's bytes from `offset` on.
    ///
    /// - Throws: `.outOfRange` for bytes that it does not have; `.failed`.
    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError)

    /// Begins the next snapshot, of exactly `size` bytes. The current one stays what it is, and can be read, until
    /// ``commit()`` has returned, and also when any of these three calls throws.
    ///
    /// - Throws: `.full` when there is no space for so many; `.failed`.
    mutating func begin(size: Int) throws(StorageError)

    /// Adds the next bytes.
    ///
    /// - Throws: `.outOfRange` for more than was begun; `.failed`.
    mutating func append(_ bytes: Span<UInt8>) throws(StorageError)

    /// Reads back what was written, and makes it the current snapshot. When it throws, it has not done so; but in a
    /// folder whose names could not be synced, the next start may find the new one.
    ///
    /// - Throws: `.corrupt` when it is not what was written; `.outOfRange` when it is less than was begun; `.failed`.
    mutating func commit() throws(StorageError)
}
