import Authority
import AuthorityServer
import Emulator
import Foundation
import Testing

/// A flash, or what is stored of an identity, that is blank, damaged or something else.
@Suite struct StorageTests {
    /// Firmware with each kind of flash, and one Linux program.
    static let boards: [BoardKind] = Bench.machines.reduce(into: Bench.troubledBoards) { boards, board in
        if !boards.contains(where: { $0.regions == board.regions }) { boards.append(board) }
    }

    /// What happened to a flash between the factory and power-up.
    struct Damage: Sendable, CustomTestStringConvertible {
        let name: String
        let kind: String
        let text: String
        let damage: @Sendable (inout [UInt8], FlashRegions) -> Void
        var testDescription: String { name }

        init(
            _ name: String, _ kind: String, _ text: String,
            _ damage: @escaping @Sendable (inout [UInt8], FlashRegions) -> Void
        ) {
            self.name = name
            self.kind = kind
            self.text = text
            self.damage = damage
        }
    }

    /// Those of a seed are for boards that have one.
    static let damages: [Damage] = [
        Damage("no seed", "no-seed", "manufacture") { bytes, regions in
            for index in (regions.seed ?? 0)..<regions.record { bytes[index] = 0xFF }
        },
        Damage("a seed with a bit over", "no-seed", "manufacture") { $0[($1.seed ?? 0) + 20] ^= 1 },
        Damage("no record", "not-provisioned", "provisioning record") { bytes, regions in
            for index in regions.record..<regions.identity.lowerBound { bytes[index] = 0xFF }
        },
        Damage("a record with a bit over", "record-corrupt", "write it anew") { $0[$1.record + 12] ^= 1 },
        Damage("a record longer than its region", "record-corrupt", "write it anew") { $0[$1.record + 6] = 1 },
    ]

    @Test(arguments: boards, damages)
    func damagedFlashIsNamed(board: BoardKind, damage: Damage) async throws {
        // Who has a random source of its own needs no seed.
        if damage.kind == "no-seed", !board.isMachine || board.regions.seed == nil { return }
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                var bytes = try device.readFlash().bytes
                damage.damage(&bytes, board.regions)
                try device.write(FlashImage(bytes: bytes))
                try await Self.expectFailure(damage.kind, damage.text, of: device)
            }
        }
    }

    @Test(arguments: boards, ["zeros", "something else"])
    func storeOfSomethingElseIsLeftAlone(board: BoardKind, content: String) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                let bytes: [UInt8] = board.regions.identity.map { content == "zeros" ? 0 : UInt8($0 * 7 % 251) }
                try device.write(store: bytes)
                try await Self.expectFailure("storage-corrupt", "erase it", of: device)
            }
        }
    }

    /// One bit of an identity that was good, in each of its parts.
    @Test(arguments: boards)
    func identityThatWasChangedIsNotUsed(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                #expect(try await device.enrol().verdict == .done)
                let bytes = try device.readStore()
                let newest = try #require(Self.newestSnapshot(in: bytes))
                for place in [newest.lowerBound, newest.lowerBound + newest.count / 2, newest.upperBound - 1] {
                    var changed = bytes
                    changed[place] ^= 0x10
                    try device.write(store: changed)
                    try await Self.expectFailure("storage-corrupt", "erase it", of: device)
                }
            }
        }
    }

    /// The bytes of the snapshot with the greatest sequence number, as Docs/Storage.md describes them.
    static func newestSnapshot(in bytes: [UInt8]) -> Range<Int>? {
        func number(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
        let name = Array("SCEPID".utf8) + [0, 3]
        let starts = bytes.indices.dropLast(56).filter {
            bytes[$0] == name[0] && bytes[$0..<$0 + 8].elementsEqual(name)
        }
        guard let start = starts.max(by: { number($0 + 8) < number($1 + 8) }) else { return nil }
        return start..<start + 24 + number(start + 16) + 32
    }

    /// Runs the device, and expects it to end in an error and an untouched store.
    static func expectFailure(
        _ kind: String, _ text: String, of device: Device, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try device.readFlash().identityRegion
        guard case .failed(let found, let sentence) = try await device.enrol().verdict else {
            Issue.record("it did not notice", sourceLocation: sourceLocation)
            return
        }
        #expect(found == kind, "\(sentence)", sourceLocation: sourceLocation)
        #expect(sentence.contains(text), sourceLocation: sourceLocation)
        #expect(try device.readFlash().identityRegion == before, sourceLocation: sourceLocation)
    }
}

extension Device {
    /// The bytes that it keeps its identity in.
    func readStore() throws -> [UInt8] {
        board.isMachine ? Array(try readFlash().identityRegion) : [UInt8](try Data(contentsOf: identity))
    }

    func write(store bytes: [UInt8]) throws {
        if board.isMachine {
            try write(FlashImage(bytes: readFlash().bytes[..<board.regions.identity.lowerBound] + bytes))
        } else {
            try? FileManager.default.createDirectory(
                at: store, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            let isMade = FileManager.default.createFile(
                atPath: identity.path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
            try #require(isMade)
        }
    }
}
