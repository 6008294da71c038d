import DeviceCrypto
import SimulatedStorage
import Testing

@testable import Board

/// Banks that a test writes byte by byte, as Docs/Storage.md has them.
@Suite struct NORBankTests {
    private static let geometry = Snapshots.geometries[0]

    /// A bank of 1,024 bytes with a marker; the digest is right whatever the header says.
    private static func bank(
        sequence: UInt32, body: [UInt8] = [1, 2, 3], change: (inout [UInt8]) -> Void = { _ in }, isSealed: Bool = true
    ) -> [UInt8] {
        func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
        var bytes = Array("SCEPID".utf8) + [0, 3] + bigEndian(sequence) + bigEndian(1024)
        bytes += bigEndian(UInt32(body.count))
        change(&bytes)
        bytes += bigEndian(isSealed ? crc32(bytes.span) : 0) + body
        let digest = Hash.digest(.sha256, of: bytes.span)
        bytes += (0..<32).map { digest.bytes[$0] }
        bytes += [UInt8](repeating: 0xFF, count: 1024 - 8 - bytes.count)
        return bytes + bigEndian(sequence) + bigEndian(~sequence)
    }

    private static func flash(_ banks: [UInt8]...) -> SimulatedFlash {
        var flash = SimulatedFlash(geometry)
        for (number, bank) in banks.enumerated() {
            for (offset, byte) in bank.enumerated() { flash.corrupt(number * 1024 + offset, with: 0xFF ^ byte) }
        }
        return flash
    }

    private func snapshots(_ flash: SimulatedFlash) -> NORSnapshots<SimulatedFlash, 32> {
        NORSnapshots<_, 32>(flash, capacity: 600)
    }

    /// Bytes of a bank for a capacity: a header of 24, the snapshot, a digest of 32, the marker, in whole pages and
    /// sectors.
    @Test(arguments: [
        (0, 960, 1024), (0, 961, 2048), (1, 192, 256), (1, 193, 512), (2, 448, 512), (2, 449, 1024), (3, 1992, 4096),
        (3, 1993, 8192),
    ])
    func sizeOfABank(geometry: Int, capacity: Int, size: Int) {
        let geometry = Snapshots.geometries[geometry]
        let snapshots = NORSnapshots<_, 2048>(SimulatedFlash(geometry), capacity: capacity)
        #expect(snapshots.bankSize == size && snapshots.bankCount == geometry.size / size)
    }

    /// What is programmed at once holds the header, and is whole pages.
    @Test func programSize() throws {
        var small = NORSnapshots<_, 16>(SimulatedFlash(Self.geometry), capacity: 600)
        #expect(throws: StorageError.outOfRange) { try small.open() }
        var least = NORSnapshots<_, 24>(SimulatedFlash(Self.geometry), capacity: 600)
        #expect(try least.open() == nil)
        var odd = NORSnapshots<_, 26>(SimulatedFlash(Self.geometry), capacity: 600)
        #expect(throws: StorageError.outOfRange) { try odd.open() }
    }

    @Test func aBankIsRead() throws {
        var snapshots = snapshots(Self.flash(Self.bank(sequence: 1), Self.bank(sequence: 2, body: [4])))
        #expect(try snapshots.open() == 1)
    }

    /// The digest is right in all of them.
    @Test func headersThatAreNone() throws {
        let rows: [(String, [UInt8], StorageError)] = [
            ("no checksum", Self.bank(sequence: 1, isSealed: false), .corrupt),
            ("another name", Self.bank(sequence: 1, change: { $0[0] = 0x54 }), .corrupt),
            ("another name, further on", Self.bank(sequence: 1, change: { $0[5] = 0x45 }), .corrupt),
            ("a larger body", Self.bank(sequence: 1, change: { $0[16] = 0x7F }), .corrupt),
            ("a body of less than nothing", Self.bank(sequence: 1, change: { $0[16] = 0xFF }), .corrupt),
            ("version 1", Self.bank(sequence: 1, change: { $0[7] = 1 }, isSealed: false), .unknownVersion),
            ("version 4", Self.bank(sequence: 1, change: { $0[7] = 4 }), .unknownVersion),
        ]
        for (name, bank, expected) in rows {
            var snapshots = snapshots(Self.flash(bank))
            #expect(throws: expected, "\(name)") { try snapshots.open() }
            // What could not be opened is closed.
            #expect(throws: StorageError.outOfRange, "\(name)") { try snapshots.begin(size: 1) }
        }
    }

    /// A byte where the marker belongs is a part of one: of a snapshot that is there no more.
    @Test(arguments: 0..<8) func aPartOfAMarkerIsOne(offset: Int) {
        var flash = SimulatedFlash(Self.geometry)
        flash.corrupt(1016 + offset, with: 1)
        var snapshots = snapshots(flash)
        #expect(throws: StorageError.corrupt) { try snapshots.open() }
    }

    @Test func theLastNumberIsTheLast() throws {
        var snapshots = snapshots(Self.flash(Self.bank(sequence: .max - 1)))
        #expect(try snapshots.open() == 3)
        try snapshots.begin(size: 0)
        try snapshots.commit()
        #expect(throws: StorageError.full) { try snapshots.begin(size: 1) }
        #expect(try snapshots.open() == 0)
        #expect(throws: StorageError.full) { try snapshots.begin(size: 1) }
    }

    /// Each has the number after the last one's, whether it was opened in between or not.
    @Test func numbersOfSnapshots() throws {
        var snapshots = snapshots(SimulatedFlash(Self.geometry))
        _ = try snapshots.open()
        for number: UInt8 in 1...9 {
            if number > 5 { _ = try snapshots.open() }
            try snapshots.begin(size: 1)
            try snapshots.append([number].span)
            try snapshots.commit()
            let start = Int(number - 1) % 4 * 1024
            #expect(Array(snapshots.storage.bytes[(start + 8)..<(start + 12)]) == [0, 0, 0, number])
            #expect(Array(snapshots.storage.bytes[(start + 1016)..<(start + 1020)]) == [0, 0, 0, number])
        }
        // Another flash has nothing of this one's.
        snapshots.storage = SimulatedFlash(Self.geometry)
        #expect(try snapshots.open() == nil)
        try snapshots.begin(size: 0)
        try snapshots.commit()
        #expect(Array(snapshots.storage.bytes[8..<12]) == [0, 0, 0, 1])
    }

    /// Sectors behind the last whole bank are nobody's.
    @Test func sectorsThatAreLeftOver() throws {
        let geometry = StorageGeometry(pageSize: 4, sectorSize: 512, sectorCount: 5, erasedValue: 0xFF)
        var snapshots = NORSnapshots<_, 32>(SimulatedFlash(geometry), capacity: 600)
        #expect(snapshots.bankSize == 1024 && snapshots.bankCount == 2)
        for number in 0..<3 {
            #expect(try snapshots.open() == (number == 0 ? nil : 1))
            try snapshots.begin(size: 1)
            try snapshots.append([7].span)
            try snapshots.commit()
        }
        #expect(snapshots.storage.bytes.suffix(512).allSatisfy { $0 == 0xFF })
    }
}
