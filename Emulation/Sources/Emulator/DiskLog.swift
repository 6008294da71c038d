import Foundation

/// What a machine did to its disk from power-up on, in its order: QEMU's block filter `blklogwrites` notes it, in the
/// format of Linux's dm-log-writes.
///
/// A killed QEMU leaves all its writes to this machine's page cache, where none is lost. A disk that loses power keeps
/// what was flushed, and of the writes after that any part: ``image(from:cut:)`` gives such a disk.
public struct DiskLog: Sendable {
    public enum Operation: Sendable, Equatable {
        /// These bytes of the log, at this offset of the disk.
        case write(at: Int, Range<Int>)
        /// All that was written before is safe.
        case flush
    }

    public let operations: [Operation]
    private let bytes: Data

    static let sector = 512
    /// What a disk writes whole or not at all, in bytes. ext4 counts on that for its superblock.
    static let page = 4096

    public init(contentsOf file: URL) throws {
        try self.init(bytes: Data(contentsOf: file))
    }

    init(bytes: Data) throws {
        self.bytes = bytes
        func number(_ offset: Int) -> Int {
            (0..<8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        var operations: [Operation] = []
        // The head is written with the first flush.
        if bytes.count > Self.sector, bytes.prefix(Self.sector).contains(where: { $0 != 0 }) {
            guard number(0) == 0x6A_7366_7773_6872, number(8) == 1 else { throw DiskLogError.notALog }
        }
        var offset = Self.sector
        while offset + Self.sector <= bytes.count {
            let (sector, count, flags) = (number(offset), number(offset + 8), number(offset + 16))
            guard 0...bytes.count / Self.sector ~= count else {
                throw DiskLogError.unknownEntry(at: offset, flags: flags)
            }
            let data = offset + Self.sector..<offset + (1 + count) * Self.sector
            switch flags {
            // Entries are written side by side: where QEMU was killed before one was, there are zeros.
            case 0 where count == 0: break
            // It was killed in the middle of this one.
            case 0 where data.upperBound > bytes.count: break
            case 0: operations.append(.write(at: sector * Self.sector, data))
            case 1 where count == 0: operations.append(.flush)
            default: throw DiskLogError.unknownEntry(at: offset, flags: flags)
            }
            offset = data.upperBound
        }
        self.operations = operations
    }

    /// The disk that `before` has become when power is lost at `cut`.
    public func image(from before: Data, cut: DiskCut) -> Data {
        var image = before
        var random = SplitMix64(seed: UInt64(cut.position))
        if case .some(let seed) = cut.unflushed { random = SplitMix64(seed: seed) }
        let past = operations[..<cut.position]
        let safe = past.lastIndex(of: .flush) ?? 0
        for (index, operation) in past.enumerated() {
            guard case .write(let offset, let data) = operation else { continue }
            var kept =
                switch cut.unflushed {
                case _ where index < safe: data.count
                case .lost: 0
                case .kept: data.count
                case .some: Self.part(of: data.count, &random)
                }
            if kept < data.count { kept = max(0, (offset + kept) / Self.page * Self.page - offset) }
            image.replaceSubrange(offset..<offset + kept, with: bytes[data.prefix(kept)])
        }
        return image
    }

    /// None of it, all of it, or any part.
    private static func part(of count: Int, _ random: inout SplitMix64) -> Int {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: 0
        case 1: count
        default: Int.random(in: 0...count, using: &random)
        }
    }
}

/// A place where a disk loses power, and what it makes of the writes after the last flush.
public struct DiskCut: Sendable, CustomStringConvertible {
    public enum Unflushed: Sendable {
        case lost
        case kept
        /// Each is lost, or kept, or torn between two of its pages, as this seed has it.
        case some(UInt64)
    }

    /// So many operations came before.
    public let position: Int
    public let unflushed: Unflushed

    public init(at position: Int, unflushed: Unflushed) {
        self.position = position
        self.unflushed = unflushed
    }

    public var description: String { "\(position) \(unflushed)" }
}

enum DiskLogError: Error, Equatable, CustomStringConvertible {
    case notALog
    /// Neither a write nor a flush.
    case unknownEntry(at: Int, flags: Int)

    var description: String {
        switch self {
        case .notALog: "this is no log of QEMU's blklogwrites"
        case .unknownEntry(let offset, let flags): "the disk's log has an entry of flags \(flags) at \(offset)"
        }
    }
}
