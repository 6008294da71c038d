import Foundation
import LinuxBoard
import PretendedSystem
import TestSupport
import Testing

@testable import Board

/// The folder that keeps a device's identity, on this machine's file system.
@Suite struct IdentityFolderTests {
    private static func opened(_ url: URL) throws -> DirectorySnapshots<IdentityFolder> {
        let outside = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(outside) }
        return try DirectorySnapshots(IdentityFolder.open(in: Descriptor(outside)))
    }

    /// What a generation has in it.
    private static func content(_ generation: Int) -> [UInt8] {
        (0..<577).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ generation) }
    }

    private static func put(_ generation: Int, in snapshots: inout DirectorySnapshots<IdentityFolder>) throws {
        _ = try snapshots.open()
        let content = Self.content(generation)
        try snapshots.begin(size: content.count)
        try snapshots.append(content.span)
        try snapshots.commit()
    }

    /// Why the folder is refused; nil if it is not.
    private static func refusal(_ url: URL) throws -> StorageError? {
        do {
            var snapshots = try opened(url)
            _ = try snapshots.open()
            return nil
        } catch let error as StorageError {
            return error
        }
    }

    /// The generation that is found; nil when nothing is.
    private static func generation(_ url: URL) throws -> Int? {
        var snapshots = try opened(url)
        guard let size = try snapshots.open() else { return nil }
        var content = [UInt8](repeating: 0, count: size)
        do {
            var buffer = content.mutableSpan
            try snapshots.read(at: 0, into: &buffer)
        }
        let generation = Int(content[0])
        #expect(content == Self.content(generation))
        return generation
    }

    /// What was stored outlives a power cut on a disk that keeps what was synced, and no more: the file, its name, and the
    /// folder that it is in.
    @Test func whatIsStoredIsSynced() throws {
        try withTemporaryDirectory { directory in
            let working = directory.appending(path: "working")
            try FileManager.default.createDirectory(at: working, withIntermediateDirectories: false)
            let disk = try LossyDisk(working)
            func left(_ name: String) throws -> URL {
                let url = directory.appending(path: name)
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
                try disk.afterPowerCut(in: url)
                return url
            }
            var snapshots = try Self.opened(working)
            for generation in 1...3 {
                try Self.put(generation, in: &snapshots)
                let left = try left("\(generation)")
                #expect(try Self.generation(left) == generation)
            }
        }
    }

    /// The disk loses what it is there to lose.
    @Test func whatIsNotSyncedIsLost() throws {
        try withTemporaryDirectory { directory in
            let (working, left) = (directory.appending(path: "working"), directory.appending(path: "left"))
            for url in [working, left] {
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
            }
            let disk = try LossyDisk(working)
            func write(_ name: String, _ text: String, syncs: Bool) {
                let file = open(working.appending(path: name).path, O_WRONLY | O_CREAT, 0o600)
                defer { close(file) }
                #expect(Foundation.write(file, text, text.utf8.count) == text.utf8.count)
                if syncs { #expect(fsync(file) == 0) }
            }
            write("synced", "abc", syncs: true)
            write("forgotten", "abc", syncs: false)
            let folder = open(working.path, O_RDONLY)
            #expect(fsync(folder) == 0)
            close(folder)
            write("nameless", "abc", syncs: true)
            write("synced", "abcdef", syncs: false)
            try disk.afterPowerCut(in: left)
            func text(_ name: String) -> String? {
                try? String(contentsOf: left.appending(path: name), encoding: .utf8)
            }
            #expect(text("synced") == "abc" && text("forgotten") == "" && text("nameless") == nil)
        }
    }

    private enum Damage: String, CaseIterable {
        case nothing, fileForOthers, folderForOthers, pipe, folderInPlaceOfFile, linkToFile, linkToFolder, tooLarge
    }

    /// One defect a row: what is not a private file in a private folder of this user is refused, and left as it is.
    @Test(arguments: Damage.allCases) private func whatIsNoPrivateFileIsRefused(_ corrupting: Damage) throws {
        try withTemporaryDirectory { directory in
            var snapshots = try Self.opened(directory)
            try Self.put(1, in: &snapshots)
            let store = directory.appending(path: "store")
            let (file, other) = (store.appending(path: "identity"), directory.appending(path: "other"))
            var expected: StorageError? = .failed
            switch corrupting {
            case .nothing: expected = nil
            case .fileForOthers:
                chmod(file.path, 0o640)
                expected = .exposed
            case .folderForOthers:
                chmod(store.path, 0o711)
                expected = .exposed
            case .pipe:
                unlink(file.path)
                #expect(mkfifo(file.path, 0o600) == 0)
            case .folderInPlaceOfFile:
                unlink(file.path)
                #expect(mkdir(file.path, 0o700) == 0)
            case .linkToFile:
                try FileManager.default.moveItem(at: file, to: other)
                try FileManager.default.createSymbolicLink(at: file, withDestinationURL: other)
            case .linkToFolder:
                try FileManager.default.moveItem(at: store, to: other)
                try FileManager.default.createSymbolicLink(at: store, withDestinationURL: other)
            case .tooLarge:
                // Far more than any `Int` of a small board counts, and not a byte of it on the disk.
                #expect(truncate(file.path, off_t(1) << 40) == 0)
                expected = .corrupt
            }
            // With its other end open, a pipe makes nobody wait.
            let end = corrupting == .pipe ? open(file.path, O_RDWR | O_NONBLOCK) : -1
            defer { if end >= 0 { close(end) } }
            #expect(try Self.refusal(directory) == expected)
        }
    }

    /// A file that no snapshot can be as large as is not even counted.
    @Test(
        arguments: [(1 << 20, nil), (1 << 20 + 1, StorageError.corrupt), (1 << 40, .corrupt)] as [(Int, StorageError?)])
    func aFileOfAnySizeIsRefused(size: Int, expected: StorageError?) throws {
        try withTemporaryDirectory { directory in
            var snapshots = try Self.opened(directory)
            try Self.put(1, in: &snapshots)
            #expect(truncate(directory.appending(path: "store/identity").path, off_t(size)) == 0)
            do throws(StorageError) {
                let found = try snapshots.directory.open()
                #expect(found == size && expected == nil)
            } catch {
                #expect(error == expected)
            }
        }
    }

    /// A pipe that nobody has open keeps nobody waiting.
    @Test func aPipeIsNotWaitedFor() throws {
        try withTemporaryDirectory { directory in
            let store = directory.appending(path: "store")
            try FileManager.default.createDirectory(
                at: store, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            let pipe = store.appending(path: "identity").path
            #expect(mkfifo(pipe, 0o600) == 0)
            let isEnded = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                #expect((try? Self.refusal(directory)) == .failed)
                isEnded.signal()
            }
            // Catches a hang alone.
            guard isEnded.wait(timeout: .now() + 60) == .timedOut else { return }
            Issue.record("it waits for the other end of a pipe")
            let end = open(pipe, O_RDWR | O_NONBLOCK)
            isEnded.wait()
            close(end)
        }
    }

    /// What somebody else put there is not this user's, whatever its mode is.
    @Test func anotherUsersStoreIsRefused() throws {
        try withTemporaryDirectory { directory in
            var snapshots = try Self.opened(directory)
            try Self.put(1, in: &snapshots)
            #expect(try asAnotherUser { try Self.refusal(directory) } == .exposed)
            // Nor is a file in one's own folder.
            #expect(throws: StorageError.exposed) { try asAnotherUser { try snapshots.open() } }
            #expect(try Self.generation(directory) == 1)
        }
    }

    /// A link that waits where the next file is to be made is taken away, and what it leads to is left alone.
    @Test func theNextFileIsMadeInPlaceOfALink() throws {
        try withTemporaryDirectory { directory in
            var snapshots = try Self.opened(directory)
            let other = directory.appending(path: "other")
            try Data("mine".utf8).write(to: other)
            try FileManager.default.createSymbolicLink(
                at: directory.appending(path: "store/identity.new"), withDestinationURL: other)
            try Self.put(1, in: &snapshots)
            #expect(try Data(contentsOf: other) == Data("mine".utf8))
            #expect(try Self.generation(directory) == 1)
        }
    }
}

/// The folder's two files, without what keeps snapshots in them.
@Suite struct IdentityFileTests {
    private func withFolder(_ body: (inout IdentityFolder, URL) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let outside = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            defer { close(outside) }
            var folder = try IdentityFolder.open(in: Descriptor(outside))
            try body(&folder, directory.appending(path: "store"))
        }
    }

    /// What is read of a file; nil when it does not have as much.
    private func bytes(
        _ count: Int, _ read: (inout MutableSpan<UInt8>) throws(StorageError) -> Void
    ) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        do throws(StorageError) {
            var buffer = bytes.mutableSpan
            try read(&buffer)
            return bytes
        } catch {
            guard error == .outOfRange else { throw error }
            return nil
        }
    }

    private static let content: [UInt8] = Array(1...10)
    private static let places: [(offset: Int, count: Int, isThere: Bool)] = [
        (0, 10, true), (3, 7, true), (9, 1, true), (10, 0, true), (0, 11, false), (1, 10, false), (10, 1, false),
        (11, 0, false), (-1, 1, false), (.max, 1, false), (.min, 10, false),
    ]

    /// In the new file, in the same one under its name, and in one that was opened.
    @Test func onlyWhatAFileHasIsRead() throws {
        try withFolder { folder, store in
            try folder.create()
            try folder.write(Self.content.span.extracting(first: 4))
            try folder.write(Self.content.span.extracting(droppingFirst: 4))
            func expected(_ place: (offset: Int, count: Int, isThere: Bool)) -> [UInt8]? {
                place.isThere ? Array(Self.content[place.offset..<(place.offset + place.count)]) : nil
            }
            for place in Self.places {
                let found = try bytes(place.count) { (buffer) throws(StorageError) in
                    try folder.readNew(at: place.offset, into: &buffer)
                }
                #expect(found == expected(place), "\(place)")
            }
            try folder.rename()
            for isOpened in [false, true] {
                if isOpened { #expect(try folder.open() == 10) } else { folder.adopt() }
                for place in Self.places {
                    let found = try bytes(place.count) { (buffer) throws(StorageError) in
                        try folder.read(at: place.offset, into: &buffer)
                    }
                    #expect(found == expected(place), "\(place)")
                }
            }
            #expect(try Data(contentsOf: store.appending(path: "identity")) == Data(Self.content))
            let attributes = try FileManager.default.attributesOfItem(atPath: store.path + "/identity")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let ofFolder = try FileManager.default.attributesOfItem(atPath: store.path)
            #expect(ofFolder[.posixPermissions] as? Int == 0o700)
        }
    }

    /// Before a file is opened or made, after it has gone, and after it was handed over.
    @Test func whatIsNotOpenIsNotUsed() throws {
        try withFolder { folder, store in
            func areUnusable(_ folder: inout IdentityFolder, new: Bool, opened: Bool) throws {
                if new {
                    #expect(throws: StorageError.outOfRange) { try folder.write(Self.content.span) }
                    #expect(throws: StorageError.outOfRange) { try folder.sync() }
                    #expect(
                        try bytes(0) { (buffer) throws(StorageError) in try folder.readNew(at: 0, into: &buffer) }
                            == nil)
                }
                if opened {
                    #expect(
                        try bytes(0) { (buffer) throws(StorageError) in try folder.read(at: 0, into: &buffer) } == nil)
                }
            }
            try areUnusable(&folder, new: true, opened: true)
            #expect(try folder.open() == nil)
            #expect(throws: StorageError.failed) { try folder.rename() }
            try folder.create()
            try folder.write(Self.content.span)
            try folder.sync()
            try areUnusable(&folder, new: false, opened: true)
            try folder.rename()
            folder.adopt()
            try areUnusable(&folder, new: true, opened: false)
            // One that is made anew is empty.
            try folder.create()
            #expect(try bytes(1) { (buffer) throws(StorageError) in try folder.readNew(at: 0, into: &buffer) } == nil)
            try FileManager.default.removeItem(at: store.appending(path: "identity"))
            #expect(try folder.open() == nil)
            try areUnusable(&folder, new: false, opened: true)
            // Nor does one stay that another should have taken the place of.
            try FileManager.default.removeItem(at: store.appending(path: "identity.new"))
            try FileManager.default.createDirectory(
                at: store.appending(path: "identity.new"), withIntermediateDirectories: false)
            #expect(throws: StorageError.failed) { try folder.create() }
            try areUnusable(&folder, new: true, opened: true)
        }
    }

    /// What a power cut left of the next file is taken away; what the system said before is no word on that.
    @Test(arguments: [0, EIO, ENOENT]) func aNewFileTakesThePlaceOfALeftover(said: Int32) throws {
        try withFolder { folder, store in
            for _ in 0..<2 {
                _ = try store.write([9, 9], to: "identity.new")
                errno = said
                try folder.create()
                try folder.write(Self.content.span)
                #expect(try Data(contentsOf: store.appending(path: "identity.new")) == Data(Self.content))
            }
        }
    }

    /// Whatever was read of the one before.
    @Test func whatIsRefusedIsNotRead() throws {
        try withFolder { folder, store in
            let file = store.appending(path: "identity").path
            for isFirst in [true, false] {
                #expect(FileManager.default.createFile(atPath: file, contents: Data(Self.content)))
                chmod(file, 0o600)
                if !isFirst { #expect(try folder.open() == 10) }
                chmod(file, 0o644)
                #expect(throws: StorageError.exposed) { try folder.open() }
                let byte = try bytes(1) { (buffer) throws(StorageError) in try folder.read(at: 0, into: &buffer) }
                #expect(byte == nil)
            }
        }
    }

    /// However often the files change, no more are open than those in use.
    @Test func noFileStaysOpen() throws {
        try withFolder { folder, store in
            func openFiles() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
                    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
                    return target?.hasPrefix(store.path) == true
                }
            }
            #expect(try openFiles() == 1, "the folder")
            for _ in 0..<3 {
                try folder.create()
                try folder.create()
                try folder.write(Self.content.span)
                try folder.rename()
                folder.adopt()
                #expect(try openFiles() == 2)
                #expect(try folder.open() == 10)
                #expect(try openFiles() == 2)
            }
        }
    }

    /// Where the folder cannot be made there is none.
    @Test func aFolderThatCannotBeMadeIsTold() throws {
        try withTemporaryDirectory { directory in
            _ = try directory.write([1], to: "store")
            let outside = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            defer { close(outside) }
            let error: StorageError?
            do throws(StorageError) {
                _ = try IdentityFolder.open(in: Descriptor(outside))
                error = nil
            } catch let thrown {
                error = thrown
            }
            #expect(error == .failed)
        }
    }
}
