import Bytes

/// What stands in front of a snapshot: see Docs/Storage.md. In all versions of the format from 2 on it is the same, and so
/// is where digest and marker stand: firmware can tell a whole snapshot of another version from a damaged one.
struct SnapshotHeader: BitwiseCopyable {
    /// Where each number of four bytes stands, big-endian.
    private enum Field {
        /// "SCEP" and "ID", a 0 and the version.
        static var name: Int { 0 }
        static var version: Int { 4 }
        static var sequence: Int { 8 }
        static var bankSize: Int { 12 }
        static var bodySize: Int { 16 }
        /// CRC-32 of what is in front of it.
        static var checksum: Int { 20 }
    }

    static var size: Int { Field.checksum &+ 4 }
    static var digestSize: Int { 32 }
    /// The version that is written.
    static var currentVersion: UInt8 { 3 }

    /// 0 when the bytes are no header, or a damaged one; so is the sequence number then.
    var version: UInt8
    var sequence: UInt32
    /// 0 where there are no banks.
    var bankSize: Int
    /// Can be below 0 where `Int` has 32 bits.
    var bodySize: Int

    init(sequence: UInt32, bankSize: Int, bodySize: Int) {
        version = Self.currentVersion
        self.sequence = sequence
        self.bankSize = bankSize
        self.bodySize = bodySize
    }

    /// Whether snapshots of this version can be read.
    static func isKnown(_ version: UInt8) -> Bool { version == 2 || version == currentVersion }

    /// - Parameter bytes: 24.
    @inline(never)
    init(_ bytes: Span<UInt8>) {
        sequence = bigEndian(bytes, at: Field.sequence)
        bankSize = Int(truncatingIfNeeded: bigEndian(bytes, at: Field.bankSize))
        bodySize = Int(truncatingIfNeeded: bigEndian(bytes, at: Field.bodySize))
        version = bytes[Field.version &+ 3]
        // The header of version 1 was shorter, and had its checksum elsewhere.
        let isNamed =
            bigEndian(bytes, at: Field.name) == 0x5343_4550 && bigEndian(bytes, at: Field.version) &>> 8 == 0x494400
        let isWhole = bigEndian(bytes, at: Field.checksum) == crc32(bytes.extracting(first: Field.checksum))
        if !isNamed || !isWhole && version != 1 {
            version = 0
            sequence = 0
        }
    }

    /// Writes the header to the front of `bytes`.
    @inline(never)
    func write(to bytes: inout MutableSpan<UInt8>) {
        storeBigEndian(0x5343_4550, at: Field.name, in: &bytes)
        storeBigEndian(0x4944_0000 | UInt32(version), at: Field.version, in: &bytes)
        storeBigEndian(sequence, at: Field.sequence, in: &bytes)
        storeBigEndian(UInt32(truncatingIfNeeded: bankSize), at: Field.bankSize, in: &bytes)
        storeBigEndian(UInt32(truncatingIfNeeded: bodySize), at: Field.bodySize, in: &bytes)
        storeBigEndian(crc32(bytes.span.extracting(first: Field.checksum)), at: Field.checksum, in: &bytes)
    }
}
