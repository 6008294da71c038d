import Board
import DeviceCrypto

/// What a device keeps of its identity, as snapshots in NOR flash.
///
/// The storage is divided into banks. A snapshot is written whole into the bank after the current one, and becomes
/// the current one when its last page is programmed: whatever is cut before, the one before it stands. The banks take
/// turns, so wear is spread over all sectors. STORAGE.md gives the bytes.
public struct IdentityStore: Sendable {
    /// What a snapshot can hold, each at most once.
    public enum Record: UInt8, Sendable {
        /// ``DeviceKey/export(into:)``: a secret.
        case privateKey = 1
        /// The issued certificate in DER.
        case certificate
        /// ``SCEP/CACertificates``: certificates in DER, one after the other.
        case caCertificates
        /// The 16 bytes of ``SCEP/Transaction/identifier`` while the CA has not decided.
        case pendingTransaction
    }

    /// Magic, sequence number, size of the body, and their CRC-32.
    static var headerSize: Int { 20 }
    static var digestSize: Int { 32 }
    static var markerSize: Int { 8 }
    /// The first eight bytes of a snapshot; the last is the version of the format.
    static var magic: InlineArray<8, UInt8> { [0x53, 0x43, 0x45, 0x50, 0x49, 0x44, 0x00, 0x01] }
    /// The last bytes of a complete snapshot: `COMPLETE`.
    static var marker: InlineArray<8, UInt8> { [0x43, 0x4F, 0x4D, 0x50, 0x4C, 0x45, 0x54, 0x45] }

    /// A complete snapshot.
    struct Snapshot: Sendable {
        var bank: Int
        var sequence: UInt32
        var bodySize: Int
    }

    public let geometry: StorageGeometry
    /// Bytes of a bank, a multiple of the sector size.
    public let bankSize: Int
    public let bankCount: Int
    var current: Snapshot?

    /// Looks for the newest complete snapshot, and verifies its digest.
    ///
    /// - Parameter capacity: the bytes of the largest snapshot that will be stored, of its records alone.
    /// - Throws: `.full` when the storage has no two banks of that capacity; `.corrupt` when the newest snapshot, or
    ///   all there is, was changed after it was written; `.failed`.
    public init<S: Storage & ~Copyable>(_ storage: inout S, capacity: Int) throws(StorageError) {
        geometry = storage.geometry
        let needed = Self.markerOffset(capacity, geometry) &+ max(Self.markerSize, geometry.pageSize)
        let sectors = (needed &+ geometry.sectorSize &- 1) / geometry.sectorSize
        bankSize = sectors &* geometry.sectorSize
        bankCount = geometry.sectorCount / sectors
        guard bankCount >= 2 else { throw .full }
        var damaged = false
        var damagedSequence: UInt32 = 0
        for bank in 0..<bankCount {
            switch try judge(bank, &storage) {
            case .empty: break
            case .damaged(let sequence):
                damaged = true
                damagedSequence = max(damagedSequence, sequence)
            case .complete(let snapshot):
                if snapshot.sequence > current?.sequence ?? 0 { current = snapshot }
            }
        }
        if let current {
            guard damagedSequence <= current.sequence else { throw .corrupt }
        } else if damaged {
            throw .corrupt
        }
    }

    /// Nothing was ever stored.
    public var isEmpty: Bool { current == nil }

    /// Reads a record of the current snapshot into the front of `bytes`.
    ///
    /// - Returns: its size in bytes; nil when there is none.
    /// - Throws: `.full` when `bytes` is too small; `.failed`.
    public func read<S: Storage & ~Copyable>(
        _ record: Record, from storage: inout S, into bytes: inout MutableSpan<UInt8>
    ) throws(StorageError) -> Int? {
        guard let current else { return nil }
        let start = current.bank &* bankSize &+ Self.headerSize
        var position = start
        while position &+ 3 <= start &+ current.bodySize {
            var header = InlineArray<3, UInt8>(repeating: 0)
            do {
                var room = header.mutableSpan
                try storage.read(at: position, into: &room)
            }
            let size = Int(header[1]) &<< 8 | Int(header[2])
            position &+= 3
            if header[0] == record.rawValue {
                guard size <= bytes.count else { throw .full }
                var room = bytes._mutatingExtracting(first: size)
                try storage.read(at: position, into: &room)
                return size
            }
            position &+= size
        }
        return nil
    }

    // MARK: Judging what is there

    private enum Judgement {
        /// Erased, or a write that was cut short.
        case empty
        /// Changed after it was written; 0 when not even its sequence number can be read.
        case damaged(UInt32)
        case complete(Snapshot)
    }

    private func judge<S: Storage & ~Copyable>(_ bank: Int, _ storage: inout S) throws(StorageError) -> Judgement {
        let start = bank &* bankSize
        // The header, and the first bytes of the body.
        var header = InlineArray<32, UInt8>(repeating: 0)
        do {
            var room = header.mutableSpan
            try storage.read(at: start, into: &room)
        }
        let magic = Self.magic
        let bodySize = Int(truncatingIfNeeded: Self.number(header.span, at: 12))
        guard Self.number(header.span, at: 16) == crc32(header.span.extracting(first: 16)),
            constantTimeEqual(header.span.extracting(first: 8), magic.span), bodySize >= 0, bodySize <= bankSize,
            markerOffset(bodySize) &+ Self.markerSize <= bankSize
        else {
            // A write that was cut in the header left all behind it erased.
            let behind = header.span.extracting(Self.headerSize..<header.count)
            return isErased(behind) ? .empty : .damaged(0)
        }
        let sequence = Self.number(header.span, at: 8)
        var marker = InlineArray<8, UInt8>(repeating: 0)
        do {
            var room = marker.mutableSpan
            try storage.read(at: start &+ markerOffset(bodySize), into: &room)
        }
        // The beginning of a marker says as much as the whole: what it stands for had been read back by then.
        guard !isErased(marker.span) else { return .empty }
        guard try hasDigest(start, Self.headerSize &+ bodySize, &storage) else { return .damaged(sequence) }
        return .complete(Snapshot(bank: bank, sequence: sequence, bodySize: bodySize))
    }

    private func isErased(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices where bytes[index] != geometry.erasedValue { return false }
        return true
    }

    /// Whether the digest after `size` bytes of a bank is theirs.
    func hasDigest<S: Storage & ~Copyable>(_ start: Int, _ size: Int, _ storage: inout S)
        throws(StorageError) -> Bool
    {
        var hash = Hash(.sha256)
        var chunk = InlineArray<64, UInt8>(repeating: 0)
        var position = 0
        while position < size {
            let count = min(chunk.count, size &- position)
            do {
                var all = chunk.mutableSpan
                var room = all._mutatingExtracting(first: count)
                try storage.read(at: start &+ position, into: &room)
            }
            hash.update(chunk.span.extracting(first: count))
            position &+= count
        }
        let digest = hash.finish()
        var all = chunk.mutableSpan
        var room = all._mutatingExtracting(first: Self.digestSize)
        try storage.read(at: start &+ size, into: &room)
        return constantTimeEqual(digest.bytes, room.span)
    }

    /// Where the marker stands in a bank: the first page after the digest.
    func markerOffset(_ bodySize: Int) -> Int { Self.markerOffset(bodySize, geometry) }

    private static func markerOffset(_ bodySize: Int, _ geometry: StorageGeometry) -> Int {
        let page = geometry.pageSize
        return (headerSize &+ bodySize &+ digestSize &+ page &- 1) / page &* page
    }

    private static func number(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in offset..<(offset &+ 4) { value = value &<< 8 | UInt32(bytes[index]) }
        return value
    }
}
