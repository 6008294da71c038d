import Foundation
import PretendedSystem
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// The file `owner`, made by hand with openssl's digests as Docs/Storage.md has it.
@Suite struct OwnerFileTests {
    private static let owner = [UInt8](0..<16)

    private func digest(_ bytes: [UInt8]) throws -> [UInt8] {
        try OpenSSL.run(["dgst", "-sha256", "-binary"], input: bytes)
    }

    private func machine() -> [UInt8] {
        Array(FileManager.default.contents(atPath: "/etc/machine-id") ?? Data()).prefix(32).map { $0 }
    }

    private func inode(_ path: String) -> [UInt8] {
        var status = stat()
        #expect(stat(path, &status) == 0)
        return (0..<8).map { UInt8(truncatingIfNeeded: UInt64(status.st_ino) >> UInt64(8 * $0)) }
    }

    /// Writes the file for an inode and a machine, and looks whether the owner's number is found.
    private func mark(
        _ folder: URL, machine: [UInt8], mode: Int = 0o600, change: (inout [UInt8]) -> Void = { _ in }
    ) throws -> KeyMark? {
        var settings = TokenSettings()
        settings.folder = Array(folder.path.utf8)
        let store = folder.appending(path: "store")
        try FileManager.default.createDirectory(at: store, withIntermediateDirectories: true)
        let path = store.path + "/owner"
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        defer { close(file) }
        var bytes = Self.owner + (try digest(Self.owner + inode(path) + machine)).prefix(16)
        change(&bytes)
        #expect(ftruncate(file, 0) == 0 && pwrite(file, bytes, bytes.count, 0) == bytes.count)
        #expect(fchmod(file, mode_t(mode)) == 0)
        return KeyMark(settings)
    }

    /// A store that was copied, to another file or to another machine, is not this one.
    @Test func theNumberIsAtHomeInOneFileOfOneMachine() throws {
        try withTemporaryDirectory { folder in
            #expect(try mark(folder, machine: machine()) != nil)
            #expect(try mark(folder, machine: Array("0123456789abcdef0123456789abcdef".utf8)) == nil)
            #expect(try (mark(folder, machine: []) != nil) == machine().isEmpty)
            for index in [0, 15, 16, 31] {
                #expect(try mark(folder, machine: machine(), change: { $0[index] ^= 1 }) == nil)
            }
            #expect(try mark(folder, machine: machine(), change: { $0.append(0) }) == nil)
            #expect(try mark(folder, machine: machine(), change: { $0.removeLast() }) == nil)
            for mode in [0o640, 0o620, 0o601, 0o604] {
                #expect(try mark(folder, machine: machine(), mode: mode) == nil)
            }
            #expect(try mark(folder, machine: machine()) != nil)
            try FileManager.default.removeItem(atPath: folder.path + "/store/owner")
            #expect(KeyMark(TokenSettings()) == nil)
        }
    }

    /// The machine's number is read, and its file left.
    @Test func theMachinesFileIsNotKeptOpen() throws {
        try withTemporaryDirectory { folder in
            _ = try mark(folder, machine: machine())
            var settings = TokenSettings()
            settings.folder = Array(folder.path.utf8)
            for _ in 0..<50 { _ = KeyMark(settings) }
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }
            // Other tests may read it, too.
            #expect(open.count { $0 == "/etc/machine-id" } < 50)
        }
    }

    /// Another user's file is none of ours.
    @Test func anotherUsersNumberIsNotTaken() throws {
        try withTemporaryDirectory { folder in
            let made = try mark(folder, machine: machine())
            #expect(made != nil)
            var settings = TokenSettings()
            settings.folder = Array(folder.path.utf8)
            #expect(asAnotherUser { KeyMark(settings) } == nil)
            #expect(KeyMark(settings) != nil)
        }
    }

    /// No key is made whose owner could be forgotten: each step may fail.
    @Test(
        arguments: [
            ([.fails(ENOSPC)], .pwrite, ENOSPC), ([.fails(EIO)], .pwrite, EIO), ([.fails(EDQUOT)], .fsync, ENOSPC),
            ([.fails(EIO)], .fsync, EIO), ([.itsOwn, .fails(ENOSPC)], .fsync, ENOSPC),
            ([.itsOwn, .fails(EIO)], .fsync, EIO),
        ] as [([PretendedOutcome], PretendedCall, Int32)])
    func aNumberThatIsNotKeptIsTold(_ outcomes: [PretendedOutcome], _ call: PretendedCall, number: Int32) throws {
        try withTemporaryDirectory { folder in
            var settings = TokenSettings()
            settings.folder = Array(folder.path.utf8)
            var random = try seededRandom()
            #expect(throws: KeyFailure.token(.ownerNotKept(ENOENT))) { try KeyMark(making: settings, random: &random) }
            let owner = folder.appending(path: "store/owner")
            try FileManager.default.createDirectory(at: owner, withIntermediateDirectories: true)
            #expect(throws: KeyFailure.token(.ownerNotKept(EISDIR))) { try KeyMark(making: settings, random: &random) }
            try FileManager.default.removeItem(at: owner)
            #expect(throws: KeyFailure.token(.ownerNotKept(number))) {
                try pretending(outcomes, of: call) { _ = try KeyMark(making: settings, random: &random) }
            }
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }
            #expect(!open.contains { $0.hasPrefix(folder.path) })
        }
    }

    /// Identifiers are 8 bytes of chance, and 8 that follow from them and the owner's number.
    @Test func identifiersBearTheMarkOfTheirOwner() throws {
        try withTemporaryDirectory { folder in
            let mark = try #require(try mark(folder, machine: machine()))
            var random = try seededRandom()
            let one = try mark.newIdentifier(random: &random)
            let two = try mark.newIdentifier(random: &random)
            #expect(one.count == 16 && one.prefix(8) != two.prefix(8))
            for identifier in [one, two] {
                #expect(
                    Array(identifier.suffix(8)) == (try digest(identifier.prefix(8) + Self.owner)).prefix(8).map { $0 })
                #expect(mark.isOn(identifier))
                for index in 0..<16 {
                    var other = identifier
                    other[index] ^= 0x80
                    #expect(!mark.isOn(other))
                }
                #expect(!mark.isOn(Array(identifier.dropLast())) && !mark.isOn(identifier + [0]) && !mark.isOn([]))
            }
        }
    }

    /// What is made is what is found, and stands in a file of the documented form; nothing of it stays open.
    @Test func aNumberThatIsMadeIsFoundAgain() throws {
        try withTemporaryDirectory { folder in
            var settings = TokenSettings()
            settings.folder = Array(folder.path.utf8)
            try FileManager.default.createDirectory(
                at: folder.appending(path: "store"), withIntermediateDirectories: true)
            let path = folder.path + "/store/owner"
            // What a cut left.
            _ = try folder.appending(path: "store").write([1, 2, 3], to: "owner.new")
            var random = try seededRandom()
            let made = try KeyMark(making: settings, random: &random)
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(bytes.count == 32)
            #expect(
                Array(bytes.suffix(16))
                    == (try digest(bytes.prefix(16) + inode(path) + machine())).prefix(16).map { $0 })
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/store") == ["owner"])
            let identifier = try made.newIdentifier(random: &random)
            let again = try KeyMark(making: settings, random: &random)
            #expect(again.isOn(identifier) && KeyMark(settings)?.isOn(identifier) == true)
            #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }
            #expect(!open.contains { $0.hasPrefix(folder.path) })
        }
    }
}
