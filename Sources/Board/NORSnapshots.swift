import Bytes
import DeviceCrypto

/// Snapshots in NOR flash. The storage is divided into banks; a snapshot is written whole into the bank after the
/// current one, and becomes the current one when the last page of its bank, the marker, is programmed. The banks take
/// turns, so wear is spread over all sectors. Docs/Storage.md gives the bytes.
///
/// `programSize` is the number of bytes that are programmed at once: a multiple of the page size, 24 or more.
public struct NORSnapshots<S: Storage & ~Copyable, let programSize: Int>: SnapshotStorage, ~Copyable {
    private enum Phase {
        case closed, open
        case writing
    }

    private let inPlace = InPlace()
    /// Bytes of a bank, a multiple of the sector size.
    public let bankSize: Int
    public let bankCount: Int

    private var phase = Phase.closed
    // The current snapshot; when there is none, its bank is the one before the first, and its sequence number 0.
    private var bank = -1
    private var sequence: UInt32 = 0
    private var bodySize = 0

    // The snapshot that is being written.
    private var nextSize = 0
    private var left = 0
    private var position = 0
    private var programBufferCount = 0
    private var hash = Hash(.sha256)
    public var storage: S
    private var programBuffer = InlineArray<programSize, UInt8>(repeating: 0)

    /// - Parameter capacity: bytes of the largest snapshot. It decides the size of the banks, so that firmware which
    ///   replaces another's has to give the same, or it finds nothing but `.unknownVersion`.
    public init(_ storage: consuming S, capacity: Int) {
        let geometry = storage.geometry
        guard geometry.isSound else {
            (bankSize, bankCount) = (0, 0)
            self.storage = storage
            return
        }
        let page = geometry.pageSize
        let end = (SnapshotHeader.size &+ capacity &+ SnapshotHeader.digestSize &+ page &- 1) / page &* page
        let sectors = (end &+ Self.markerSize(page) &+ geometry.sectorSize &- 1) / geometry.sectorSize
        bankSize = sectors &* geometry.sectorSize
        bankCount = geometry.sectorCount / sectors
        self.storage = storage
    }

    public mutating func open() throws(StorageError) -> Int? {
        let geometry = storage.geometry
        phase = .closed
        bank = -1
        sequence = 0
        guard geometry.isSound, programSize >= SnapshotHeader.size, programSize % geometry.pageSize == 0 else {
            throw .outOfRange
        }
        guard bankCount >= 2 else { throw .full }
        var version = SnapshotHeader.currentVersion
        var isDamaged = false
        var damage: UInt32 = 0
        for sector in 0..<geometry.sectorCount {
            let start = sector &* geometry.sectorSize
            let header = try readHeader(at: start)
            // What was written into banks that are not these banks may stand at any sector.
            guard header.version == 0 || header.version != 1 && header.bankSize == bankSize else {
                throw .unknownVersion
            }
            guard start % bankSize == 0, start / bankSize < bankCount else { continue }
            guard let mark = try readMarker(start) else { continue }
            if header.version != 0, fits(header.bodySize), try hasDigest(start, header.bodySize) {
                guard header.sequence > sequence else { continue }
                bank = start / bankSize
                sequence = header.sequence
                bodySize = header.bodySize
                version = header.version
            } else {
                isDamaged = true
                damage = max(damage, max(mark, header.sequence))
            }
        }
        guard sequence > 0 else {
            guard !isDamaged else { throw .corrupt }
            phase = .open
            return nil
        }
        guard damage <= sequence else { throw .corrupt }
        guard SnapshotHeader.isKnown(version) else { throw .unknownVersion }
        phase = .open
        return bodySize
    }

    @inline(never)
    public mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard phase != .closed, bank >= 0, offset >= 0, offset <= bodySize &- buffer.count else {
            throw .outOfRange
        }
        try storage.read(at: bank &* bankSize &+ SnapshotHeader.size &+ offset, into: &buffer)
    }

    // MARK: Judging what is there

    private mutating func readHeader(at offset: Int) throws(StorageError) -> SnapshotHeader {
        var header = InlineArray<24, UInt8>(repeating: 0)
        var buffer = header.mutableSpan
        try storage.read(at: offset, into: &buffer)
        return SnapshotHeader(buffer.span)
    }

    /// Reads the marker of the bank that begins at `start`.
    ///
    /// - Returns: the sequence number; 0 when only a part of the marker is there, which says as much as the whole,
    ///   since what it stands for had been read back by then; nil when nothing is there.
    private mutating func readMarker(_ start: Int) throws(StorageError) -> UInt32? {
        var marker = InlineArray<8, UInt8>(repeating: 0)
        var buffer = marker.mutableSpan
        try storage.read(at: start &+ markerOffset, into: &buffer)
        let sequence = bigEndian(buffer.span, at: 0)
        if sequence == ~bigEndian(buffer.span, at: 4) { return sequence }
        for index in 0..<8 where buffer[index] != storage.geometry.erasedValue { return 0 }
        return nil
    }

    /// Whether the digest after a body of `size` bytes is that of all before it.
    private mutating func hasDigest(_ start: Int, _ size: Int) throws(StorageError) -> Bool {
        var hash = Hash(.sha256)
        var chunk = InlineArray<64, UInt8>(repeating: 0)
        var buffer = chunk.mutableSpan
        // What passes through can be a private key.
        defer { wipe(&buffer) }
        let end = start &+ SnapshotHeader.size &+ size
        var position = start
        while position < end {
            var part = buffer._mutatingExtracting(first: min(buffer.count, end &- position))
            try storage.read(at: position, into: &part)
            hash.update(part.span)
            position &+= part.count
        }
        let digest = hash.finish()
        var stored = buffer._mutatingExtracting(first: SnapshotHeader.digestSize)
        try storage.read(at: end, into: &stored)
        return constantTimeEqual(digest.bytes, stored.span)
    }

    /// Bytes of the pages that the marker takes: the last of a bank.
    private static func markerSize(_ page: Int) -> Int { (7 &+ page) / page &* page }

    private var markerOffset: Int { bankSize &- Self.markerSize(storage.geometry.pageSize) }

    private func fits(_ size: Int) -> Bool {
        size >= 0 && size <= markerOffset &- SnapshotHeader.size &- SnapshotHeader.digestSize
    }

    // MARK: Writing the next one

    /// Where the next snapshot's bank begins.
    private var nextStart: Int { (bank &+ 1) % bankCount &* bankSize }

    public mutating func begin(size: Int) throws(StorageError) {
        guard phase != .closed else { throw .outOfRange }
        phase = .open
        guard fits(size), sequence < .max else { throw .full }
        let sectorSize = storage.geometry.sectorSize
        position = nextStart
        for sector in 0..<(bankSize / sectorSize) { try storage.erase(sector: position / sectorSize &+ sector) }
        nextSize = size
        left = size
        hash = Hash(.sha256)
        var buffer = programBuffer.mutableSpan
        SnapshotHeader(sequence: sequence &+ 1, bankSize: bankSize, bodySize: size).write(to: &buffer)
        programBufferCount = SnapshotHeader.size
        hash.update(programBuffer.span.extracting(first: programBufferCount))
        phase = .writing
    }

    public mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        guard phase == .writing, bytes.count <= left else { throw .outOfRange }
        left &-= bytes.count
        hash.update(bytes)
        try gather(bytes)
    }

    public mutating func commit() throws(StorageError) {
        guard phase == .writing, left == 0 else { throw .outOfRange }
        phase = .open
        let start = nextStart
        let digest = hash.finish()
        try gather(digest.bytes)
        try flush()
        guard try hasDigest(start, nextSize) else { throw .corrupt }
        position = start &+ markerOffset
        do {
            var buffer = programBuffer.mutableSpan
            storeBigEndian(sequence &+ 1, at: 0, in: &buffer)
            storeBigEndian(~(sequence &+ 1), at: 4, in: &buffer)
        }
        programBufferCount = 8
        var failure = StorageError.corrupt
        do throws(StorageError) {
            try flush()
        } catch {
            failure = error
        }
        // What the next start goes by counts now: a marker of which only a part could be programmed is one.
        guard try readMarker(start) != nil else { throw failure }
        bank = start / bankSize
        sequence &+= 1
        bodySize = nextSize
    }

    @inline(never)
    private mutating func gather(_ bytes: Span<UInt8>) throws(StorageError) {
        for index in bytes.indices {
            if programBufferCount == programSize { try flush() }
            programBuffer[programBufferCount] = bytes[index]
            programBufferCount &+= 1
        }
    }

    /// Programs what is in the buffer, filled up to a whole page with the erased value.
    @inline(never)
    private mutating func flush() throws(StorageError) {
        let geometry = storage.geometry
        while programBufferCount % geometry.pageSize != 0 {
            programBuffer[programBufferCount] = geometry.erasedValue
            programBufferCount &+= 1
        }
        let count = programBufferCount
        programBufferCount = 0
        defer {
            // What is in the buffer can be a private key.
            var buffer = programBuffer.mutableSpan
            wipe(&buffer)
        }
        do throws(StorageError) {
            try storage.program(at: position, programBuffer.span.extracting(first: count))
        } catch {
            phase = .open
            // What it took in last can be a private key, too.
            _ = hash.finish()
            throw error
        }
        position &+= count
    }
}
