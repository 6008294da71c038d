import Board
import Foundation
import LinuxBoard
import PretendedSystem
import TestSupport
import Testing

@testable import Agent
@testable import Gateway
@testable import Output

/// What is left when power fails, on a disk that keeps what was synced, and no more.
extension KeyTests.PublishedFilesTests {
    /// Runs `body` with a folder on such a disk, which has an identity in its store.
    private func withDisk(
        trusting trusted: (Identity) -> [OpenSSLIdentity],
        _ body: (Identity, Workspace, inout Store, URL, LossyDisk) throws -> Void
    ) throws {
        let identity = try Identity.shared.get()
        try withTemporaryDirectory { directory in
            let folder = directory.appending(path: "identity")
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
            let disk = try LossyDisk(folder)
            var settings = KeySettings()
            settings.existingKey = identity.leaf.key
            try withProvider(settings) { _ in
                let workspace = try open(folder)
                var store = IdentityStore(DirectorySnapshots(try workspace.openStore()))
                try store.open()
                try fill(&store, identity, trusted(identity))
                try body(identity, workspace, &store, directory, disk)
            }
        }
    }

    /// What the disk has left, in a new folder.
    private func left(_ disk: LossyDisk, _ directory: URL, after syncs: Int? = nil) throws -> URL {
        let url = directory.appending(path: "left \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        try disk.afterPowerCut(in: url, after: syncs)
        return url
    }

    /// The files of the set that is published, by their names; nil if none is.
    private func published(_ folder: URL) throws -> [String: Data]? {
        let current = folder.path + "/current"
        guard (try? FileManager.default.destinationOfSymbolicLink(atPath: current)) != nil else { return nil }
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: current) {
            files[name] = try Data(contentsOf: URL(fileURLWithPath: current + "/" + name))
        }
        return files
    }

    /// Whoever comes after a power cut finds no set, the one before, or the new one: whole, with its key, and nothing of it
    /// empty. Once the program has said that it is published, it is.
    @Test func aPowerCutLeavesWholeSets() throws {
        try withDisk(trusting: { [$0.intermediate] }) { identity, workspace, store, directory, disk in
            #expect(try publish(&store, workspace) == .published(.issued))
            let first = try left(disk, directory)
            try check(first, partial: true)
            #expect(try read(first, "ca.pem") == identity.intermediate.certificate)
            try fill(&store, identity, [identity.root, identity.intermediate])
            #expect(try publish(&store, workspace) == .published(.caCertificates))
            let second = try left(disk, directory)
            try check(second)
            #expect(try read(second, "ca.pem") == identity.root.certificate)
            // And in between.
            let whole = try [published(first), published(second)]
            var found: [Int] = []
            for syncs in 0...disk.syncCount {
                let set = try published(left(disk, directory, after: syncs))
                guard let index = set.map({ whole.firstIndex(of: $0) }) ?? -1 else {
                    Issue.record("half a set after \(syncs) syncs: \(set?.keys.sorted() ?? [])")
                    continue
                }
                if found.last != index { found.append(index) }
            }
            #expect(found == [-1, 0, 1])
        }
    }

    /// What was mended is not damaged again by a power cut: the damage had come to the disk.
    @Test(arguments: [
        "rm current", "ln -sfn issued/0000000000000000 current", "rm current/cert.pem", ": > current/ca.pem",
        "rm current/key.pem", "chmod 644 current/key.pem", "chmod 700 current/", "chmod 777 issued", "rm -r issued",
        "n=$(readlink current); rm -r $n; ln -s /tmp $n", "rm current/event",
    ]) func whatIsMendedIsSynced(script: String) throws {
        try withDisk(trusting: { [$0.root, $0.intermediate] }) { identity, workspace, store, directory, disk in
            #expect(try publish(&store, workspace) == .published(.issued))
            let folder = directory.appending(path: "identity")
            try SoftHSM.run("/bin/sh", ["-c", "cd '\(folder.path)' && \(script)"])
            let all = try FileManager.default.subpathsOfDirectory(atPath: folder.path).map { "/" + $0 }
            for name in [""] + all {
                let file = Foundation.open(folder.path + name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
                if file < 0 { continue }
                #expect(fsync(file) == 0)
                close(file)
            }
            let outcome = try publish(&store, workspace)
            #expect(outcome != .unchanged && outcome != .withheld)
            try check(left(disk, directory))
        }
    }
}

/// The same of single files.
@Suite struct OutputFilePowerCutTests {
    private func open(_ folder: URL) throws -> Workspace {
        var settings = Settings()
        _ = settings.set(.directory, Array(folder.path.utf8), from: .commandLine)
        return try Workspace.open(settings)
    }

    @Test func aFileIsReplacedInOneStepAndForGood() throws {
        try withTemporaryDirectory { directory in
            let folder = directory.appending(path: "identity")
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
            let disk = try LossyDisk(folder)
            let workspace = try open(folder)
            func status(after syncs: Int? = nil) throws -> String? {
                let left = directory.appending(path: UUID().uuidString)
                try FileManager.default.createDirectory(at: left, withIntermediateDirectories: false)
                try disk.afterPowerCut(in: left, after: syncs)
                return try? String(contentsOf: left.appending(path: "status"), encoding: .utf8)
            }
            for text in ["one", "another"] {
                try workspace.replace("status", with: Array(text.utf8))
                #expect(try status() == text)
            }
            for syncs in 0...disk.syncCount {
                let text = try status(after: syncs)
                #expect([nil, "one", "another"].contains(text))
            }
        }
    }

    /// The folder that the program made is there, and not only what is in it.
    @Test func theFolderThatWasMadeIsSynced() throws {
        try withTemporaryDirectory { directory in
            let (working, left) = (directory.appending(path: "working"), directory.appending(path: "left"))
            for url in [working, left] {
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
            }
            let disk = try LossyDisk(working)
            let workspace = try open(working.appending(path: "identity"))
            try workspace.replace("status", with: Array("text".utf8))
            try disk.afterPowerCut(in: left)
            let status = left.appending(path: "identity/status")
            #expect((try? String(contentsOf: status, encoding: .utf8)) == "text")
        }
    }

    /// A link that waits where a file is to be made is taken away, and what it leads to is left alone.
    @Test func aLinkLeadsNowhere() throws {
        try withTemporaryDirectory { directory in
            let folder = directory.appending(path: "identity")
            let workspace = try open(folder)
            let other = try directory.write(Array("mine".utf8), to: "other")
            for name in ["status.new", "status"] {
                try FileManager.default.createSymbolicLink(
                    atPath: folder.path + "/" + name, withDestinationPath: other)
            }
            try workspace.replace("status", with: Array("new".utf8))
            #expect(try String(contentsOf: folder.appending(path: "status"), encoding: .utf8) == "new")
            #expect(try String(contentsOfFile: other, encoding: .utf8) == "mine")
        }
    }
}
