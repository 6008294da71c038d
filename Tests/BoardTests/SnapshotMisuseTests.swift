import Board
import SimulatedStorage
import Testing

/// What is asked for in another order than ``SnapshotStorage`` has it, or beyond what there is.
@Suite struct SnapshotMisuseTests {
    @Test func inAFolder() throws {
        var snapshots = DirectorySnapshots(SimulatedDirectory())
        try expectRefused(&snapshots, tooLarge: 1 << 20 + 1) { $0.directory.isExposed = true }
    }

    @Test func inFlash() throws {
        var snapshots = NORSnapshots<_, 32>(SimulatedFlash(Snapshots.geometries[0]), capacity: 600)
        // A bank of 1,024 bytes less the marker, the header and the digest.
        try expectRefused(&snapshots, tooLarge: 1024 - 8 - 24 - 32 + 1) { snapshots in
            // A byte behind each header there may be.
            for sector in 0..<4 { snapshots.storage.corrupt(1024 * sector + 24, with: 1) }
        }
    }

    /// A driver that says something of its part that no part can be.
    @Test(arguments: [
        (0, 1024, 8), (-4, 1024, 8), (4096, 4096, 8), (4, 0, 8), (4, -1024, 8), (4, 1022, 8), (512, 256, 8),
        (4, 1024, 0),
        (4, 1024, -8), (4, 1 << 30, 8), (1, 1, .max), (4, 1 << 40, 1),
    ])
    func aShapeThatNoPartHas(page: Int, sector: Int, count: Int) {
        let shape = StorageGeometry(pageSize: page, sectorSize: sector, sectorCount: count, erasedValue: 0xFF)
        var snapshots = NORSnapshots<_, 32>(Shapeless(geometry: shape), capacity: 600)
        expect(.outOfRange) { _ = try snapshots.open() }
        expect(.outOfRange) { try snapshots.begin(size: 3) }
    }

    private struct Shapeless: Storage {
        let geometry: StorageGeometry
        func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {}
        func program(at offset: Int, _ bytes: Span<UInt8>) throws(StorageError) {}
        func erase(sector: Int) throws(StorageError) {}
    }

    private func expectRefused<S: SnapshotStorage & ~Copyable>(
        _ snapshots: inout S, tooLarge: Int, damage: (inout S) -> Void
    ) throws {
        let some: [UInt8] = [1, 2, 3]
        // Before it is opened.
        expect(.outOfRange) { _ = try read(&snapshots, 0, 0) }
        expect(.outOfRange) { try snapshots.begin(size: 3) }
        expect(.outOfRange) { try snapshots.append(some.span) }
        expect(.outOfRange) { try snapshots.commit() }
        #expect(try snapshots.open() == nil)
        // Nothing is there, and nothing was begun.
        expect(.outOfRange) { _ = try read(&snapshots, 0, 1) }
        expect(.outOfRange) { try snapshots.append(some.span) }
        expect(.outOfRange) { try snapshots.commit() }
        expect(.full) { try snapshots.begin(size: -1) }
        // More or less than `begin` was told.
        try snapshots.begin(size: 3)
        expect(.outOfRange) { try snapshots.commit() }
        expect(.outOfRange) { try snapshots.append([1, 2, 3, 4].span) }
        try snapshots.append(some.span)
        expect(.outOfRange) { try snapshots.append([4].span) }
        try snapshots.commit()
        expect(.outOfRange) { try snapshots.commit() }
        expect(.outOfRange) { try snapshots.append([UInt8]().span) }
        // In the same run, without being opened again.
        #expect(try read(&snapshots, 0, 3) == some)
        #expect(try read(&snapshots, 1, 2) == [2, 3])
        #expect(try read(&snapshots, 3, 0) == [])
        for (offset, count) in [(-1, 1), (0, 4), (1, 3), (3, 1), (4, 0), (-1, 0)] {
            expect(.outOfRange) { _ = try read(&snapshots, offset, count) }
        }
        // One that could not be begun, or was not ended, is none.
        expect(.full) { try snapshots.begin(size: tooLarge) }
        expect(.outOfRange) { try snapshots.append([4].span) }
        // Nor does one that was begun before go on.
        try snapshots.begin(size: 1)
        expect(.full) { try snapshots.begin(size: tooLarge) }
        expect(.outOfRange) { try snapshots.append([4].span) }
        try snapshots.begin(size: tooLarge - 1)
        #expect(try snapshots.open() == 3)
        try snapshots.begin(size: 1)
        #expect(try snapshots.open() == 3)
        expect(.outOfRange) { try snapshots.append([4].span) }
        #expect(try read(&snapshots, 0, 3) == some)
        // What was given up leaves nothing in the digest of the next one.
        try snapshots.begin(size: 4)
        try snapshots.append(some.span)
        try snapshots.begin(size: 2)
        try snapshots.append([5, 6].span)
        try snapshots.commit()
        #expect(try snapshots.open() == 2)
        #expect(try read(&snapshots, 0, 2) == [5, 6])
        // What cannot be opened any more is not open from before.
        damage(&snapshots)
        #expect(throws: StorageError.self) { try snapshots.open() }
        expect(.outOfRange) { try snapshots.begin(size: 3) }
        expect(.outOfRange) { _ = try read(&snapshots, 0, 0) }
    }

    /// A snapshot that failed, at any operation, is not gone on with.
    @Test func whatFailedHasEnded() throws {
        for operation in 1... {
            var snapshots = DirectorySnapshots(SimulatedDirectory())
            _ = try snapshots.open()
            snapshots.directory.operations.fail(at: operation)
            if try isStored(&snapshots) { break }
        }
        for operation in 1... {
            var snapshots = NORSnapshots<_, 32>(SimulatedFlash(Snapshots.geometries[0]), capacity: 600)
            _ = try snapshots.open()
            snapshots.storage.operations.fail(at: operation)
            if try isStored(&snapshots) { break }
        }
    }

    private func isStored<S: SnapshotStorage & ~Copyable>(_ snapshots: inout S) throws -> Bool {
        let content = [UInt8](repeating: 7, count: 100)
        do throws(StorageError) {
            try snapshots.begin(size: content.count)
            for start in stride(from: 0, to: 100, by: 20) {
                try snapshots.append(content.span.extracting(start..<(start + 20)))
            }
            try snapshots.commit()
            return true
        } catch {
            #expect(error == .failed)
        }
        expect(.outOfRange) { try snapshots.commit() }
        expect(.outOfRange) { try snapshots.append([UInt8]().span) }
        return false
    }

    private func read<S: SnapshotStorage & ~Copyable>(
        _ snapshots: inout S, _ offset: Int, _ count: Int
    ) throws -> [UInt8] {
        var content = [UInt8](repeating: 0xEE, count: count)
        var buffer = content.mutableSpan
        try snapshots.read(at: offset, into: &buffer)
        return content
    }

    private func expect(
        _ expected: StorageError, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        #expect(throws: expected, sourceLocation: sourceLocation) { try body() }
    }
}
