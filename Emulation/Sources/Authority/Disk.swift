import Foundation
import Glibc

/// Writing that has come to disk when it returns.
enum Disk {
    /// Writes all of `bytes` at the end of an open file.
    static func append(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw failure("write", path) }
            rest = rest.dropFirst(max(count, 0))
        }
        guard fdatasync(descriptor) == 0 else { throw failure("write", path) }
    }

    /// Makes a file, or puts another in its place: whoever looks sees the old one or the new one whole.
    static func replace(_ file: URL, with bytes: [UInt8], mode: mode_t = 0o644) throws {
        let new = file.appendingPathExtension("new")
        let descriptor = open(new.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("write", new.path) }
        defer { close(descriptor) }
        try append(bytes, to: descriptor, new.path)
        try move(new, to: file)
    }

    /// Gives a file or a folder, which is on disk, another name in the same folder.
    static func move(_ item: URL, to other: URL) throws {
        guard rename(item.path, other.path) == 0 else { throw failure("write", other.path) }
        try synchronize(folder: other.deletingLastPathComponent())
    }

    /// Brings the names in a folder to disk.
    static func synchronize(folder: URL) throws {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("read", folder.path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write", folder.path) }
    }

    /// What `errno` says.
    static func failure(_ action: String, _ path: String) -> CAConfigurationError {
        CAConfigurationError("cannot \(action) \(path): \(String(cString: strerror(errno)))")
    }
}
