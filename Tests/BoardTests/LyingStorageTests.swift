import SimulatedStorage
import TestSupport
import Testing

@testable import Board

/// Storage that says that all went well and holds something else: what was written is read back before it counts.
@Suite struct LyingStorageTests {
    enum Lie: CaseIterable {
        /// One bit of what was written is another one.
        case bit
        /// Nothing was written.
        case nothing
    }

    private struct Flash: Storage {
        var flash: SimulatedFlash
        let lie: Lie
        /// How many programs are done as they are told to be before it lies, once.
        var honest: Int

        var geometry: StorageGeometry { flash.geometry }

        func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try flash.read(at: offset, into: &buffer)
        }

        mutating func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
            honest -= 1
            guard honest == -1 else { return try flash.program(at: offset, bytes) }
            guard lie == .bit else { return }
            try flash.program(at: offset, bytes)
            // What fills a page up behind the snapshot is nothing that was written.
            flash.corrupt(offset + min(bytes.count / 2, 300), with: 0x10)
        }

        mutating func erase(sector: Int) throws(StorageError) { try flash.erase(sector: sector) }
    }

    @Test(arguments: Snapshots.geometries, Lie.allCases)
    func flashIsReadBack(_ geometry: StorageGeometry, _ lie: Lie) throws {
        var base = Snapshots(geometry)
        try base.write(generation: 1)
        base.flash.operations.boot()
        var whole = base
        try whole.write(generation: 2)
        // Of the programs the last is the marker's, which stands for what was read back: a part of it is one.
        let isSmall = geometry.pageSize <= 32
        let programs = isSmall ? (24 + 577 + 32 + 31) / 32 + 1 : 2
        for number in 0..<programs {
            let flash = Flash(flash: base.flash, lie: lie, honest: number)
            let isNew = number == programs - 1 && lie == .bit
            var after = base
            if isSmall {
                after.flash = try write(NORSnapshots<_, 32>(flash, capacity: Snapshots.capacity), isStored: isNew)
            } else {
                after.flash = try write(NORSnapshots<_, 2048>(flash, capacity: Snapshots.capacity), isStored: isNew)
            }
            #expect(try after.generation() == (isNew ? 2 : 1), "program \(number)")
            try after.write(generation: 3)
            #expect(try after.generation() == 3)
        }
    }

    private func write<let programSize: Int>(
        _ storage: consuming NORSnapshots<Flash, programSize>, isStored: Bool
    ) throws -> SimulatedFlash {
        var snapshots = storage
        _ = try snapshots.open()
        let content = Snapshots.content(2)
        do throws(StorageError) {
            try snapshots.begin(size: content.count)
            try snapshots.append(content.span)
            try snapshots.commit()
            #expect(isStored)
        } catch {
            #expect(error == .corrupt && !isStored)
        }
        var buffer = [UInt8](repeating: 0, count: 577)
        do {
            var span = buffer.mutableSpan
            try snapshots.read(at: 0, into: &span)
        }
        #expect(buffer == Snapshots.content(isStored ? 2 : 1))
        return snapshots.storage.flash
    }

    private struct Folder: Directory {
        var directory: SimulatedDirectory
        let lie: Lie
        var honest: Int

        mutating func open() throws(StorageError) -> Int? { try directory.open() }
        func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try directory.read(at: offset, into: &buffer)
        }
        mutating func create() throws(StorageError) { try directory.create() }
        mutating func write(_ bytes: Span<UInt8>) throws(StorageError) {
            honest -= 1
            guard honest == -1 else { return try directory.write(bytes) }
            var other = bytes.indices.map { lie == .nothing ? 0 : bytes[$0] }
            other[other.count / 2] ^= 0x10
            try directory.write(other.span)
        }
        func readNew(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try directory.readNew(at: offset, into: &buffer)
        }
        mutating func sync() throws(StorageError) { try directory.sync() }
        mutating func rename() throws(StorageError) { try directory.rename() }
        mutating func syncNames() throws(StorageError) { try directory.syncNames() }
        mutating func adopt() { directory.adopt() }
    }

    /// Of the header, of the body and of the digest.
    @Test(arguments: 0..<3, Lie.allCases) func aFileIsReadBack(number: Int, lie: Lie) throws {
        var snapshots = DirectorySnapshots(Folder(directory: SimulatedDirectory(), lie: lie, honest: .max))
        _ = try snapshots.open()
        func put(_ generation: Int) throws(StorageError) {
            let content = Snapshots.content(generation)
            try snapshots.begin(size: content.count)
            try snapshots.append(content.span)
            try snapshots.commit()
        }
        func found() throws -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: 577)
            var span = buffer.mutableSpan
            try snapshots.read(at: 0, into: &span)
            return buffer
        }
        try put(1)
        let before = snapshots.directory.directory.identity
        snapshots.directory.honest = number
        #expect(throws: StorageError.corrupt) { try put(2) }
        #expect(snapshots.directory.directory.identity == before)
        #expect(try found() == Snapshots.content(1))
        try put(3)
        #expect(try found() == Snapshots.content(3))
    }

    private struct Medium: Board.Medium, ~Copyable {
        var medium: MemoryMedium
        let lie: Lie
        var honest: Int

        mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try medium.read(at: offset, into: &buffer)
        }

        mutating func write(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {
            honest -= 1
            guard honest == -1 else { return try medium.write(at: offset, bytes) }
            guard lie == .bit else { return }
            try medium.write(at: offset, bytes)
            medium.content.bytes[offset + bytes.count / 2] ^= 0x10
        }
    }

    /// A secret whose successor was not written stands, and no byte was given out of it.
    @Test(arguments: [0, 1], Lie.allCases) func theNextSecretIsReadBack(sector: Int, lie: Lie) throws {
        let whole = SeedRegionTests.factory(sector: sector)
        let next = try SeedRegionTests.seed(whole)
        let content = SeedRegionTests.factory(sector: sector)
        // A sector is erased in sixteen writes before the secret is programmed.
        let medium = Medium(medium: MemoryMedium(content: content), lie: lie, honest: 16)
        var region = SeedRegion(NORFlash(medium, origin: 0, geometry: FlashLayout.seed))
        var seed = [UInt8](repeating: 0xA5, count: 48)
        do {
            var buffer = seed.mutableSpan
            #expect(throws: EntropyError.failed) { try region.seed(&buffer) }
        }
        #expect(seed == [UInt8](repeating: 0xA5, count: 48))
        #expect(try SeedRegionTests.seed(content) == next)
    }
}
