import Board
import CLinux
import LinuxBoard

/// A file with a secret: a key, a passphrase or a PIN.
public enum PrivateFile {
    /// Why it was not read.
    public enum Failure: Error, Equatable, Sendable {
        /// The system said no: an error number of errno(3).
        case system(Int32)
        /// Not a regular file.
        case notAFile
        /// Others than its owner may read or write it, or its owner is neither this user nor root: its mode.
        case exposed(mode: UInt32)
        case tooLarge
    }

    /// Bytes of a file at most.
    public static var greatestSize: Int { 65_536 }

    /// Reads all of a file. The caller wipes what comes out.
    ///
    /// - Parameter path: without a zero byte; a link is followed, and judged by what it leads to.
    public static func read(_ path: [UInt8]) throws(Failure) -> [UInt8] {
        guard let file = Descriptor(path: (path + [0]).span, O_RDONLY | O_NONBLOCK | O_NOCTTY, followsLinks: true)
        else {
            throw .system(linux_errno())
        }
        defer { file.close() }
        guard let status = file.status else { throw .system(linux_errno()) }
        guard Int32(status.st_mode) & S_IFMT == S_IFREG else { throw .notAFile }
        guard status.st_mode & 0o077 == 0, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .exposed(mode: UInt32(status.st_mode & 0o7777))
        }
        guard status.st_size <= off_t(greatestSize) else { throw .tooLarge }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        do throws(StorageError) {
            var room = bytes.mutableSpan
            try file.read(at: 0, into: &room)
        } catch {
            throw .system(linux_errno())
        }
        return bytes
    }

    /// Reads a passphrase or a PIN: the first line of a file, without its end.
    public static func readLine(_ path: [UInt8]) throws(Failure) -> [UInt8] {
        var bytes = try read(path)
        var end = 0
        while end < bytes.count, bytes[end] != 0x0A { end &+= 1 }
        if end > 0, bytes[end &- 1] == 0x0D { end &-= 1 }
        let line = [UInt8](bytes.span.extracting(first: end))
        bytes.wipe()
        return line
    }
}
