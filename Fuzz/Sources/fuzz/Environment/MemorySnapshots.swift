import Board
import TestSupport

/// Snapshots in memory.
struct MemorySnapshots: SnapshotStorage {
    private(set) var current: [UInt8]?
    private var next: [UInt8] = []
    private var size: Int?

    init(_ current: [UInt8]? = nil) {
        self.current = current
    }

    func open() throws(StorageError) -> Int? { current?.count }

    func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard let current, offset >= 0, offset + buffer.count <= current.count else { throw .outOfRange }
        for index in buffer.indices { buffer[index] = current[offset + index] }
    }

    mutating func begin(size: Int) throws(StorageError) {
        self.size = size
        next = []
    }

    mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        guard let size, next.count + bytes.count <= size else { throw .outOfRange }
        next += bytes.array
    }

    mutating func commit() throws(StorageError) {
        guard next.count == size else { throw .outOfRange }
        current = next
        size = nil
    }
}
