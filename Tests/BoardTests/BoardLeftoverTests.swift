import SimulatedStorage
import TestSupport
import Testing

@testable import Board

/// What passes through storage can be a private key: none of it is left on the stack, where whatever writes it stands.
@Suite struct BoardLeftoverTests {
    /// Bytes that are nowhere else.
    private static let secret: [UInt8] = {
        var random = SeededGenerator(seed: 11)
        return random.bytes(577)
    }()

    /// What is searched for is found.
    @Test func whatIsLeftIsSeen() throws {
        let left = try stackLeft {
            var copy = InlineArray<64, UInt8>(repeating: 0)
            for index in 0..<64 { copy[index] = Self.secret[index] }
            #expect(copy[63] == Self.secret[63])
        }
        #expect(holds(left, partOf: Self.secret))
        #expect(try !holds(stackLeft {}, partOf: Self.secret))
    }

    @Test func snapshotsInFlash() throws {
        var snapshots = NORSnapshots<_, 128>(SimulatedFlash(Snapshots.geometries[0]), capacity: 600)
        let left = try stackLeft {
            _ = try snapshots.open()
            try snapshots.begin(size: Self.secret.count)
            try snapshots.append(Self.secret.span)
            try snapshots.commit()
        }
        #expect(!holds(left, partOf: Self.secret))
        #expect(withUnsafeBytes(of: &snapshots) { !holds(Array($0), partOf: Self.secret) })
        // In the last bank, so that whatever is read after it does not cover what it left.
        while snapshots.storage.erases.contains(0) {
            try snapshots.begin(size: Self.secret.count)
            try snapshots.append(Self.secret.span)
            try snapshots.commit()
        }
        let found = try stackLeft { _ = try snapshots.open() }
        #expect(!holds(found, partOf: Self.secret))
    }

    /// Power is lost, or the part fails, at any operation: what was gathered is wiped all the same.
    @Test func snapshotsInFlashThatFails() throws {
        for operation in 1... {
            var snapshots = NORSnapshots<_, 128>(SimulatedFlash(Snapshots.geometries[0]), capacity: 600)
            var isStored = false
            snapshots.storage.operations.fail(at: operation)
            let left = try stackLeft {
                _ = try snapshots.open()
                do throws(StorageError) {
                    try snapshots.begin(size: Self.secret.count)
                    try snapshots.append(Self.secret.span)
                    try snapshots.commit()
                    isStored = true
                } catch {
                    #expect(error == .failed)
                }
            }
            #expect(!holds(left, partOf: Self.secret))
            #expect(
                withUnsafeBytes(of: &snapshots) { !holds(Array($0), partOf: Self.secret) }, "operation \(operation)")
            if isStored { break }
        }
    }

    @Test func snapshotsInAFolder() throws {
        var snapshots = DirectorySnapshots(SimulatedDirectory())
        let left = try stackLeft {
            _ = try snapshots.open()
            try snapshots.begin(size: Self.secret.count)
            try snapshots.append(Self.secret.span)
            try snapshots.commit()
            _ = try snapshots.open()
        }
        #expect(!holds(left, partOf: Self.secret))
        #expect(withUnsafeBytes(of: &snapshots) { !holds(Array($0), partOf: Self.secret) })
    }

    /// The disk is full, or fails, at any operation.
    @Test func snapshotsInAFolderThatFails() throws {
        for operation in 1... {
            var snapshots = DirectorySnapshots(SimulatedDirectory())
            var isStored = false
            snapshots.directory.operations.fail(at: operation, with: .full)
            let left = try stackLeft {
                do throws(StorageError) {
                    _ = try snapshots.open()
                    try snapshots.begin(size: Self.secret.count)
                    try snapshots.append(Self.secret.span)
                    try snapshots.commit()
                    isStored = true
                } catch {
                    #expect(error == .full)
                }
            }
            #expect(!holds(left, partOf: Self.secret))
            #expect(
                withUnsafeBytes(of: &snapshots) { !holds(Array($0), partOf: Self.secret) }, "operation \(operation)")
            if isStored { break }
        }
    }

    /// The secret, its successor and what was given out, also where the successor could not be written.
    @Test(arguments: [Int.max, 20]) func seedRegions(writes: Int) throws {
        let whole = SeedRegionTests.factory()
        let secret = Array(whole.bytes[8..<72])
        let seed = try SeedRegionTests.seed(whole, count: 64)
        let successor = Array(whole.bytes[1_032..<1_096])
        let content = SeedRegionTests.factory()
        content.writesLeft = writes
        var given = [UInt8](repeating: 0, count: 64)
        let left = try stackLeft {
            var region = SeedRegion(NORFlash(MemoryMedium(content: content), origin: 0, geometry: FlashLayout.seed))
            var buffer = given.mutableSpan
            try? region.seed(&buffer)
        }
        #expect((given == seed) == (writes == .max))
        #expect(!holds(left, partOf: secret), "the secret")
        #expect(!holds(left, partOf: successor), "its successor")
        #expect(!holds(left, partOf: seed), "the seed")
    }
}
