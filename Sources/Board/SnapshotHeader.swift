/// What stands in front of a snapshot: see STORAGE.md. In all versions of the format from 2 on it is the same, and so
/// is where the digest stands: firmware can tell a whole snapshot of another version from a damaged one.
struct SnapshotHeader: BitwiseCopyable {
    static var size: Int { 24 }
    static var digestSize: Int { 32 }
    /// The version that is written, and the only one that is read.
    static var currentVersion: UInt8 { 2 }

    var version = Self.currentVersion
    var sequence: UInt32
    /// 0 where there are no banks.
    var bankSize: Int
    var bodySize: Int

    init(sequence: UInt32, bankSize: Int, bodySize: Int) {
        self.sequence = sequence
        self.bankSize = bankSize
        self.bodySize = bodySize
    }

    /// Nil when the 24 bytes are no header, or a damaged one.
    init?(_ bytes: Span<UInt8>) {
        guard Self.hasMagic(bytes), bigEndian(bytes, at: 20) == crc32(bytes.extracting(first: 20)),
            let bankSize = Int(exactly: bigEndian(bytes, at: 12)), let bodySize = Int(exactly: bigEndian(bytes, at: 16))
        else { return nil }
        version = bytes[7]
        sequence = bigEndian(bytes, at: 8)
        self.bankSize = bankSize
        self.bodySize = bodySize
    }

    /// Whether the 24 bytes are of version 1, whose header was shorter.
    static func isOfVersion1(_ bytes: Span<UInt8>) -> Bool { hasMagic(bytes) && bytes[7] == 1 }

    private static func hasMagic(_ bytes: Span<UInt8>) -> Bool {
        // "SCEPID" and 00
        bigEndian(bytes, at: 0) == 0x5343_4550 && bigEndian(bytes, at: 4) & 0xFFFF_FF00 == 0x4944_0000
    }

    var bytes: InlineArray<24, UInt8> {
        var header = InlineArray<24, UInt8>(repeating: 0)
        var room = header.mutableSpan
        storeBigEndian(0x5343_4550, at: 0, in: &room)
        storeBigEndian(0x4944_0000 | UInt32(version), at: 4, in: &room)
        storeBigEndian(sequence, at: 8, in: &room)
        storeBigEndian(UInt32(truncatingIfNeeded: bankSize), at: 12, in: &room)
        storeBigEndian(UInt32(truncatingIfNeeded: bodySize), at: 16, in: &room)
        storeBigEndian(crc32(room.span.extracting(first: 20)), at: 20, in: &room)
        return header
    }
}

/// The big-endian number at `offset`; four bytes are there.
func bigEndian(_ bytes: Span<UInt8>, at offset: Int) -> UInt32 {
    UInt32(bytes[offset]) << 24 | UInt32(bytes[offset &+ 1]) << 16 | UInt32(bytes[offset &+ 2]) << 8
        | UInt32(bytes[offset &+ 3])
}

func storeBigEndian(_ value: UInt32, at offset: Int, in bytes: inout MutableSpan<UInt8>) {
    for index in 0..<4 {
        bytes[offset &+ index] = UInt8(truncatingIfNeeded: value &>> UInt32(truncatingIfNeeded: 24 &- 8 &* index))
    }
}
