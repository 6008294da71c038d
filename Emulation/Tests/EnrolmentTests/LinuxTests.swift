import Authority
import AuthorityServer
import Emulator
import Foundation
import Testing

/// What only a board that is a Linux program has: a resolver, a console that may go away, a file for a flash.
@Suite struct LinuxTests {
    static let boards = Bench.boards.filter { !$0.isMachine }

    /// `localhost` is found in a process of its own, and is more than one address on most machines, of which the
    /// authority has one.
    @Test(arguments: boards)
    func caIsFoundByName(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                record.url = "http://localhost:\(server.port)/scep"
                try device.manufacture(record)
                #expect(try await device.enrol().verdict == .done)
            }
        }
    }

    @Test(arguments: boards)
    func deviceEnrolsThoughNobodyReadsItsConsole(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                let program = board.program(image: device.image, in: device.folder)
                let command = ([program.executable] + program.arguments).map { "'\($0)'" }.joined(separator: " ")
                let shell = Program(
                    executable: "/bin/sh", arguments: ["-c", "(sleep 0.2; exec \(command)) | :"], folder: device.folder,
                    origin: "Debian")
                _ = try await Bench.gate.pass {
                    try await shell.run(timeLimit: .hang) { try await $0.end() }
                }
                // The shell waits for all that it started.
                _ = try await device.identity(root: server.authority.trustAnchor.der)
            }
        }
    }

    @Test(arguments: boards, [0, 1, 1024, 65_535])
    func flashThatIsNotThereOrHalfMadeIsMadeBlank(board: BoardKind, count: Int) async throws {
        try await Bench.withDevice(board) { device in
            if count > 0 { try Data(repeating: 0xFF, count: count).write(to: device.flash) }
            guard case .failed("not-provisioned", _) = try await device.enrol().verdict else {
                Issue.record("it did not notice that it is blank")
                return
            }
            #expect(try Data(contentsOf: device.flash) == Data(repeating: 0xFF, count: 65_536))
            let mode = try FileManager.default.attributesOfItem(atPath: device.flash.path)[.posixPermissions] as? Int
            if count == 0 { #expect(mode == 0o600) }
        }
    }

    @Test(arguments: boards)
    func fileThatIsNoFlashIsLeftAlone(board: BoardKind) async throws {
        for contents in [Data(repeating: 0xFF, count: 65_537), Data("a letter".utf8), Data(repeating: 0, count: 4096)] {
            try await Bench.withDevice(board) { device in
                try contents.write(to: device.flash)
                guard case .failed("storage-failed", _) = try await device.enrol().verdict else {
                    Issue.record("it took \(contents.count) bytes for a flash")
                    return
                }
                #expect(try Data(contentsOf: device.flash) == contents)
            }
        }
    }

    /// The identity is its owner's alone, on the disk and while it is written.
    @Test(arguments: boards)
    func identityIsTheOwnersAlone(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                // What a cut may have left behind, and a way out of the folder that someone laid.
                try device.write(store: [])
                try FileManager.default.removeItem(at: device.identity)
                let next = device.store.appending(path: "identity.new")
                let elsewhere = device.folder.appending(path: "elsewhere")
                try Data("a letter".utf8).write(to: elsewhere)
                try FileManager.default.createSymbolicLink(at: next, withDestinationURL: elsewhere)
                #expect(try await device.enrol().verdict == .done)
                #expect(try Data(contentsOf: elsewhere) == Data("a letter".utf8))
                #expect(try FileManager.default.contentsOfDirectory(atPath: device.store.path) == ["identity"])
                for (file, mode) in [(device.store, 0o700), (device.identity, 0o600)] {
                    func permissions() throws -> Int? {
                        try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
                    }
                    #expect(try permissions() == mode)
                    for bit in [0o040, 0o020, 0o004, 0o002] {
                        try FileManager.default.setAttributes([.posixPermissions: mode | bit], ofItemAtPath: file.path)
                        try await StorageTests.expectFailure("storage-exposed", "owner alone", of: device)
                        #expect(try permissions() == mode | bit)
                    }
                    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
                }
                #expect(try await device.enrol().verdict == .done)
            }
        }
    }

    @Test(arguments: boards)
    func identityThatIsNoFileIsLeftAlone(board: BoardKind) async throws {
        try await Bench.withAuthority { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                try FileManager.default.createSymbolicLink(at: device.store, withDestinationURL: device.folder)
                try await StorageTests.expectFailure("storage-failed", "cannot be read", of: device)
                try FileManager.default.removeItem(at: device.store)
                try device.write(store: [])
                try FileManager.default.removeItem(at: device.identity)
                try FileManager.default.createSymbolicLink(at: device.identity, withDestinationURL: device.flash)
                guard case .failed("storage-failed", _) = try await device.enrol().verdict else {
                    Issue.record("it followed a link")
                    return
                }
                try FileManager.default.removeItem(at: device.identity)
                try FileManager.default.createDirectory(at: device.identity, withIntermediateDirectories: false)
                guard case .failed("storage-failed", _) = try await device.enrol().verdict else {
                    Issue.record("it took a folder for its identity")
                    return
                }
            }
        }
    }

    /// Two processes on one flash would corrupt each other's identity.
    @Test(arguments: boards)
    func secondProcessOnTheSameFlashIsRefused(board: BoardKind) async throws {
        try await Bench.withAuthority({ $0.policy = .manual }) { server in
            try await Bench.withDevice(board) { device in
                var record = try Bench.record(board, for: server)
                // The first stays, whatever fails on a machine that is busy.
                record.others["retries"] = nil
                try device.manufacture(record)
                _ = try await device.powerUp(timeLimit: .hang) { running in
                    try await running.line(containing: "pending: asking again in")
                    guard case .failed("storage-failed", _) = try await device.enrol().verdict else {
                        Issue.record("a second process was let in")
                        return
                    }
                    running.kill()
                    try await running.end()
                }
                try server.authority.approve(server.authority.transactions()[0].transactionID)
                #expect(try await device.enrol().verdict == .done)
            }
        }
    }

    /// A core file would hold the private key.
    @Test(arguments: boards.filter { $0 == .linux })
    func processWritesNoCoreFile(board: BoardKind) async throws {
        try await Bench.withAuthority({ $0.policy = .manual }) { server in
            try await Bench.withDevice(board) { device in
                try device.manufacture(Bench.record(board, for: server))
                _ = try await device.powerUp(timeLimit: .hang) { running in
                    try await running.line(containing: "pending: asking again in")
                    let limits = try String(contentsOfFile: "/proc/\(running.processID)/limits", encoding: .utf8)
                    let core = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
                    #expect(core.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"])
                }
            }
        }
    }
}
