import Board
import DeviceCrypto
import SimulatedStorage
import Testing

/// Flash that changed after it was written, and the bytes themselves.
@Suite struct SnapshotDamageTests {
    /// Where the last byte of the digest is followed by nothing.
    private static let end = 24 + 577 + 32
    private static let marker = 1024 - 8

    private static func written(_ generations: Int, _ geometry: Int = 0) throws -> Snapshots {
        var snapshots = Snapshots(Snapshots.geometries[geometry])
        for generation in 0..<generations { try snapshots.write(generation: generation + 1) }
        return snapshots
    }

    /// Any bit that changes in the newest snapshot is noticed: what is read is what was written, or nothing is.
    @Test(arguments: 1...3) func aChangedBitIsNeverAccepted(_ generations: Int) throws {
        let whole = try Self.written(generations)
        for offset in 0..<Self.end {
            var snapshots = whole
            snapshots.flash.corrupt((generations - 1) * 1024 + offset, with: 1 << UInt8(offset % 8))
            #expect(throws: StorageError.corrupt, "offset \(offset)") { _ = try snapshots.read() }
        }
    }

    /// What an older snapshot has become is of no importance: an erase that was cut looks the same.
    @Test func olderDamageIsNotInTheWay() throws {
        let whole = try Self.written(3)
        for offset in 0..<1024 {
            var snapshots = whole
            snapshots.flash.corrupt(1024 + offset, with: 1 << UInt8(offset % 8))
            #expect(try snapshots.generation() == 3, "offset \(offset)")
            try snapshots.write(generation: 4)
            try snapshots.write(generation: 5)
            #expect(try snapshots.generation() == 5)
        }
    }

    /// The marker is a sign that all before it was read back: a part of it, or one with a bit over, neither loses the
    /// newest snapshot nor brings an older one back.
    @Test(arguments: 1...2) func aTornMarkerStands(_ generations: Int) throws {
        let whole = try Self.written(generations)
        let marker = (generations - 1) * 1024 + Self.marker
        for offset in 0..<8 {
            var snapshots = whole
            snapshots.flash.corrupt(marker + offset, with: 0x80)
            #expect(try snapshots.generation() == generations)
            // A page that was cut off while it was programmed: some bits of it are, some are not.
            for later in (offset + 1)..<8 { snapshots.flash.corrupt(marker + later, with: 0x2A) }
            #expect(try snapshots.generation() == generations)
        }
    }

    /// Before the marker, whatever is there is a write that was cut.
    @Test(arguments: 0..<24) func aTornHeaderIsNoSnapshot(count: Int) throws {
        var snapshots = Snapshots(Snapshots.geometries[0])
        for offset in 0...count { snapshots.flash.corrupt(offset, with: 0x5A) }
        #expect(try snapshots.generation() == nil)
        try snapshots.write(generation: 1)
        #expect(try snapshots.generation() == 1)
    }

    @Test(arguments: [0x00, 0x55] as [UInt8]) func aFlashOfSomethingElseIsLeftAlone(_ value: UInt8) {
        var snapshots = Snapshots(Snapshots.geometries[0])
        for offset in snapshots.flash.bytes.indices { snapshots.flash.corrupt(offset, with: 0xFF ^ value) }
        let before = snapshots.flash.bytes
        #expect(throws: StorageError.corrupt) { try snapshots.write(generation: 1) }
        #expect(snapshots.flash.bytes == before)
    }

    /// Firmware that is replaced by some whose snapshots may be larger.
    @Test(arguments: 1...4, [900, 1800]) func banksOfAnotherSizeAreLeftAlone(_ generations: Int, _ capacity: Int) throws
    {
        var snapshots = Snapshots(StorageGeometry(pageSize: 4, sectorSize: 512, sectorCount: 16, erasedValue: 0xFF))
        for generation in 1...generations { try snapshots.write(generation: generation) }
        let before = snapshots.flash.bytes
        snapshots.capacity = capacity == 900 ? 1024 : capacity
        #expect(throws: StorageError.unknownVersion) { try snapshots.write(generation: 9) }
        #expect(snapshots.flash.bytes == before)
        snapshots.capacity = Snapshots.capacity
        #expect(try snapshots.generation() == generations)
    }

    /// Made by the firmware of version 1: a header of 20 bytes, and a marker after the digest.
    @Test func version1IsLeftAlone() throws {
        var snapshots = Snapshots(Snapshots.geometries[0])
        let header: [UInt8] = [
            0x53, 0x43, 0x45, 0x50, 0x49, 0x44, 0, 1, 0, 0, 0, 1, 0, 0, 2, 0x41, 0xC8, 0x91, 0x41, 0x51,
        ]
        for (offset, byte) in header.enumerated() { snapshots.flash.corrupt(offset, with: 0xFF ^ byte) }
        #expect(throws: StorageError.unknownVersion) { _ = try snapshots.read() }
    }

    /// A snapshot of a version to come: it counts as the newest if it is, and is left alone; before it has its marker,
    /// it is nothing.
    @Test func aLaterVersionIsLeftAloneOnceItIsWhole() throws {
        let old = try Self.written(2)
        var snapshots = old
        rewrite(&snapshots, as: 4)
        #expect(throws: StorageError.unknownVersion) { _ = try snapshots.read() }
        for offset in 1024 + Self.marker..<2048 {
            snapshots.flash.corrupt(offset, with: 0xFF ^ snapshots.flash.bytes[offset])
        }
        #expect(try snapshots.generation() == 1)
        #expect(try old.generation() == 2)
    }

    /// What the firmware of before wrote is read.
    @Test func version2IsRead() throws {
        var snapshots = try Self.written(2)
        rewrite(&snapshots, as: 2)
        #expect(try snapshots.generation() == 2)
    }

    /// Gives the snapshot in the second bank another version.
    private func rewrite(_ snapshots: inout Snapshots, as version: UInt8) {
        var bytes = Array(snapshots.flash.bytes[1024..<2048])
        bytes[7] = version
        bytes.replaceSubrange(20..<24, with: bigEndian(crc32(bytes.span.extracting(0..<20))))
        let digest = Hash.digest(.sha256, of: bytes.span.extracting(0..<(24 + 577)))
        for index in 0..<32 { bytes[24 + 577 + index] = digest.bytes[index] }
        for offset in bytes.indices where offset < Self.marker {
            snapshots.flash.corrupt(1024 + offset, with: snapshots.flash.bytes[1024 + offset] ^ bytes[offset])
        }
    }

    private func bigEndian(_ value: UInt32) -> [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
    }

    /// The bytes that Docs/Storage.md describes.
    @Test func theFormatIsAsDescribed() throws {
        let flash = try Self.written(2).flash.bytes
        let header: [UInt8] = [
            0x53, 0x43, 0x45, 0x50, 0x49, 0x44, 0, 3, 0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 2, 0x41,
        ]
        #expect(Array(flash[1024..<1044]) == header)
        // zlib.crc32 of these twenty
        #expect(Array(flash[1044..<1048]) == [0x07, 0xBE, 0xA9, 0x1B])
        #expect(Array(flash[1048..<(1048 + 577)]) == Snapshots.content(2))
        #expect(flash[(1024 + Self.end)..<(1024 + Self.marker)].allSatisfy { $0 == 0xFF })
        #expect(Array(flash[(1024 + Self.marker)..<2048]) == [0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFD])
    }
}
