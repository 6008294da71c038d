import Board
import DeviceCrypto

/// What a device keeps of its identity: records, each at most once, that are replaced together in one atomic step.
/// Docs/Storage.md gives the bytes.
///
/// To write: ``begin(bodySize:)``, then ``append(_:_:)`` or ``copy(_:as:)`` for every record counted in the size, then
/// ``commit()``. What was stored before stands, and can be read, until that has returned, and also when any of them
/// throws.
public struct IdentityStore<S: SnapshotStorage & ~Copyable>: ~Copyable {
    /// Where a record's value stands in a snapshot; a size of -1 when it is not there.
    private struct Place: BitwiseCopyable {
        var offset: Int32 = 0
        var size: Int32 = -1
    }

    private typealias Table = InlineArray<10, Place>

    private let inPlace = InPlace()
    /// Bytes of the next snapshot so far, and in all.
    private var written = 0
    private var bodySize = 0
    private var table = Table(repeating: Place())
    private var nextTable = Table(repeating: Place())
    public var storage: S

    public init(_ storage: consuming S) {
        self.storage = storage
    }

    /// Reads which records there are; comes before every other call.
    ///
    /// - Throws: `.corrupt` when the records do not add up to the snapshot or one is there twice; `.unknownVersion`
    ///   when one is of newer firmware; what ``Board/SnapshotStorage/open()`` throws.
    public mutating func open() throws(StorageError) {
        table = Table(repeating: Place())
        guard let end = try storage.open() else { return }
        var position = 0
        while position < end {
            guard end &- position >= 3 else { throw .corrupt }
            var header = InlineArray<3, UInt8>(repeating: 0)
            do {
                var buffer = header.mutableSpan
                try storage.read(at: position, into: &buffer)
            }
            guard let record = StoredRecord(rawValue: header[0]) else { throw .unknownVersion }
            let size = Int(header[1]) &<< 8 | Int(header[2])
            position &+= 3
            guard self.size(of: record) == nil, size <= end &- position else { throw .corrupt }
            table[Self.index(record)] = Self.place(position, size)
            position &+= size
        }
    }

    /// Whether there is no record at all.
    public var isEmpty: Bool {
        for index in table.indices where table[index].size >= 0 { return false }
        return true
    }

    /// Bytes of a record's value; nil when there is none.
    @inline(never)
    public func size(of record: StoredRecord) -> Int? {
        let size = Int(table[Self.index(record)].size)
        return size < 0 ? nil : size
    }

    /// Reads a record's value into the front of `bytes`.
    ///
    /// - Returns: its size in bytes; nil when there is none.
    /// - Throws: `.full` when `bytes` is too small; `.failed`.
    @inline(never)
    public mutating func read(_ record: StoredRecord, into bytes: inout MutableSpan<UInt8>) throws(StorageError) -> Int?
    {
        guard let size = size(of: record) else { return nil }
        guard size <= bytes.count else { throw .full }
        var buffer = bytes._mutatingExtracting(first: size)
        try storage.read(at: Int(table[Self.index(record)].offset), into: &buffer)
        return size
    }

    /// Bytes that a record with a value of `size` bytes adds to a body.
    public static func recordSize(_ size: Int) -> Int { 3 &+ size }

    /// Bytes that ``copy(_:as:)`` adds to a body: 0 when there is no such record.
    public func copiedSize(of record: StoredRecord) -> Int {
        size(of: record).map { Self.recordSize($0) } ?? 0
    }

    /// Begins the next snapshot.
    ///
    /// - Parameter bodySize: bytes of all its records: ``recordSize(_:)`` each.
    /// - Throws: `.full` when it does not fit; `.failed`.
    public mutating func begin(bodySize: Int) throws(StorageError) {
        try storage.begin(size: bodySize)
        self.bodySize = bodySize
        written = 0
        nextTable = Table(repeating: Place())
    }

    /// Adds a record.
    ///
    /// - Throws: `.full` when it has more than 65,535 bytes; `.outOfRange` when it was added already or is more than
    ///   was begun; `.failed`.
    @inline(never)
    public mutating func append(_ record: StoredRecord, _ bytes: Span<UInt8>) throws(StorageError) {
        try appendHeader(record, bytes.count)
        try storage.append(bytes)
    }

    /// Adds a record as it is now, or as another one; nothing when there is none.
    ///
    /// - Throws: as ``append(_:_:)``.
    public mutating func copy(_ record: StoredRecord, as other: StoredRecord? = nil) throws(StorageError) {
        guard let size = size(of: record) else { return }
        try appendHeader(other ?? record, size)
        let start = Int(table[Self.index(record)].offset)
        var chunk = InlineArray<64, UInt8>(repeating: 0)
        var buffer = chunk.mutableSpan
        // It can be a private key.
        defer { wipe(&buffer) }
        var done = 0
        while done < size {
            var part = buffer._mutatingExtracting(first: min(buffer.count, size &- done))
            try storage.read(at: start &+ done, into: &part)
            try storage.append(part.span)
            done &+= part.count
        }
    }

    /// Makes what was added what the device keeps, in place of all that it kept before.
    ///
    /// - Throws: `.outOfRange` when it is less than was begun; `.corrupt` when it cannot be read back; `.failed`.
    public mutating func commit() throws(StorageError) {
        try storage.commit()
        table = nextTable
    }

    @inline(never)
    private mutating func appendHeader(_ record: StoredRecord, _ size: Int) throws(StorageError) {
        guard size <= 0xFFFF else { throw .full }
        let index = Self.index(record)
        guard nextTable[index].size < 0, Self.recordSize(size) <= bodySize &- written else { throw .outOfRange }
        let header: InlineArray<3, UInt8> = [
            record.rawValue, UInt8(truncatingIfNeeded: size &>> 8), UInt8(truncatingIfNeeded: size),
        ]
        try storage.append(header.span)
        nextTable[index] = Self.place(written &+ 3, size)
        written &+= Self.recordSize(size)
    }

    private static func index(_ record: StoredRecord) -> Int { Int(record.rawValue) &- 1 }

    private static func place(_ offset: Int, _ size: Int) -> Place {
        Place(offset: Int32(truncatingIfNeeded: offset), size: Int32(truncatingIfNeeded: size))
    }
}
