import Board
import CLinux
import Foundation
import TestSupport
import Testing

@testable import LinuxBoard

@Suite struct DescriptorTests {
    private func opened(
        _ path: String, _ flags: Int32, mode: mode_t = 0, followsLinks: Bool = false
    ) -> Descriptor? {
        let path = Array(path.utf8) + [0]
        return Descriptor(path: path.span, flags, mode: mode, followsLinks: followsLinks)
    }

    private func madeFolder(_ path: String, mode: mode_t) -> Descriptor? {
        let path = Array(path.utf8) + [0]
        return Descriptor(makingFolder: path.span, mode: mode)
    }

    private func write(_ bytes: [UInt8], at offset: Int, to file: Descriptor) throws {
        try file.write(at: offset, bytes.span)
    }

    private func read(_ count: Int, at offset: Int, of file: Descriptor) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var buffer = bytes.mutableSpan
        try file.read(at: offset, into: &buffer)
        return bytes
    }

    @Test func aLinkIsFollowedOnlyWhereThatIsAsked() throws {
        try withTemporaryDirectory { directory in
            let link = directory.appending(path: "link").path
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: directory.write([1], to: "file"))
            let refused = opened(link, O_RDONLY)
            #expect(refused == nil && errno == ELOOP)
            let file = try #require(opened(link, O_RDONLY, followsLinks: true))
            #expect(file.size(upTo: 1) == 1)
            file.close()
        }
    }

    /// What the kernel has of each (proc_pid_fdinfo(5)).
    @Test func noOtherProgramInheritsOne() throws {
        try withTemporaryDirectory { directory in
            let file = try #require(opened(directory.path + "/file", O_RDWR | O_CREAT, mode: 0o600))
            let copy = try #require(Descriptor(duplicating: file.number))
            let folder = try #require(madeFolder(directory.path + "/folder", mode: 0o700))
            let outside = try #require(opened(directory.path, O_RDONLY | O_DIRECTORY))
            let named = try #require(Descriptor("folder", in: outside.number, O_RDONLY))
            for descriptor in [file, copy, folder, outside, named] {
                let info = try String(contentsOfFile: "/proc/self/fdinfo/\(descriptor.number)", encoding: .utf8)
                let flags = try #require(info.split(separator: "\n").first { $0.hasPrefix("flags:") })
                let value = try #require(Int32(flags.split(separator: "\t")[1], radix: 8))
                #expect(value & O_CLOEXEC != 0)
                descriptor.close()
            }
        }
    }

    /// Modes, also those that this process's umask takes away.
    @Test(arguments: [0o600, 0o640, 0o666, 0o777]) func whatIsMadeHasItsMode(mode: Int) throws {
        try withTemporaryDirectory { directory in
            func found(_ path: String) throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            }
            let (file, folder) = (directory.path + "/file", directory.path + "/folder")
            opened(file, O_RDWR | O_CREAT, mode: mode_t(mode))?.close()
            madeFolder(folder, mode: mode_t(mode))?.close()
            let outside = try #require(opened(directory.path, O_RDONLY | O_DIRECTORY))
            defer { outside.close() }
            Descriptor("named", in: outside.number, O_RDWR | O_CREAT, mode: mode_t(mode))?.close()
            // What is there keeps its own.
            madeFolder(folder, mode: 0o700)?.close()
            opened(file, O_RDONLY)?.close()
            Descriptor("named", in: outside.number, O_RDONLY)?.close()
            for path in [file, folder, directory.path + "/named"] {
                let found = try found(path)
                #expect(found == mode)
            }
        }
    }

    @Test func aFileThatEndsTooSoonIsNoneThatWasRead() throws {
        try withTemporaryDirectory { directory in
            let path = try directory.write([1, 2, 3], to: "file")
            let file = try #require(opened(path, O_RDWR))
            defer { file.close() }
            #expect(try read(3, at: 0, of: file) == [1, 2, 3])
            #expect(throws: StorageError.failed) { try read(3, at: 1, of: file) }
            #expect(throws: StorageError.failed) { try read(1, at: 3, of: file) }
            try write([4, 5], at: 2, to: file)
            #expect(try read(3, at: 1, of: file) == [2, 4, 5])
            for (limit, size) in [(3, nil), (4, 4), (5, 4)] as [(Int, Int?)] { #expect(file.size(upTo: limit) == size) }
            let empty = try #require(opened(directory.write([], to: "empty"), O_RDONLY))
            defer { empty.close() }
            for limit in 0...1 { #expect(empty.size(upTo: limit) == 0) }
        }
    }

    /// A disk that is full (full(4)), and a file that is open for reading alone.
    @Test(arguments: [("/dev/full", O_WRONLY, StorageError.full), ("/dev/null", O_RDONLY, .failed)])
    func aDiskThatDoesNotTakeItSaysWhy(path: String, flags: Int32, error: StorageError) throws {
        let file = try #require(opened(path, flags))
        defer { file.close() }
        #expect(throws: error) { try write([1], at: 0, to: file) }
    }

    /// What cannot be made safe is not said to be: a pipe has no disk (fsync(2), EINVAL).
    @Test func whatCannotBeSyncedSaysSo() throws {
        var ends: [Int32] = [-1, -1]
        #expect(linux_pipe(&ends) == 0)
        #expect(throws: StorageError.failed) { try Descriptor(ends[1]).sync() }
        for end in ends { close(end) }
    }

    /// What is not there, and what is something else.
    @Test func whatCannotBeOpenedIsNone() throws {
        try withTemporaryDirectory { directory in
            let file = try directory.write([1], to: "file")
            let outside = try #require(opened(directory.path, O_RDONLY | O_DIRECTORY))
            defer { outside.close() }
            #expect(Descriptor(duplicating: -1) == nil)
            #expect(Descriptor("other", in: outside.number, O_RDONLY) == nil && errno == ENOENT)
            #expect(opened(directory.path + "/other", O_RDONLY) == nil && errno == ENOENT)
            #expect(madeFolder(file, mode: 0o700) == nil && errno == ENOTDIR)
            #expect(madeFolder(directory.path + "/other/folder", mode: 0o700) == nil && errno == ENOENT)
            // A folder that is there, and is behind a link.
            let link = directory.path + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory.path)
            #expect(madeFolder(link, mode: 0o700) == nil)
        }
    }

    /// Others have the same open file: what one writes the other reads, until each is closed.
    @Test func aDuplicateLivesOnItsOwn() throws {
        try withTemporaryDirectory { directory in
            let file = try #require(opened(directory.write([1, 2], to: "file"), O_RDWR))
            let copy = try #require(Descriptor(duplicating: file.number))
            #expect(copy.number != file.number && copy.number > STDERR_FILENO)
            let number = file.status?.st_ino
            file.close()
            #expect(try read(2, at: 0, of: copy) == [1, 2])
            #expect(copy.status?.st_ino == number && number != nil)
            copy.close()
        }
    }

    /// Its number is none of the standard ones, also where those are free.
    @Test func aDuplicateIsNoStandardFile() throws {
        let child = try Child {
            close(STDIN_FILENO)
            close(STDERR_FILENO)
            guard let copy = Descriptor(duplicating: STDOUT_FILENO) else { return 0 }
            // Tests beside this one may have hundreds of files open.
            return UInt8(clamping: copy.number)
        }
        child.end()
        #expect(child.result > STDERR_FILENO)
    }

    /// A program that was started without a standard input has its number to give.
    @Test func aFileMayHaveAnyNumber() throws {
        try withTemporaryDirectory { directory in
            let path = try Array(directory.write([1], to: "file").utf8) + [0]
            let outside = try #require(opened(directory.path, O_RDONLY | O_DIRECTORY))
            defer { outside.close() }
            let child = try Child {
                close(STDIN_FILENO)
                guard let file = Descriptor(path: path.span, O_RDONLY) else { return 1 }
                file.close()
                guard let named = Descriptor("file", in: outside.number, O_RDONLY) else { return 2 }
                return file.number == STDIN_FILENO && named.number == STDIN_FILENO ? 0 : 3
            }
            child.end()
            #expect(child.result == 0)
        }
    }

    /// Why a folder cannot be made, not that it is not there.
    @Test func whereNoFolderMayBeMadeItSaysWhy() throws {
        try withTemporaryDirectory { directory in
            #expect(chmod(directory.path, 0o555) == 0)
            let path = Array((directory.path + "/folder").utf8) + [0]
            let child = try Child {
                // Whom the mode is for.
                if geteuid() == 0, setuid(65_534) != 0 { return 1 }
                return Descriptor(makingFolder: path.span, mode: 0o700) == nil && errno == EACCES ? 0 : 2
            }
            child.end()
            #expect(child.result == 0)
        }
    }

    @Test func whatIsClosedHasNoStatus() {
        let none = Descriptor(-1)
        #expect(none.status == nil && none.size(upTo: 100) == nil)
        #expect(throws: StorageError.failed) { try none.sync() }
        #expect(throws: StorageError.failed) { try read(1, at: 0, of: none) }
    }

    /// The kernel gives no more than some pages of such a file at a time (proc(5)).
    @Test func whatComesInPiecesIsReadWhole() throws {
        let child = try Child { 0 }
        defer { child.end() }
        let file = try #require(opened("/proc/\(child.process)/maps", O_RDONLY))
        defer { file.close() }
        var maps: [UInt8] = []
        var some = [UInt8](repeating: 0, count: 4096)
        var count = 0
        repeat {
            maps += some.prefix(count)
            count = Foundation.read(file.number, &some, some.count)
        } while count > 0
        try #require(maps.count > 2 * 4096)
        #expect(try read(maps.count, at: 0, of: file) == maps)
        #expect(try read(maps.count - 5000, at: 5000, of: file) == Array(maps.dropFirst(5000)))
        #expect(throws: StorageError.failed) { try read(maps.count + 1, at: 0, of: file) }
    }

    /// A file that may not grow takes a part (setrlimit(2), RLIMIT_FSIZE): what is left is written behind it, or not at all.
    @Test func whatIsWrittenInPartIsNotWritten() throws {
        try withTemporaryDirectory { directory in
            let file = try #require(opened(directory.write([UInt8](repeating: 7, count: 100), to: "file"), O_RDWR))
            defer { file.close() }
            let content = [UInt8](repeating: 8, count: 60)
            let child = try Child {
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit(rlim_cur: 110, rlim_max: 110)
                setrlimit(.init(RLIMIT_FSIZE.rawValue), &limit)
                do throws(StorageError) {
                    try file.write(at: 90, content.span)
                    return 1
                } catch {
                    return error == .failed ? 2 : 3
                }
            }
            child.end()
            #expect(child.result == 2)
            #expect(
                try read(110, at: 0, of: file)
                    == [UInt8](repeating: 7, count: 90) + [UInt8](repeating: 8, count: 20))
        }
    }

    @Test(arguments: [(ENOSPC, StorageError.full), (EDQUOT, .full), (EIO, .failed), (EROFS, .failed)])
    func whatTheSystemSaysHasAWord(number: Int32, error: StorageError) {
        errno = number
        #expect(Descriptor.failure == error)
    }
}
