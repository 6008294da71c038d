import DeviceCrypto

/// Snapshots in NOR flash. The storage is divided into banks; a snapshot is written whole into the bank after the
/// current one, and becomes the current one when the last page of its bank, the marker, is programmed. The banks take
/// turns, so wear is spread over all sectors. STORAGE.md gives the bytes.
///
/// `gathering` is the number of bytes that are programmed at once: a multiple of the page size.
public struct NORSnapshots<S: Storage & ~Copyable, let gathering: Int>: SnapshotStorage, ~Copyable {
    /// A complete snapshot.
    private struct Snapshot {
        var bank: Int
        var header: SnapshotHeader
    }

    private enum Judgement {
        /// Erased, or a write that was cut short.
        case empty
        /// Changed after it was written; 0 when its sequence number cannot be read.
        case damaged(UInt32)
        case complete(Snapshot)
    }

    public var storage: S
    /// Bytes of a bank, a multiple of the sector size.
    public let bankSize: Int
    public let bankCount: Int
    private var current: Snapshot?
    private var isOpen = false

    // The snapshot that is being written.
    private var next: Snapshot?
    private var left = 0
    private var position = 0
    private var gathered = InlineArray<gathering, UInt8>(repeating: 0)
    private var gatheredCount = 0
    private var hash = Hash(.sha256)

    /// - Parameter capacity: bytes of the largest snapshot. It decides the size of the banks, so that firmware which
    ///   replaces another's has to give the same, or it finds nothing but `.unknownVersion`.
    public init(_ storage: consuming S, capacity: Int) {
        let geometry = storage.geometry
        let page = geometry.pageSize
        let end = (SnapshotHeader.size &+ capacity &+ SnapshotHeader.digestSize &+ page &- 1) / page &* page
        let sectors = (end &+ Self.markerSize(geometry) &+ geometry.sectorSize &- 1) / geometry.sectorSize
        bankSize = sectors &* geometry.sectorSize
        bankCount = geometry.sectorCount / sectors
        self.storage = storage
    }

    public mutating func open() throws(StorageError) -> Int? {
        let geometry = storage.geometry
        isOpen = false
        next = nil
        current = nil
        guard gathering >= geometry.pageSize, gathering % geometry.pageSize == 0 else { throw .outOfRange }
        guard bankCount >= 2 else { throw .full }
        for sector in 0..<geometry.sectorCount { try refuseForeign(at: sector &* geometry.sectorSize) }
        var newest: Snapshot?
        var isDamaged = false
        var damage: UInt32 = 0
        for bank in 0..<bankCount {
            switch try judge(bank) {
            case .empty: break
            case .damaged(let sequence):
                isDamaged = true
                damage = max(damage, sequence)
            case .complete(let snapshot):
                if snapshot.header.sequence > newest?.header.sequence ?? 0 { newest = snapshot }
            }
        }
        guard let newest else {
            guard !isDamaged else { throw .corrupt }
            isOpen = true
            return nil
        }
        guard damage <= newest.header.sequence else { throw .corrupt }
        guard newest.header.version == SnapshotHeader.currentVersion else { throw .unknownVersion }
        current = newest
        isOpen = true
        return newest.header.bodySize
    }

    public mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
        guard let current, offset >= 0, buffer.count <= current.header.bodySize,
            offset <= current.header.bodySize &- buffer.count
        else { throw .outOfRange }
        try storage.read(at: current.bank &* bankSize &+ SnapshotHeader.size &+ offset, into: &buffer)
    }

    // MARK: Judging what is there

    /// Throws `.unknownVersion` when a snapshot stands at `offset` whose banks are not these banks.
    private mutating func refuseForeign(at offset: Int) throws(StorageError) {
        let header = try readHeader(at: offset)
        if SnapshotHeader.isOfVersion1(header.span) { throw .unknownVersion }
        if let header = SnapshotHeader(header.span), header.bankSize != bankSize { throw .unknownVersion }
    }

    private mutating func readHeader(at offset: Int) throws(StorageError) -> InlineArray<24, UInt8> {
        var header = InlineArray<24, UInt8>(repeating: 0)
        var room = header.mutableSpan
        try storage.read(at: offset, into: &room)
        return header
    }

    private mutating func judge(_ bank: Int) throws(StorageError) -> Judgement {
        let start = bank &* bankSize
        // The beginning of a marker says as much as the whole: what it stands for had been read back by then.
        let marker = try readMarker(bank)
        guard !isErased(marker.span) else { return .empty }
        let header = SnapshotHeader(try readHeader(at: start).span)
        if let header, fits(header.bodySize), try hasDigest(start, header.bodySize) {
            return .complete(Snapshot(bank: bank, header: header))
        }
        let sequence = bigEndian(marker.span, at: 0)
        let isWhole = sequence == ~bigEndian(marker.span, at: 4)
        return .damaged(isWhole ? sequence : header?.sequence ?? 0)
    }

    private mutating func readMarker(_ bank: Int) throws(StorageError) -> InlineArray<8, UInt8> {
        var marker = InlineArray<8, UInt8>(repeating: 0)
        var room = marker.mutableSpan
        try storage.read(at: bank &* bankSize &+ markerOffset, into: &room)
        return marker
    }

    private func isErased(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices where bytes[index] != storage.geometry.erasedValue { return false }
        return true
    }

    /// Whether the digest after a body of `size` bytes is that of all before it.
    private mutating func hasDigest(_ start: Int, _ size: Int) throws(StorageError) -> Bool {
        var hash = Hash(.sha256)
        var chunk = InlineArray<64, UInt8>(repeating: 0)
        var room = chunk.mutableSpan
        // What passes through can be a private key.
        defer { wipe(&room) }
        let end = start &+ SnapshotHeader.size &+ size
        var position = start
        while position < end {
            var part = room._mutatingExtracting(first: min(room.count, end &- position))
            try storage.read(at: position, into: &part)
            hash.update(part.span)
            position &+= part.count
        }
        let digest = hash.finish()
        var stored = room._mutatingExtracting(first: SnapshotHeader.digestSize)
        try storage.read(at: end, into: &stored)
        return constantTimeEqual(digest.bytes, stored.span)
    }

    /// The last pages of a bank.
    private static func markerSize(_ geometry: StorageGeometry) -> Int {
        (8 &+ geometry.pageSize &- 1) / geometry.pageSize &* geometry.pageSize
    }

    private var markerOffset: Int { bankSize &- Self.markerSize(storage.geometry) }

    private func fits(_ bodySize: Int) -> Bool {
        bodySize >= 0 && bodySize <= markerOffset &- SnapshotHeader.size &- SnapshotHeader.digestSize
    }

    // MARK: Writing the next one

    public mutating func begin(size: Int) throws(StorageError) {
        next = nil
        guard isOpen else { throw .outOfRange }
        let sequence = current?.header.sequence ?? 0
        guard fits(size), sequence < .max else { throw .full }
        let bank = current.map { ($0.bank &+ 1) % bankCount } ?? 0
        let header = SnapshotHeader(sequence: sequence &+ 1, bankSize: bankSize, bodySize: size)
        position = bank &* bankSize
        let sectors = bankSize / storage.geometry.sectorSize
        for sector in 0..<sectors { try storage.erase(sector: bank &* sectors &+ sector) }
        left = size
        gatheredCount = 0
        hash = Hash(.sha256)
        let bytes = header.bytes
        hash.update(bytes.span)
        try gather(bytes.span)
        next = Snapshot(bank: bank, header: header)
    }

    public mutating func append(_ bytes: Span<UInt8>) throws(StorageError) {
        let writing = next
        next = nil
        guard let writing, bytes.count <= left else {
            discard()
            throw .outOfRange
        }
        left &-= bytes.count
        hash.update(bytes)
        try gather(bytes)
        next = writing
    }

    public mutating func commit() throws(StorageError) {
        let written = next
        next = nil
        let digest = hash.finish()
        guard let written, left == 0 else {
            discard()
            throw .outOfRange
        }
        try gather(digest.bytes)
        try flush()
        guard try hasDigest(written.bank &* bankSize, written.header.bodySize) else { throw .corrupt }
        position = written.bank &* bankSize &+ markerOffset
        var marker = InlineArray<8, UInt8>(repeating: 0)
        do {
            var room = marker.mutableSpan
            storeBigEndian(written.header.sequence, at: 0, in: &room)
            storeBigEndian(~written.header.sequence, at: 4, in: &room)
        }
        try gather(marker.span)
        try flush()
        guard try !isErased(readMarker(written.bank).span) else { throw .corrupt }
        current = written
    }

    @inline(never)
    private mutating func gather(_ bytes: Span<UInt8>) throws(StorageError) {
        for index in bytes.indices {
            gathered[gatheredCount] = bytes[index]
            gatheredCount &+= 1
            if gatheredCount == gathering { try flush() }
        }
    }

    /// Programs what was gathered, filled up to a whole page with the erased value.
    @inline(never)
    private mutating func flush() throws(StorageError) {
        defer { discard() }
        while gatheredCount % storage.geometry.pageSize != 0 {
            gathered[gatheredCount] = storage.geometry.erasedValue
            gatheredCount &+= 1
        }
        guard gatheredCount > 0 else { return }
        try storage.program(at: position, gathered.span.extracting(first: gatheredCount))
        position &+= gatheredCount
    }

    /// What was gathered can be a private key.
    private mutating func discard() {
        gatheredCount = 0
        var room = gathered.mutableSpan
        wipe(&room)
    }
}
