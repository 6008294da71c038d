import Board
import CLinux
import Foundation
import LinuxBoard
import TestSupport
import Testing

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
            // One that is there keeps its own.
            madeFolder(folder, mode: 0o700)?.close()
            for path in [file, folder] {
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
}
