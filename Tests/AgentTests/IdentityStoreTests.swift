import Board
import Testing

@testable import Agent

@Suite struct IdentityStoreTests {
    static let geometries = [
        StorageGeometry(pageSize: 1, sectorSize: 256, sectorCount: 12, erasedValue: 0xFF),
        StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 4, erasedValue: 0xFF),
        StorageGeometry(pageSize: 8, sectorSize: 512, sectorCount: 6, erasedValue: 0x00),
        StorageGeometry(pageSize: 2048, sectorSize: 4096, sectorCount: 2, erasedValue: 0xFF),
    ]
    static let capacity = 600

    /// What a snapshot of a given generation holds.
    static func key(_ generation: Int) -> [UInt8] { (0..<271).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ generation) } }

    static func certificate(_ generation: Int) -> [UInt8] {
        (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ generation) }
    }

    static func write(_ generation: Int, to flash: inout SimulatedFlash) throws(StorageError) {
        let store = try IdentityStore(&flash, capacity: capacity)
        var buffer = [UInt8](repeating: 0xAA, count: 4096)
        let certificate = certificate(generation)
        buffer.replaceSubrange(0..<certificate.count, with: certificate)
        let key = key(generation)
        var work = buffer.mutableSpan
        let size = SnapshotWriter.recordSize(key.count) + SnapshotWriter.recordSize(certificate.count)
        var writer = SnapshotWriter(store, bodySize: size, work: work)
        try writer.begin(work: &work, storage: &flash)
        try writer.append(.privateKey, key.span, work: &work, storage: &flash)
        try writer.append(.certificate, copyOf: 0..<certificate.count, work: &work, storage: &flash)
        _ = try writer.finish(work: &work, storage: &flash)
    }

    /// The generation that the flash holds, whole; nil when it holds nothing.
    static func generation(of flash: inout SimulatedFlash) throws -> Int? {
        let store = try IdentityStore(&flash, capacity: capacity)
        guard !store.isEmpty else { return nil }
        var room = [UInt8](repeating: 0, count: 1024)
        var span = room.mutableSpan
        let keySize = try store.read(.privateKey, from: &flash, into: &span)
        let key = try Array(room[..<#require(keySize)])
        var again = room.mutableSpan
        let certificateSize = try store.read(.certificate, from: &flash, into: &again)
        let certificate = try Array(room[..<#require(certificateSize)])
        let generation = Int(key[0])
        #expect(key == Self.key(generation))
        #expect(certificate == Self.certificate(generation))
        return generation
    }

    @Test(arguments: geometries) func whatWasWrittenIsRead(_ geometry: StorageGeometry) throws {
        var flash = SimulatedFlash(geometry)
        #expect(try Self.generation(of: &flash) == nil)
        for generation in 1...9 {
            try Self.write(generation, to: &flash)
            #expect(try Self.generation(of: &flash) == generation)
        }
    }

    /// Power is cut before, inside and after every operation of a write: the device comes back with the generation
    /// before or the new one, whole, and can write again.
    @Test(arguments: geometries) func aCutLeavesOldOrNew(_ geometry: StorageGeometry) throws {
        for before in 0...2 {
            var base = SimulatedFlash(geometry)
            for generation in 0..<before { try Self.write(generation + 1, to: &base) }
            var counter = base
            counter.cutPower(at: .max, .before)
            try Self.write(before + 1, to: &counter)
            #expect(counter.operations > 2)
            for operation in 1...counter.operations {
                for tear in SimulatedFlash.Tear.allCases {
                    var flash = base
                    flash.cutPower(at: operation, tear)
                    #expect(throws: StorageError.powerLost) { try Self.write(before + 1, to: &flash) }
                    flash.boot()
                    let found = try Self.generation(of: &flash)
                    // Of the last page, which holds the marker and then nothing, a part can be the whole.
                    let isNew = operation == counter.operations && found == before + 1
                    #expect(isNew || found == (before == 0 ? nil : before), "operation \(operation), \(tear)")
                    #expect(try Self.generation(of: &flash) == found)
                    try Self.write(7, to: &flash)
                    #expect(try Self.generation(of: &flash) == 7)
                }
            }
        }
    }

    /// Any bit that changes in the only snapshot is noticed: what is read is what was written, or nothing is.
    @Test func aChangedBitIsNeverAccepted() throws {
        var whole = SimulatedFlash(Self.geometries[1])
        try Self.write(1, to: &whole)
        let end = 20 + 3 + 271 + 3 + 300 + 32
        for offset in 0..<end {
            var flash = whole
            flash.corrupt(offset, with: 1 << UInt8(offset % 8))
            #expect(throws: StorageError.corrupt, "offset \(offset)") {
                _ = try IdentityStore(&flash, capacity: Self.capacity)
            }
        }
    }

    /// The marker is only a sign that all before it was read back: half of it, or one with a bit over, neither loses
    /// the newest snapshot nor brings an older one back.
    @Test func aTornMarkerStands() throws {
        for before in 0...1 {
            var whole = SimulatedFlash(Self.geometries[1])
            for generation in 0...before { try Self.write(generation + 1, to: &whole) }
            let marker = before * 1024 + (20 + 577 + 32 + 3) / 4 * 4
            for offset in 0..<8 {
                var flash = whole
                flash.corrupt(marker + offset, with: 0x81)
                #expect(try Self.generation(of: &flash) == before + 1)
                // A page that was cut off while it was programmed: some bits of it are, some are not.
                for later in (offset + 1)..<8 { flash.corrupt(marker + later, with: ~0x55) }
                #expect(try Self.generation(of: &flash) == before + 1)
            }
        }
    }

    /// Power fails while the header is programmed, and the last bits of it are any.
    @Test(arguments: 0..<20) func aTornHeaderIsNoSnapshot(count: Int) throws {
        var flash = SimulatedFlash(Self.geometries[1])
        for offset in 0...count { flash.corrupt(offset, with: 0x5A) }
        #expect(try Self.generation(of: &flash) == nil)
        try Self.write(1, to: &flash)
        #expect(try Self.generation(of: &flash) == 1)
    }

    /// The newest snapshot is damaged: the one before is not taken in its place without a word.
    @Test func anOlderSnapshotDoesNotHideDamage() throws {
        var flash = SimulatedFlash(Self.geometries[1])
        try Self.write(1, to: &flash)
        try Self.write(2, to: &flash)
        flash.corrupt(1024 + 100, with: 0x10)
        #expect(throws: StorageError.corrupt) { _ = try IdentityStore(&flash, capacity: Self.capacity) }
    }

    @Test func wearIsSpreadOverTheBanks() throws {
        var flash = SimulatedFlash(Self.geometries[0])
        for generation in 1...30 { try Self.write(generation, to: &flash) }
        let least = try #require(flash.erases.min())
        let most = try #require(flash.erases.max())
        #expect(most - least <= 1)
    }

    @Test func tooSmallAStorageIsRefused() {
        var flash = SimulatedFlash(
            StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 1, erasedValue: 0xFF))
        #expect(throws: StorageError.full) { _ = try IdentityStore(&flash, capacity: Self.capacity) }
    }

    /// The bytes that STORAGE.md describes.
    @Test func theFormatIsAsDescribed() throws {
        var flash = SimulatedFlash(Self.geometries[1])
        try Self.write(1, to: &flash)
        #expect(Array(flash.bytes[..<16]) == [0x53, 0x43, 0x45, 0x50, 0x49, 0x44, 0, 1, 0, 0, 0, 1, 0, 0, 2, 0x41])
        // zlib.crc32 of these sixteen
        #expect(Array(flash.bytes[16..<20]) == [0xC8, 0x91, 0x41, 0x51])
        #expect(Array(flash.bytes[20..<23]) == [1, 1, 0x0F])
        let marker = (20 + 577 + 32 + 3) / 4 * 4
        #expect(Array(flash.bytes[marker..<(marker + 8)]) == Array("COMPLETE".utf8))
    }
}
