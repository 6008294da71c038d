import CLinux
import Foundation
import LinuxBoard

/// Where a station keeps what it makes for devices until it is delivered: one folder a device, which nobody else may enter.
///
/// It holds private keys. What is wiped is overwritten first, which a file system that copies on write, or a disk that moves its
/// sectors, may undo: an encrypted disk is what protects against who takes the disk.
public struct WorkFolder: Sendable {
    public let url: URL

    /// - Parameter url: is made if it is not there.
    /// - Throws: what is wrong with it: others may enter it, it is no folder.
    public init(_ url: URL) throws {
        self.url = url
        try FileManager.default.createDirectory(
            at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var status = stat()
        guard stat(url.path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else { throw WorkFolderError.exposed(url.path) }
    }

    /// A device's folder.
    public func folder(of serial: String) -> URL {
        url.appending(path: fileName(serial))
    }

    /// Opens a device's folder; makes it if it is not there.
    func open(_ serial: String) throws -> Descriptor {
        let path = folder(of: serial).path
        guard let folder = Descriptor(makingFolder: (path + "\0").utf8Array.span, mode: 0o700) else {
            throw WorkFolderError(path, errno)
        }
        return folder
    }

    /// The device's one-time password: as it was fetched before, so that a request can be made again; or else fetched now, and kept
    /// until the device's folder is wiped.
    public func challenge(of serial: String, fetch: () throws -> String) throws -> String {
        let folder = try open(serial)
        defer { folder.close() }
        let file = self.folder(of: serial).appending(path: "challenge")
        if let kept = try? Data(contentsOf: file), !kept.isEmpty { return String(decoding: kept, as: UTF8.self) }
        let challenge = try fetch()
        let new = file.appendingPathExtension("new")
        try? FileManager.default.removeItem(at: new)
        try writePrivately([UInt8](challenge.utf8), to: new)
        guard rename(new.path, file.path) == 0 else {
            throw WorkFolderError(file.path, errno)
        }
        try folder.sync()
        return challenge
    }

    /// Overwrites and removes all that was kept of a device.
    public func wipe(_ serial: String) throws {
        let folder = folder(of: serial)
        guard FileManager.default.fileExists(atPath: folder.path) else { return }
        try wipeFiles(below: folder)
        try FileManager.default.removeItem(at: folder)
    }
}

/// Makes a file that its owner alone may read, and syncs it.
func writePrivately(_ content: [UInt8], to file: URL) throws(WorkFolderError) {
    let descriptor = Glibc.open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw WorkFolderError(file.path, errno) }
    defer { _ = Glibc.close(descriptor) }
    var rest = content[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 || errno == EINTR else { throw WorkFolderError(file.path, errno) }
        rest = rest.dropFirst(max(count, 0))
    }
    guard fsync(descriptor) == 0 else { throw WorkFolderError(file.path, errno) }
}

/// Overwrites each file below a folder with zeros, on the disk.
func wipeFiles(below folder: URL) throws {
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
    while let file = files?.nextObject() as? URL {
        guard try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { continue }
        let handle = try FileHandle(forWritingTo: file)
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: 0)
        try handle.write(contentsOf: Data(count: Int(size)))
        try handle.synchronize()
        try handle.close()
    }
}

public enum WorkFolderError: Error, Equatable, CustomStringConvertible {
    case exposed(String)
    case notMade(String, String)
    case full(String)

    /// - Parameter error: errno. EFBIG is what a process may write into one file (RLIMIT_FSIZE).
    init(_ path: String, _ error: Int32) {
        self =
            error == ENOSPC || error == EDQUOT || error == EFBIG
            ? .full(path) : .notMade(path, String(cString: strerror(error)))
    }

    public var description: String {
        switch self {
        case .exposed(let path):
            "\(path) has to be a folder of this user's that nobody else may enter: chmod 700; private keys pass through it"
        case .full(let path): "\(path): the disk is full; nothing was lost: make space, and start it again"
        case .notMade(let path, let reason): "\(path) cannot be made: \(reason)"
        }
    }
}

extension String {
    var utf8Array: [UInt8] { [UInt8](utf8) }
}
