import DeviceCrypto
import SimulatedStorage
import TestSupport
import Testing

@testable import Board

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
    var buffer = content.mutableSpan
    try snapshots.read(at: 0, into: &buffer)
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

    /// Each snapshot has the number after the last one's, whether it was opened in between or not (Docs/Storage.md).
    @Test func numbersOfSnapshots() throws {
        var snapshots = DirectorySnapshots(SimulatedDirectory())
        _ = try snapshots.open()
        for number: UInt8 in 1...6 {
            if number > 3 { _ = try snapshots.open() }
            try put([number], in: &snapshots)
            #expect(snapshots.directory.identity?[8..<12].elementsEqual([0, 0, 0, number]) == true)
        }
        // A file that is gone has no number.
        snapshots.directory.identity = nil
        #expect(try snapshots.open() == nil)
        try put([9], in: &snapshots)
        #expect(snapshots.directory.identity?[8..<12].elementsEqual([0, 0, 0, 1]) == true)
    }

    /// The last number there is, and what a header must be: its checksum and the digest are right in all of them.
    @Test(
        arguments: [
            ([], nil), ([(0, 0x54)], .corrupt), ([(5, 0x45)], .corrupt), ([(6, 1)], .corrupt), ([(7, 0)], .corrupt),
            ([(7, 1)], .unknownVersion), ([(7, 2)], nil), ([(7, 4)], .unknownVersion), ([(7, 0xFF)], .unknownVersion),
            ([(19, 2)], .corrupt), ([(19, 4)], .corrupt),
        ] as [([(Int, UInt8)], StorageError?)])
    func headers(changes: [(Int, UInt8)], expected: StorageError?) throws {
        var snapshots = DirectorySnapshots(SimulatedDirectory())
        _ = try snapshots.open()
        try put([1, 2, 3], in: &snapshots)
        var bytes = try #require(snapshots.directory.identity)
        for (offset, byte) in changes { bytes[offset] = byte }
        snapshots.directory.identity = try Self.sealed(bytes)
        if let expected {
            #expect(throws: expected) { try snapshots.open() }
        } else {
            #expect(try snapshots.open() == 3)
        }
    }

    /// The checksum by the test's own hand, and the digest by openssl.
    private static func sealed(_ bytes: [UInt8]) throws -> [UInt8] {
        var bytes = bytes
        var checksum: UInt32 = 0xFFFF_FFFF
        for byte in bytes[..<20] {
            checksum ^= UInt32(byte)
            for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 0 ? 0 : 0xEDB8_8320) }
        }
        bytes.replaceSubrange(20..<24, with: withUnsafeBytes(of: (~checksum).bigEndian) { [UInt8]($0) })
        return try bytes.dropLast(32) + OpenSSL.run(["dgst", "-sha256", "-binary"], input: Array(bytes.dropLast(32)))
    }

    @Test func theLastNumberIsTheLast() throws {
        var snapshots = DirectorySnapshots(SimulatedDirectory())
        _ = try snapshots.open()
        try put([1, 2, 3], in: &snapshots)
        var bytes = try #require(snapshots.directory.identity)
        bytes.replaceSubrange(8..<12, with: [0xFF, 0xFF, 0xFF, 0xFE])
        snapshots.directory.identity = try Self.sealed(bytes)
        _ = try snapshots.open()
        try put([4], in: &snapshots)
        #expect(throws: StorageError.full) { try snapshots.begin(size: 1) }
        #expect(try get(&snapshots) == [4])
        #expect(throws: StorageError.full) { try snapshots.begin(size: 1) }
    }

    /// The largest, and a file that is one byte larger.
    @Test func sizeIsCapped() throws {
        var snapshots = DirectorySnapshots(SimulatedDirectory())
        _ = try snapshots.open()
        try put([UInt8](repeating: 7, count: 1 << 20), in: &snapshots)
        #expect(try snapshots.open() == 1 << 20)
        var bytes = try #require(snapshots.directory.identity)
        bytes.insert(7, at: 24)
        bytes.replaceSubrange(16..<20, with: [0, 0x10, 0, 1])
        snapshots.directory.identity = try Self.sealed(bytes)
        #expect(throws: StorageError.corrupt) { try snapshots.open() }
        snapshots.directory.identity = Array(bytes.prefix(55))
        #expect(throws: StorageError.corrupt) { try snapshots.open() }
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
            var buffer = [UInt8](repeating: 0, count: 577)
            do {
                var span = buffer.mutableSpan
                try snapshots.read(at: 0, into: &span)
            }
            #expect(buffer == Snapshots.content(1))
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

    /// A whole snapshot, with the right digest, that is larger than any that is written.
    @Test(arguments: [(1 << 20, true), (1 << 20 + 1, false)]) func moreThanIsWrittenIsNotRead(size: Int, isRead: Bool)
        throws
    {
        var bytes = [UInt8](repeating: 0, count: 24 + size + 32)
        do {
            var buffer = bytes.mutableSpan
            SnapshotHeader(sequence: 1, bankSize: 0, bodySize: size).write(to: &buffer)
        }
        let digest = Hash.digest(.sha256, of: bytes.span.extracting(..<(24 + size)))
        for index in 0..<32 { bytes[24 + size + index] = digest.bytes[index] }
        var folder = Folder()
        folder.directory.identity = bytes
        if isRead {
            #expect(try folder.read()?.count == size)
        } else {
            #expect(throws: StorageError.corrupt) { try folder.read() }
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
        var buffer: [UInt8] = [0]
        var span = buffer.mutableSpan
        #expect(throws: StorageError.outOfRange) { try snapshots.read(at: 0, into: &span) }
    }

    /// The bytes that Docs/Storage.md describes.
    @Test func theFormatIsAsDescribed() throws {
        var folder = Folder()
        try folder.write(1)
        let bytes = try #require(folder.directory.identity)
        let header: [UInt8] = [0x53, 0x43, 0x45, 0x50, 0x49, 0x44, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0x41]
        #expect(Array(bytes[..<20]) == header)
        // zlib.crc32 of these twenty
        #expect(Array(bytes[20..<24]) == [0xA5, 0xA2, 0xD7, 0xC8])
        #expect(Array(bytes[24..<(24 + 577)]) == Snapshots.content(1))
    }
}
