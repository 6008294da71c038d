import Board
import SimulatedStorage
import Testing

/// Snapshots in a simulated folder; each operation opens them anew, as after a boot.
private struct Folder {
    var directory = SimulatedDirectory()

    mutating func write(_ generation: Int, count: Int = 577) throws(StorageError) {
        try write(Snapshots.content(generation, count: count))
    }

    mutating func write(_ content: [UInt8]) throws(StorageError) {
        var snapshots = DirectorySnapshots(directory)
        defer { directory = snapshots.directory }
        _ = try snapshots.open()
        try put(content, in: &snapshots)
    }

    mutating func read() throws(StorageError) -> [UInt8]? {
        var snapshots = DirectorySnapshots(directory)
        defer { directory = snapshots.directory }
        return try get(&snapshots)
    }

    /// The generation that the folder holds, whole; nil when it holds nothing.
    mutating func generation() throws -> Int? {
        guard let content = try read() else { return nil }
        let generation = Int(content[0])
        #expect(content == Snapshots.content(generation, count: content.count))
        return generation
    }
}

private func put<D: Directory>(_ content: [UInt8], in snapshots: inout DirectorySnapshots<D>) throws(StorageError) {
    try snapshots.begin(size: content.count)
    let (front, back) = (Array(content.prefix(100)), Array(content.dropFirst(100)))
    try snapshots.append(front.span)
    try snapshots.append(back.span)
    try snapshots.commit()
}

private func get<D: Directory>(_ snapshots: inout DirectorySnapshots<D>) throws(StorageError) -> [UInt8]? {
    guard let size = try snapshots.open() else { return nil }
    var content = [UInt8](repeating: 0, count: size)
    var room = content.mutableSpan
    try snapshots.read(at: 0, into: &room)
    return content
}

@Suite struct DirectorySnapshotsTests {
    @Test func whatWasWrittenIsRead() throws {
        var folder = Folder()
        #expect(try folder.generation() == nil)
        for generation in 1...9 {
            try folder.write(generation)
            #expect(try folder.generation() == generation)
        }
        for size in [0, 1, 456, 457, 458, 100_000] {
            let content = [UInt8](repeating: 0xA5, count: size)
            try folder.write(content)
            #expect(try folder.read() == content)
        }
        #expect(throws: StorageError.full) { try folder.write([UInt8](repeating: 0, count: 1 << 20 + 1)) }
        #expect(try folder.read()?.count == 100_000)
    }

    private struct Cut {
        var operation: Int
        var tear: Tear
        var names: SimulatedDirectory.Names
    }

    /// What is left of a folder when power is cut in each operation of a write.
    private func cuts(_ base: Folder, _ generation: Int, _ tears: [Tear] = Tear.allCases) throws -> [(Cut, Folder)] {
        var whole = base
        whole.directory.operations.boot()
        try whole.write(generation, count: 40)
        var cuts: [(Cut, Folder)] = []
        for operation in 1...whole.directory.operations.count {
            for tear in tears {
                for names in SimulatedDirectory.Names.allCases {
                    var folder = base
                    folder.directory.cutPower(at: operation, tear, names: names)
                    #expect(throws: StorageError.powerLost) { try folder.write(generation, count: 40) }
                    folder.directory.boot()
                    cuts.append((Cut(operation: operation, tear: tear, names: names), folder))
                }
            }
        }
        return cuts
    }

    /// Power is cut before, inside and after every operation of a write, and again in the write after that.
    @Test func aCutLeavesOldOrNew() throws {
        for before in 0...1 {
            var base = Folder()
            if before > 0 { try base.write(before, count: 40) }
            let old = before == 0 ? nil : before
            var outcomes: Set<Int?> = []
            for (first, folder) in try cuts(base, 5) {
                var folder = folder
                let found = try folder.generation()
                outcomes.insert(found)
                #expect(found == old || found == 5, "\(first)")
                #expect(try folder.generation() == found)
                for (second, folder) in try cuts(folder, 7, [.before, .half, .after]) {
                    var folder = folder
                    let foundAgain = try folder.generation()
                    #expect(foundAgain == found || foundAgain == 7, "\(first), then \(second)")
                    try folder.write(8, count: 40)
                    #expect(try folder.generation() == 8, "\(first), then \(second)")
                }
            }
            #expect(outcomes == [old, 5])
        }
    }

    /// What a process has seen, no power cut takes away: also if the process before it ended before it had synced names.
    @Test func whatWasFoundStays() throws {
        var base = Folder()
        try base.write(1)
        base.directory.operations.boot()
        var whole = base
        try whole.write(2)
        for operation in 1...whole.directory.operations.count {
            var folder = base
            // The disk stays as it is, with a process that ends.
            folder.directory.operations.fail(at: operation)
            #expect(throws: StorageError.failed) { try folder.write(2) }
            folder.directory.restart()
            folder.directory.operations.boot()
            let found = try folder.generation()
            folder.directory.cutPower(at: 1, .before, names: .undone)
            #expect(throws: StorageError.powerLost) { try folder.write(3) }
            folder.directory.boot()
            #expect(try folder.generation() == found, "operation \(operation)")
        }
    }

    /// A folder whose disk makes nothing safe: what a missing fsync would do.
    private struct Careless: Directory {
        enum Omission: CaseIterable {
            case bytes, names
        }

        var directory = SimulatedDirectory()
        var omission: Omission

        mutating func open() throws(StorageError) -> Int? { try directory.open() }
        mutating func read(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try directory.read(at: offset, into: &buffer)
        }
        mutating func create() throws(StorageError) { try directory.create() }
        mutating func write(_ bytes: Span<UInt8>) throws(StorageError) { try directory.write(bytes) }
        mutating func readNew(at offset: Int, into buffer: inout MutableSpan<UInt8>) throws(StorageError) {
            try directory.readNew(at: offset, into: &buffer)
        }
        mutating func sync() throws(StorageError) { if omission != .bytes { try directory.sync() } }
        mutating func rename() throws(StorageError) { try directory.rename() }
        mutating func syncNames() throws(StorageError) { if omission != .names { try directory.syncNames() } }
        mutating func adopt() { directory.adopt() }
    }

    /// The simulation finds what it is there to find.
    @Test(arguments: Careless.Omission.allCases) private func aMissingSyncIsFound(_ omission: Careless.Omission) throws
    {
        var snapshots = DirectorySnapshots(Careless(omission: omission))
        _ = try snapshots.open()
        try put(Snapshots.content(1), in: &snapshots)
        snapshots.directory.directory.cutPower(at: 1, .before, names: omission == .names ? .undone : .kept)
        #expect(throws: StorageError.powerLost) { try put(Snapshots.content(2), in: &snapshots) }
        snapshots.directory.directory.boot()
        let isLost: Bool
        do throws(StorageError) {
            isLost = try get(&snapshots) == nil
        } catch {
            isLost = error == .corrupt
        }
        #expect(isLost)
    }

    /// The disk refuses an operation: the old snapshot stands in the same run.
    @Test(arguments: [StorageError.failed, .full]) func aFailureLeavesTheOldOne(_ failure: StorageError) throws {
        var base = Folder()
        try base.write(1)
        for operation in 1... {
            var snapshots = DirectorySnapshots(base.directory)
            _ = try snapshots.open()
            snapshots.directory.operations.fail(at: operation, with: failure)
            do throws(StorageError) {
                try put(Snapshots.content(2), in: &snapshots)
                break
            } catch {
                #expect(error == failure)
            }
            var room = [UInt8](repeating: 0, count: 577)
            do {
                var span = room.mutableSpan
                try snapshots.read(at: 0, into: &span)
            }
            #expect(room == Snapshots.content(1))
            try put(Snapshots.content(3), in: &snapshots)
            var after = Folder(directory: snapshots.directory)
            #expect(try after.generation() == 3)
        }
    }

    @Test func aChangedBitIsNeverAccepted() throws {
        var whole = Folder()
        try whole.write(1)
        let bytes = try #require(whole.directory.identity)
        #expect(bytes.count == 24 + 577 + 32)
        for offset in bytes.indices {
            var folder = whole
            folder.directory.identity?[offset] ^= 1 << UInt8(offset % 8)
            #expect(throws: StorageError.corrupt, "offset \(offset)") { try folder.write(2) }
        }
        for bytes in [[], Array(bytes.dropLast()), bytes + [0], [UInt8](repeating: 0, count: 700)] {
            var folder = Folder()
            folder.directory.identity = bytes
            #expect(throws: StorageError.corrupt) { try folder.write(2) }
            #expect(folder.directory.identity == bytes)
        }
    }

    @Test func whatOthersCanReadIsRefused() throws {
        var folder = Folder()
        try folder.write(1)
        let bytes = folder.directory.identity
        folder.directory.isExposed = true
        #expect(throws: StorageError.exposed) { try folder.write(2) }
        #expect(folder.directory.identity == bytes)
    }

    @Test func callsOutOfOrderAreRefused() throws {
        var snapshots = DirectorySnapshots(SimulatedDirectory())
        let bytes: [UInt8] = [1, 2, 3, 4]
        #expect(throws: StorageError.outOfRange) { try snapshots.begin(size: 4) }
        _ = try snapshots.open()
        #expect(throws: StorageError.outOfRange) { try snapshots.append(bytes.span) }
        #expect(throws: StorageError.outOfRange) { try snapshots.commit() }
        try snapshots.begin(size: 3)
        #expect(throws: StorageError.outOfRange) { try snapshots.append(bytes.span) }
        #expect(throws: StorageError.outOfRange) { try snapshots.commit() }
        var room: [UInt8] = [0]
        var span = room.mutableSpan
        #expect(throws: StorageError.outOfRange) { try snapshots.read(at: 0, into: &span) }
    }

    /// The bytes that STORAGE.md describes.
    @Test func theFormatIsAsDescribed() throws {
        var folder = Folder()
        try folder.write(1)
        let bytes = try #require(folder.directory.identity)
        let header: [UInt8] = [0x53, 0x43, 0x45, 0x50, 0x49, 0x44, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0x41]
        #expect(Array(bytes[..<20]) == header)
        // zlib.crc32 of these twenty
        #expect(Array(bytes[20..<24]) == [0x78, 0x34, 0x0E, 0x4D])
        #expect(Array(bytes[24..<(24 + 577)]) == Snapshots.content(1))
    }
}
