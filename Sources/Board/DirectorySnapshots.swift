import DeviceCrypto

/// Snapshots in a ``Directory``: the next one is written to a file beside the current one, made safe, and takes its
/// name. Docs/Storage.md gives the bytes.
public struct DirectorySnapshots<D: Directory & ~Copyable>: SnapshotStorage, ~Copyable {
    /// The largest snapshot in bytes: far more than an agent keeps.
    public static var limit: Int { 1 << 20 }

    private enum Phase {
        case closed, open
        case writing
    }

    public var directory: D

    private var phase = Phase.closed
    /// Of the current snapshot; 0 when there is none.
    private var sequence: UInt32 = 0
    private var bodySize = 0

    // The snapshot that is being written.
    private var nextSize = 0
    private var left = 0
    private var hash = Hash(.sha256)

    public init(_ directory: consuming D) {
        self.directory = directory
    }

    public mutating func open() throws(StorageError) -> Int? {
        phase = .closed
        sequence = 0
        bodySize = 0
        let count = try directory.open()
        // Was the process ended before it had done this, nothing may be built on what a power cut can still undo.
        try directory.syncNames()
        guard let count else {
            phase = .open
            return nil
        }
        let outside = SnapshotHeader.size &+ SnapshotHeader.digestSize
        guard count >= outside, count <= outside &+ Self.limit else { throw .corrupt }
        var bytes = InlineArray<24, UInt8>(repeating: 0)
        var buffer = bytes.mutableSpan
        try directory.read(at: 0, into: &buffer)
        let header = SnapshotHeader(buffer.span)
        guard header.version != 0 else { throw .corrupt }
        guard header.version != 1 else { throw .unknownVersion }
        guard header.bodySize == count &- outside, try hasDigest(header.bodySize, isNew: false) else { throw .corrupt }
        guard SnapshotHeader.isKnown(header.version) else { throw .unknownVersion }
        sequence = header.sequence
        bodySize = header.bodySize
        phase = .open
        return bodySize
    }

    public mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard phase != .closed, offset >= 0, offset <= bodySize &- buffer.count else { throw .outOfRange }
        try directory.read(at: SnapshotHeader.size &+ offset, into: &buffer)
    }

    public mutating func begin(size: Int) throws(StorageError) {
        guard phase != .closed else { throw .outOfRange }
        phase = .open
        guard size >= 0, size <= Self.limit, sequence < .max else { throw .full }
        try directory.create()
        var bytes = InlineArray<24, UInt8>(repeating: 0)
        do {
            var buffer = bytes.mutableSpan
            SnapshotHeader(sequence: sequence &+ 1, bankSize: 0, bodySize: size).write(to: &buffer)
        }
        try directory.write(bytes.span)
        hash = Hash(.sha256)
        hash.update(bytes.span)
        nextSize = size
        left = size
        phase = .writing
    }

    public mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        guard phase == .writing, bytes.count <= left else { throw .outOfRange }
        phase = .open
        left &-= bytes.count
        hash.update(bytes)
        do throws(StorageError) {
            try directory.write(bytes)
        } catch {
            // What it took in last can be a private key.
            _ = hash.finish()
            throw error
        }
        phase = .writing
    }

    public mutating func commit() throws(StorageError) {
        guard phase == .writing, left == 0 else { throw .outOfRange }
        phase = .open
        let digest = hash.finish()
        try directory.write(digest.bytes)
        try directory.sync()
        guard try hasDigest(nextSize, isNew: true) else { throw .corrupt }
        try directory.rename()
        try directory.syncNames()
        directory.adopt()
        sequence &+= 1
        bodySize = nextSize
    }

    /// Whether the digest after a body of `size` bytes is that of all before it.
    private mutating func hasDigest(_ size: Int, isNew: Bool) throws(StorageError) -> Bool {
        var hash = Hash(.sha256)
        var chunk = InlineArray<512, UInt8>(repeating: 0)
        var buffer = chunk.mutableSpan
        // What passes through can be a private key.
        defer { wipe(&buffer) }
        let end = SnapshotHeader.size &+ size
        var position = 0
        while position < end {
            var part = buffer._mutatingExtracting(first: min(buffer.count, end &- position))
            try read(position, &part, isNew)
            hash.update(part.span)
            position &+= part.count
        }
        let digest = hash.finish()
        var stored = buffer._mutatingExtracting(first: SnapshotHeader.digestSize)
        try read(end, &stored, isNew)
        return constantTimeEqual(digest.bytes, stored.span)
    }

    private mutating func read(_ offset: Int, _ buffer: inout MutableSpan<UInt8>, _ isNew: Bool) throws(StorageError) {
        if isNew {
            try directory.readNew(at: offset, into: &buffer)
        } else {
            try directory.read(at: offset, into: &buffer)
        }
    }
}
