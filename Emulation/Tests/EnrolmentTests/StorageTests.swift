import Authority
import AuthorityServer
import Emulator
import Foundation
import Testing

/// A flash that is blank, damaged or full.
@Suite struct StorageTests {
    /// What happened to a flash between the factory and power-up.
    static let damages: [(name: String, kind: String, text: String, damage: @Sendable (inout [UInt8]) -> Void)] = [
        (
            "no seed", "no-seed", "manufacture",
            { $0.replaceSubrange(0..<2048, with: [UInt8](repeating: 0xFF, count: 2048)) }
        ),
        ("a seed with a bit over", "no-seed", "manufacture", { $0[20] ^= 1 }),
        (
            "no record", "not-provisioned", "provisioning record",
            { $0.replaceSubrange(2048..<4096, with: [UInt8](repeating: 0xFF, count: 2048)) }
        ),
        ("a record with a bit over", "record-corrupt", "write it anew", { $0[2048 + 12] ^= 1 }),
        ("a record longer than its region", "record-corrupt", "write it anew", { $0[2048 + 6] = 1 }),
        (
            "a store of zeros", "storage-corrupt", "erase it",
            { $0.replaceSubrange(4096..., with: [UInt8](repeating: 0, count: $0.count - 4096)) }
        ),
        (
            "a store of something else", "storage-corrupt", "erase it",
            { bytes in
                for index in bytes.indices.dropFirst(4096) { bytes[index] = UInt8(index * 7 % 251) }
            }
        ),
    ]

    @Test(arguments: Bench.troubledBoards, damages.indices)
    func damagedFlashIsNamedAndLeftAlone(board: BoardKind, row: Int) async throws {
        let damage = Self.damages[row]
        // Linux has a random source of its own and needs no seed.
        if damage.kind == "no-seed", !board.isMachine { return }
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                var bytes = try device.readFlash().bytes
                damage.damage(&bytes)
                try Data(bytes).write(to: device.flash)
                guard case .failed(let kind, let sentence) = try await device.enrol().verdict else {
                    Issue.record("it did not notice")
                    return
                }
                #expect(kind == damage.kind, "\(sentence)")
                #expect(sentence.contains(damage.text))
                #expect(try device.readFlash().identityRegion.elementsEqual(bytes[4096...]))
            }
        }
    }

    /// One bit of an identity that was good, in each of its parts.
    @Test(arguments: Bench.troubledBoards)
    func identityThatWasChangedIsNotUsed(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                #expect(try await device.enrol().verdict == .done)
                let bytes = try device.readFlash().bytes
                let used = bytes.indices.dropFirst(4096).filter { bytes[$0] != 0xFF }
                for place in [used[0], used[used.count / 3], used[used.count / 2], used[used.count - 20]] {
                    var changed = bytes
                    changed[place] ^= 0x10
                    try Data(changed).write(to: device.flash)
                    guard case .failed("storage-corrupt", _) = try await device.enrol().verdict else {
                        Issue.record("byte \(place) can be changed unnoticed")
                        continue
                    }
                    #expect(try device.readFlash().identityRegion.elementsEqual(changed[4096...]))
                }
            }
        }
    }
}
