import Board
import DeviceCrypto

/// Writes one snapshot, record after record, through a part of the work buffer that gathers whole pages.
///
/// Use: `init`, `begin`, then `append` for every record counted in `bodySize`, then `finish`. Until `finish` has returned, the
/// snapshot before stands.
struct SnapshotWriter: ~Copyable {
    private let store: IdentityStore
    private let snapshot: IdentityStore.Snapshot
    private let start: Int
    /// The part of the work buffer that gathers bytes: a multiple of the page size.
    private let gathering: Range<Int>
    private var gathered = 0
    private var position = 0
    private var hash = Hash(.sha256)

    /// Bytes at the end of the work buffer that are used for gathering.
    static func gatheringSize(_ geometry: StorageGeometry) -> Int {
        let page = geometry.pageSize
        return page >= 256 ? page : 256 / page &* page
    }

    /// Bytes that a record of `size` bytes adds to a body.
    static func recordSize(_ size: Int) -> Int { 3 &+ size }

    /// - Parameter bodySize: of all records together: ``recordSize(_:)`` each.
    init(_ store: IdentityStore, bodySize: Int, work: borrowing MutableSpan<UInt8>) {
        self.store = store
        gathering = max(0, work.count &- Self.gatheringSize(store.geometry))..<work.count
        let bank = store.current.map { ($0.bank &+ 1) % store.bankCount } ?? 0
        snapshot = IdentityStore.Snapshot(
            bank: bank, sequence: (store.current?.sequence ?? 0) &+ 1, bodySize: bodySize)
        start = bank &* store.bankSize
    }

    /// Erases the next bank and writes the header.
    ///
    /// - Throws: `.full` when the body does not fit a bank; `.failed`.
    mutating func begin<S: Storage & ~Copyable>(work: inout MutableSpan<UInt8>, storage: inout S)
        throws(StorageError)
    {
        let geometry = store.geometry
        let end = store.markerOffset(snapshot.bodySize) &+ max(IdentityStore.markerSize, geometry.pageSize)
        guard end <= store.bankSize, gathering.count == Self.gatheringSize(geometry) else { throw .full }
        let sectors = store.bankSize / geometry.sectorSize
        for sector in 0..<sectors { try storage.erase(sector: snapshot.bank &* sectors &+ sector) }
        let magic = IdentityStore.magic
        try write(magic.span, work: &work, storage: &storage)
        try write(number: snapshot.sequence, size: 4, work: &work, storage: &storage)
        try write(number: UInt32(truncatingIfNeeded: snapshot.bodySize), size: 4, work: &work, storage: &storage)
        let header = gathering.lowerBound..<(gathering.lowerBound &+ gathered)
        try write(number: crc32(work.span.extracting(header)), size: 4, work: &work, storage: &storage)
    }

    /// Appends a record whose bytes are not in the work buffer.
    @inline(never)
    mutating func append<S: Storage & ~Copyable>(
        _ record: IdentityStore.Record, _ bytes: Span<UInt8>, work: inout MutableSpan<UInt8>, storage: inout S
    ) throws(StorageError) {
        try writeHeader(record, bytes.count, &work, &storage)
        try write(bytes, work: &work, storage: &storage)
    }

    /// Appends a record whose bytes stand in the work buffer, in front of the gathering part.
    @inline(never)
    mutating func append<S: Storage & ~Copyable>(
        _ record: IdentityStore.Record, copyOf range: Range<Int>, work: inout MutableSpan<UInt8>, storage: inout S
    ) throws(StorageError) {
        guard range.upperBound <= gathering.lowerBound else { throw .full }
        try writeHeader(record, range.count, &work, &storage)
        for index in range { try write(byte: work[index], &work, &storage) }
    }

    /// Writes the digest, reads everything back, and then writes the marker that makes this the current snapshot.
    ///
    /// - Returns: the store with this snapshot.
    /// - Throws: `.corrupt` when what is read back is not what was written; `.failed`.
    consuming func finish<S: Storage & ~Copyable>(work: inout MutableSpan<UInt8>, storage: inout S)
        throws(StorageError) -> IdentityStore
    {
        let digest = hash.finish()
        for index in digest.bytes.indices { try gather(digest.bytes[index], &work, &storage) }
        try flush(&work, &storage)
        guard try store.hasDigest(start, IdentityStore.headerSize &+ snapshot.bodySize, &storage) else {
            throw .corrupt
        }
        let marker = IdentityStore.marker
        for index in marker.indices { try gather(marker[index], &work, &storage) }
        try flush(&work, &storage)
        var store = store
        store.current = snapshot
        return store
    }

    @inline(never)
    private mutating func writeHeader<S: Storage & ~Copyable>(
        _ record: IdentityStore.Record, _ size: Int, _ work: inout MutableSpan<UInt8>, _ storage: inout S
    ) throws(StorageError) {
        guard size <= 0xFFFF else { throw .full }
        try write(byte: record.rawValue, &work, &storage)
        try write(number: UInt32(truncatingIfNeeded: size), size: 2, work: &work, storage: &storage)
    }

    @inline(never)
    private mutating func write<S: Storage & ~Copyable>(
        _ bytes: Span<UInt8>, work: inout MutableSpan<UInt8>, storage: inout S
    ) throws(StorageError) {
        for index in bytes.indices { try write(byte: bytes[index], &work, &storage) }
    }

    @inline(never)
    private mutating func write<S: Storage & ~Copyable>(
        number: UInt32, size: UInt32, work: inout MutableSpan<UInt8>, storage: inout S
    ) throws(StorageError) {
        var left = size
        while left > 0 {
            left &-= 1
            try write(byte: UInt8(truncatingIfNeeded: number &>> (8 &* left)), &work, &storage)
        }
    }

    @inline(never)
    private mutating func write<S: Storage & ~Copyable>(
        byte: UInt8, _ work: inout MutableSpan<UInt8>, _ storage: inout S
    ) throws(StorageError) {
        let one: InlineArray<1, UInt8> = [byte]
        hash.update(one.span)
        try gather(byte, &work, &storage)
    }

    @inline(never)
    private mutating func gather<S: Storage & ~Copyable>(
        _ byte: UInt8, _ work: inout MutableSpan<UInt8>, _ storage: inout S
    ) throws(StorageError) {
        work[gathering.lowerBound &+ gathered] = byte
        gathered &+= 1
        if gathered == gathering.count { try flush(&work, &storage) }
    }

    /// Programs what was gathered, filled up to a whole page with the erased value.
    @inline(never)
    private mutating func flush<S: Storage & ~Copyable>(_ work: inout MutableSpan<UInt8>, _ storage: inout S)
        throws(StorageError)
    {
        while gathered % store.geometry.pageSize != 0 {
            work[gathering.lowerBound &+ gathered] = store.geometry.erasedValue
            gathered &+= 1
        }
        guard gathered > 0 else { return }
        let end = gathering.lowerBound &+ gathered
        try storage.program(at: start &+ position, work.span.extracting(gathering.lowerBound..<end))
        // What was gathered can be a private key.
        var used = work._mutatingExtracting(gathering.lowerBound..<end)
        wipe(&used)
        position &+= gathered
        gathered = 0
    }
}
