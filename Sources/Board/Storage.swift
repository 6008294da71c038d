/// NOR-flash-like storage: a sector is erased as a whole, erased pages are programmed once.
///
/// Each call throws `failed` where the part does, and `outOfRange` for what is outside of it or not aligned.
public protocol Storage: ~Copyable {
    var geometry: StorageGeometry { get }

    /// Reads `buffer.count` bytes from `offset` on; any alignment.
    mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError)

    /// Programs `bytes` at `offset`. Offset and length are multiples of the page size, and the pages are erased;
    /// else, if the part can tell, that is `notErased`. A cut may leave any of it.
    mutating func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError)

    /// Sets every byte of the sector to the erased value. Sectors are counted from 0. A cut may leave any of it.
    mutating func erase(sector: Int) throws(StorageError)
}

/// The shape of a ``Storage``, in bytes.
public struct StorageGeometry: Equatable, Sendable {
    /// The smallest unit that can be programmed: 1 to 2048.
    public let pageSize: Int
    /// The smallest unit that can be erased: a multiple of the page size.
    public let sectorSize: Int
    public let sectorCount: Int
    /// What an erased byte reads as: FF on most parts, 00 on some.
    public let erasedValue: UInt8

    public init(pageSize: Int, sectorSize: Int, sectorCount: Int, erasedValue: UInt8) {
        self.pageSize = pageSize
        self.sectorSize = sectorSize
        self.sectorCount = sectorCount
        self.erasedValue = erasedValue
    }

    public var size: Int { sectorSize * sectorCount }

    /// Whether a part can have this shape: what is above of its numbers, and at most 2 GiB.
    public var isSound: Bool {
        guard 1...2048 ~= pageSize, sectorSize >= pageSize, sectorSize % pageSize == 0, sectorCount > 0 else {
            return false
        }
        return sectorCount <= 0x7FFF_FFFF / sectorSize
    }
}

/// Why a ``Storage`` operation failed.
public enum StorageError: UInt8, Error, Equatable, Sendable {
    /// The part reported a failure, or the file behind it did.
    case failed = 1
    /// The range lies outside the storage or is not aligned: a defect of the caller.
    case outOfRange
    /// A page was programmed that was not erased: a defect of the caller.
    case notErased
    /// What had to be stored does not fit.
    case full
    /// What was read back is not what was written: worn out or damaged.
    case corrupt
    /// Power was lost in the middle: simulated storage only; nothing works until the next boot.
    case powerLost
    /// Other firmware wrote what is there, in a form that this firmware does not read. It is left as it is.
    case unknownVersion
    /// A file that holds secrets can be read or changed by others. It is left as it is.
    case exposed
}
