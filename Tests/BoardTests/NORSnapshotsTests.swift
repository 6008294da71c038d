import Board
import SimulatedStorage
import Testing

/// Snapshots in simulated flash that can be copied: each operation opens them anew, as after a boot.
struct Snapshots {
    static let capacity = 600
    /// Of the boards; two on which a bank is several sectors; one of the largest pages.
    static let geometries = [
        StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 4, erasedValue: 0xFF),
        StorageGeometry(pageSize: 1, sectorSize: 256, sectorCount: 12, erasedValue: 0xFF),
        StorageGeometry(pageSize: 8, sectorSize: 512, sectorCount: 6, erasedValue: 0x00),
        StorageGeometry(pageSize: 2048, sectorSize: 4096, sectorCount: 2, erasedValue: 0x00),
    ]

    var flash: SimulatedFlash
    var capacity = Self.capacity

    init(_ geometry: StorageGeometry) {
        flash = SimulatedFlash(geometry)
    }

    /// The snapshot of a given generation.
    static func content(_ generation: Int, count: Int = 577) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ generation) }
    }

    mutating func write(generation: Int, count: Int = 577) throws(StorageError) {
        try write(Self.content(generation, count: count))
    }

    mutating func write(_ content: [UInt8]) throws(StorageError) {
        if flash.geometry.pageSize > 32 {
            var snapshots = NORSnapshots<_, 2048>(flash, capacity: capacity)
            defer { flash = snapshots.storage }
            try put(content, in: &snapshots)
        } else {
            var snapshots = NORSnapshots<_, 32>(flash, capacity: capacity)
            defer { flash = snapshots.storage }
            try put(content, in: &snapshots)
        }
    }

    private func put<let programSize: Int>(
        _ content: [UInt8], in snapshots: inout NORSnapshots<SimulatedFlash, programSize>
    ) throws(StorageError) {
        _ = try snapshots.open()
        try snapshots.begin(size: content.count)
        // In pieces of several sizes.
        var rest = content[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(rest.count % 61 + 1))
            try snapshots.append(part.span)
            rest = rest.dropFirst(part.count)
        }
        try snapshots.commit()
    }

    func read() throws(StorageError) -> [UInt8]? {
        var snapshots = NORSnapshots<_, 2048>(flash, capacity: capacity)
        guard let size = try snapshots.open() else { return nil }
        var content = [UInt8](repeating: 0, count: size)
        var buffer = content.mutableSpan
        try snapshots.read(at: 0, into: &buffer)
        return content
    }

    /// The generation that the flash holds, whole; nil when it holds nothing.
    func generation() throws -> Int? {
        guard let content = try read() else { return nil }
        let generation = Int(content[0])
        #expect(content == Self.content(generation, count: content.count))
        return generation
    }
}

@Suite struct NORSnapshotsTests {
    @Test(arguments: Snapshots.geometries) func whatWasWrittenIsRead(_ geometry: StorageGeometry) throws {
        var snapshots = Snapshots(geometry)
        #expect(try snapshots.generation() == nil)
        for generation in 1...9 {
            try snapshots.write(generation: generation)
            #expect(try snapshots.generation() == generation)
        }
    }

    @Test(arguments: [0, 1, 31, 32, 33, 600]) func anySizeUpToTheCapacityFits(_ size: Int) throws {
        for geometry in Snapshots.geometries {
            var snapshots = Snapshots(geometry)
            let content = [UInt8](repeating: 0x5A, count: size)
            try snapshots.write(content)
            #expect(try snapshots.read() == content)
        }
    }

    @Test func moreThanABankHoldsIsRefusedAndTheOldOneStands() throws {
        var snapshots = Snapshots(Snapshots.geometries[0])
        try snapshots.write(generation: 1)
        // A header, a digest and a marker.
        let most = 1024 - 24 - 32 - 8
        #expect(throws: StorageError.full) { try snapshots.write([UInt8](repeating: 1, count: most + 1)) }
        #expect(try snapshots.generation() == 1)
        try snapshots.write([UInt8](repeating: 1, count: most))
        #expect(try snapshots.read()?.count == most)
    }

    /// Power is cut before, inside and after every operation of a write: what is found is the generation before or the
    /// new one, whole.
    @Test(arguments: Snapshots.geometries) func aCutLeavesOldOrNew(_ geometry: StorageGeometry) throws {
        for before in 0...3 {
            var base = Snapshots(geometry)
            for generation in 0..<before { try base.write(generation: generation + 1) }
            for (cut, snapshots) in try Self.cuts(base, before + 1) {
                let found = try Self.checked(snapshots, cut, old: before == 0 ? nil : before, new: before + 1)
                var snapshots = snapshots
                try snapshots.write(generation: 8)
                #expect(try snapshots.generation() == 8, "\(cut) after \(String(describing: found))")
            }
        }
    }

    /// Power is cut again in each operation of the write after that, with banks of one sector and of two.
    @Test(arguments: [256, 64]) func aSecondCutLeavesOldOrNew(_ sectorSize: Int) throws {
        for before in 0...2 {
            let geometry = StorageGeometry(pageSize: 4, sectorSize: sectorSize, sectorCount: 4, erasedValue: 0x00)
            var base = Snapshots(geometry)
            base.capacity = 64
            for generation in 0..<before { try base.write(generation: generation + 1, count: 40) }
            for (first, snapshots) in try Self.cuts(base, before + 1, count: 40) {
                let found = try Self.checked(snapshots, first, old: before == 0 ? nil : before, new: before + 1)
                for (second, snapshots) in try Self.cuts(snapshots, 7, count: 40) {
                    _ = try Self.checked(snapshots, second, old: found, new: 7)
                    var snapshots = snapshots
                    try snapshots.write(generation: 8, count: 40)
                    #expect(try snapshots.generation() == 8, "\(first), then \(second)")
                }
            }
        }
    }

    /// The generation after a cut, which is the old or the new one.
    private static func checked(_ snapshots: Snapshots, _ cut: Cut, old: Int?, new: Int) throws -> Int? {
        let found = try snapshots.generation()
        // With the beginning of the last page, the marker, the new one may stand; with all of it, it does.
        let mayBeNew = cut.operation == cut.last && cut.tear != .before
        let isNew = cut.operation == cut.last && cut.tear == .after
        #expect(found == old && !isNew || found == new && mayBeNew, "\(cut)")
        return found
    }

    struct Cut {
        var operation: Int
        var tear: Tear
        var last: Int
    }

    /// What is left of the snapshots when power is cut in each operation of a write.
    private static func cuts(_ base: Snapshots, _ generation: Int, count: Int = 577) throws -> [(Cut, Snapshots)] {
        var whole = base
        whole.flash.operations.boot()
        try whole.write(generation: generation, count: count)
        let last = whole.flash.operations.count
        var cuts: [(Cut, Snapshots)] = []
        for operation in 1...last {
            for tear in Tear.allCases {
                var snapshots = base
                snapshots.flash.operations.cutPower(at: operation, tear)
                #expect(throws: StorageError.powerLost) {
                    try snapshots.write(generation: generation, count: count)
                }
                snapshots.flash.operations.boot()
                cuts.append((Cut(operation: operation, tear: tear, last: last), snapshots))
            }
        }
        return cuts
    }

    /// The part refuses an operation, before or halfway: what the run goes on with is what the next start finds, and it
    /// can write again.
    @Test(arguments: Snapshots.geometries, [Tear.before, .half])
    func aFailureLeavesOldOrNew(_ geometry: StorageGeometry, _ tear: Tear) throws {
        var base = Snapshots(geometry)
        try base.write(generation: 1)
        base.flash.operations.boot()
        var whole = base
        try whole.write(generation: 2)
        let last = whole.flash.operations.count
        for operation in 1...last {
            // The same pages as in `whole`: most geometries gather 32 bytes.
            if geometry.pageSize > 32 {
                try fail(operation, tear, last, NORSnapshots<_, 2048>(base.flash, capacity: Snapshots.capacity), base)
            } else {
                try fail(operation, tear, last, NORSnapshots<_, 32>(base.flash, capacity: Snapshots.capacity), base)
            }
        }
    }

    private func fail<let programSize: Int>(
        _ operation: Int, _ tear: Tear, _ last: Int, _ storage: consuming NORSnapshots<SimulatedFlash, programSize>,
        _ base: Snapshots
    ) throws {
        var snapshots = storage
        var after = base
        snapshots.storage.operations.fail(at: operation, tear)
        _ = try snapshots.open()
        func write(_ generation: Int) throws(StorageError) {
            let content = Snapshots.content(generation)
            try snapshots.begin(size: content.count)
            try snapshots.append(content.span)
            try snapshots.commit()
        }
        // Half of the marker is a marker.
        let isNew = operation == last && tear == .half
        do throws(StorageError) {
            try write(2)
            #expect(isNew)
        } catch {
            #expect(error == .failed && !isNew)
        }
        var buffer = [UInt8](repeating: 0, count: 577)
        do {
            var span = buffer.mutableSpan
            try snapshots.read(at: 0, into: &span)
        }
        #expect(buffer == Snapshots.content(isNew ? 2 : 1))
        after.flash = snapshots.storage
        #expect(try after.generation() == (isNew ? 2 : 1))
        try write(3)
        after.flash = snapshots.storage
        #expect(try after.generation() == 3)
    }

    @Test func wearIsSpreadOverTheBanks() throws {
        var snapshots = Snapshots(Snapshots.geometries[1])
        for generation in 1...30 { try snapshots.write(generation: generation) }
        let least = try #require(snapshots.flash.erases.min())
        let most = try #require(snapshots.flash.erases.max())
        #expect(most - least <= 1)
    }

    @Test func tooSmallAStorageIsRefused() {
        let geometry = StorageGeometry(pageSize: 4, sectorSize: 1024, sectorCount: 1, erasedValue: 0xFF)
        #expect(throws: StorageError.full) { _ = try Snapshots(geometry).read() }
    }

    @Test(arguments: [24, 12]) func pagesHaveToFitWhatIsGathered(_ pageSize: Int) {
        let geometry = StorageGeometry(pageSize: pageSize, sectorSize: 1200, sectorCount: 4, erasedValue: 0xFF)
        var snapshots = NORSnapshots<_, 16>(SimulatedFlash(geometry), capacity: 100)
        #expect(throws: StorageError.outOfRange) { _ = try snapshots.open() }
    }

    /// Calls out of order are defects of the caller: nothing is written, and the current snapshot stands.
    @Test func callsOutOfOrderAreRefused() throws {
        var base = Snapshots(Snapshots.geometries[0])
        try base.write(generation: 1)
        var snapshots = NORSnapshots<_, 256>(base.flash, capacity: Snapshots.capacity)
        let bytes: [UInt8] = [1, 2, 3, 4]
        #expect(throws: StorageError.outOfRange) { try snapshots.begin(size: 4) }
        _ = try snapshots.open()
        #expect(throws: StorageError.outOfRange) { try snapshots.append(bytes.span) }
        #expect(throws: StorageError.outOfRange) { try snapshots.commit() }
        try snapshots.begin(size: 3)
        #expect(throws: StorageError.outOfRange) { try snapshots.append(bytes.span) }
        #expect(throws: StorageError.outOfRange) { try snapshots.commit() }
        try snapshots.begin(size: 5)
        try snapshots.append(bytes.span)
        #expect(throws: StorageError.outOfRange) { try snapshots.commit() }
        for (offset, count) in [(-1, 1), (0, 578), (577, 1), (.max, 1)] {
            var buffer = [UInt8](repeating: 0, count: count)
            var span = buffer.mutableSpan
            #expect(throws: StorageError.outOfRange) { try snapshots.read(at: offset, into: &span) }
        }
        base.flash = snapshots.storage
        #expect(try base.generation() == 1)
    }
}
