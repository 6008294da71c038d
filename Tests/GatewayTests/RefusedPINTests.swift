import Foundation
import PretendedSystem
import TestKeys
import TestSupport
import Testing

@testable import Gateway
@testable import Output

/// The file with the PINs that a token refused, checked by openssl's PBKDF2.
@Suite struct RefusedPINTests {
    private static let serial = Array("0123456789abcdef".utf8)

    private func pin(_ number: Int) -> [UInt8] { Array("\(100_000 + number)".utf8) }

    private func refuse(_ number: Int, in folder: URL) throws {
        var random = try seededRandom()
        var refused = try RefusedPINs(folder: Array(folder.path.utf8))
        defer { refused.close() }
        try refused.prepare(serial: Self.serial, pin: pin(number), random: &random)
        try refused.remember()
    }

    private func holds(_ number: Int, in folder: URL, serial: [UInt8] = Self.serial) throws -> Bool {
        let refused = try RefusedPINs(folder: Array(folder.path.utf8))
        defer { refused.close() }
        return try refused.holds(serial: serial, pin: pin(number))
    }

    private func content(_ folder: URL) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "pin-refused")))
    }

    /// Each entry is 32 bytes that openssl makes of the same, behind a salt of 16; with more than sixteen, the oldest go.
    @Test func sixteenAreRemembered() throws {
        try withTemporaryDirectory { folder in
            for number in 0..<17 {
                try refuse(number, in: folder)
                #expect(try content(folder).count == 16 + 32 * min(number + 1, 16))
            }
            let content = try content(folder)
            for (place, number) in [(0, 1), (15, 16)] {
                let entry = try OpenSSL.run([
                    "kdf", "-binary", "-keylen", "32", "-kdfopt", "digest:SHA256", "-kdfopt",
                    "hexpass:" + (Self.serial + pin(number)).hex, "-kdfopt", "hexsalt:" + Array(content.prefix(16)).hex,
                    "-kdfopt", "iter:50000", "PBKDF2",
                ])
                #expect(Array(content[(16 + 32 * place)..<(48 + 32 * place)]) == entry)
            }
            #expect(
                try !holds(0, in: folder) && holds(1, in: folder) && holds(16, in: folder) && !holds(17, in: folder))
            #expect(try !holds(1, in: folder, serial: Self.serial.reversed()))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["pin-refused"])
        }
    }

    /// What a cut or another program left of it: what is whole counts, and nothing is tried where nothing can be told.
    @Test func aFileThatWasDamaged() throws {
        try withTemporaryDirectory { folder in
            try refuse(1, in: folder)
            try refuse(2, in: folder)
            let whole = try content(folder)
            for (bytes, first, second) in [
                (whole, true, true), (Array(whole.prefix(79)), true, false), (Array(whole.prefix(48)), true, false),
                (Array(whole.prefix(47)), false, false), (Array(whole.prefix(16)), false, false),
                (Array(whole.prefix(15)), false, false), ([], false, false),
                (whole + [UInt8](repeating: 0, count: 10_000), true, true),
            ] {
                _ = try folder.write(bytes, to: "pin-refused")
                #expect(try holds(1, in: folder) == first && holds(2, in: folder) == second, "\(bytes.count)")
            }
            // One that was cut short goes on behind what is whole of it.
            for (size, first) in [(15, false), (47, false), (79, true)] {
                _ = try folder.write(Array(whole.prefix(size)), to: "pin-refused")
                try refuse(3, in: folder)
                #expect(try content(folder).count == (first ? 80 : 48))
                #expect(try holds(1, in: folder) == first && holds(3, in: folder), "\(size)")
            }
            let path = folder.path + "/pin-refused"
            for (script, number) in [
                ("rm '\(path)'; mkdir '\(path)'", EINVAL), ("rmdir '\(path)'; ln -s /etc/passwd '\(path)'", ELOOP),
                ("rm '\(path)'; mkfifo '\(path)'", EINVAL),
            ] {
                try SoftHSM.run("/bin/sh", ["-c", script])
                #expect(throws: TokenFailure.cannotRemember(number)) { try holds(1, in: folder) }
            }
        }
    }

    /// Files below a folder that this process has open.
    private func openFiles(below folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }.filter { $0.hasPrefix(folder.path) }
    }

    /// Where it is not sure that a PIN is entered before it is tried, the failure is told, and why.
    @Test(
        arguments: [
            ([.fails(ENOSPC)], .pwrite, ENOSPC), ([.fails(EIO)], .pwrite, EIO), ([.fails(ENOSPC)], .fsync, ENOSPC),
            ([.fails(EIO)], .fsync, EIO), ([.itsOwn, .fails(EDQUOT)], .fsync, ENOSPC),
            ([.itsOwn, .fails(EIO)], .fsync, EIO),
        ] as [([PretendedOutcome], PretendedCall, Int32)])
    func whatCannotBeEnteredIsTold(_ outcomes: [PretendedOutcome], _ call: PretendedCall, number: Int32) throws {
        try withTemporaryDirectory { folder in
            var random = try seededRandom()
            var refused = try RefusedPINs(folder: Array(folder.path.utf8))
            #expect(throws: KeyFailure.token(.cannotRemember(number))) {
                try pretending(outcomes, of: call) {
                    try refused.prepare(serial: Self.serial, pin: pin(1), random: &random)
                }
            }
            refused.close()
            #expect(try openFiles(below: folder).isEmpty)
        }
    }

    @Test func aRefusalThatCannotBeRememberedIsTold() throws {
        try withTemporaryDirectory { folder in
            var random = try seededRandom()
            var refused = try RefusedPINs(folder: Array(folder.path.utf8))
            defer { refused.close() }
            for (number, told) in [(ENOSPC, ENOSPC), (EIO, EIO)] {
                try refused.prepare(serial: Self.serial, pin: pin(1), random: &random)
                #expect(throws: KeyFailure.token(.cannotRemember(told))) {
                    try pretending([.fails(number)], of: .fsync) { try refused.remember() }
                }
            }
            // Something else took its name meanwhile.
            let path = folder.path + "/pin-refused"
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try refused.prepare(serial: Self.serial, pin: pin(1), random: &random)
            #expect(throws: KeyFailure.token(.cannotRemember(EIO))) { try refused.remember() }
        }
    }

    /// One that cannot be read says nothing, and no PIN is tried without it.
    @Test func aFileThatCannotBeReadIsTold() throws {
        try withTemporaryDirectory { folder in
            try refuse(1, in: folder)
            #expect(throws: TokenFailure.cannotRemember(EIO)) {
                try pretending([.fails(EIO)], of: .pread) { _ = try RefusedPINs(folder: Array(folder.path.utf8)) }
            }
            #expect(try openFiles(below: folder).isEmpty)
            let refused = try RefusedPINs(folder: Array(folder.path.utf8))
            defer { refused.close() }
            try FileManager.default.createDirectory(
                atPath: folder.path + "/pin-refused.new", withIntermediateDirectories: false)
            #expect(throws: KeyFailure.token(.cannotRemember(EINVAL))) {
                _ = try refused.isOpen(serial: Self.serial, pin: pin(1))
            }
        }
    }

    /// The folder may be a link, as any that a setting names.
    @Test func theFolderMayBeALink() throws {
        try withTemporaryDirectory { folder in
            let (real, link) = (folder.appending(path: "real"), folder.appending(path: "link"))
            try FileManager.default.createDirectory(at: real, withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: real)
            try refuse(1, in: link)
            #expect(try holds(1, in: link) && holds(1, in: real))
            #expect(throws: TokenFailure.cannotRemember(ENOENT)) { try holds(1, in: folder.appending(path: "absent")) }
            // Nobody waits for the other end of a pipe.
            let pipe = folder.appending(path: "pipe")
            #expect(mkfifo(pipe.path, 0o600) == 0)
            #expect(throws: TokenFailure.cannotRemember(ENOTDIR)) { try holds(1, in: pipe) }
        }
    }

    /// What says nothing of the PIN leaves nothing; the right PIN has all forgotten.
    @Test func memoryIsGivenBack() throws {
        try withTemporaryDirectory { folder in
            func names() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            }
            try refuse(1, in: folder)
            var random = try seededRandom()
            var refused = try RefusedPINs(folder: Array(folder.path.utf8))
            try refused.prepare(serial: Self.serial, pin: pin(2), random: &random)
            #expect(try names() == ["pin-refused", "pin-refused.new"])
            #expect(try refused.isOpen(serial: Self.serial, pin: pin(2)) && !holds(2, in: folder))
            #expect(try !refused.isOpen(serial: Self.serial, pin: pin(3)))
            let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/pin-refused.new")
            #expect(mode[.posixPermissions] as? Int == 0o600)
            refused.release()
            #expect(try names() == ["pin-refused"])
            refused.forget()
            #expect(try names() == [])
            refused.close()
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }
            #expect(!open.contains { $0.hasPrefix(folder.path) })
        }
    }
}
