import Foundation
import Synchronization

/// A disk that loses what was not synced: what is left of a folder when power fails now. Of a file it keeps the bytes
/// that it had at its last fsync, of a folder the names that it had at its own, and what links among them lead to; a file
/// or a folder that was never synced is empty.
///
/// `fsync` of this process is replaced to that end, for all folders that are not watched by the one of the C library.
public final class LossyDisk: Sendable {
    private struct Entry {
        let name: String
        let number: UInt64
        /// What it leads to, if it is a link.
        let target: String?
    }

    private struct Synced {
        var bytes: [UInt8] = []
        var entries: [Entry] = []
        var isFolder: Bool
        var mode: mode_t
        /// Kept open, so that its number is given to no other file.
        let descriptor: Int32
    }

    private let root: String
    private let rootNumber: UInt64
    /// What was safe at first, and after each sync.
    private let history = Mutex<[[UInt64: Synced]]>([[:]])

    /// - Parameter root: a folder, which is safe with what is in it now.
    public init(_ root: URL) throws {
        guard let path = realpath(root.path, nil) else { throw CocoaError(.fileNoSuchFile) }
        self.root = String(cString: path)
        free(path)
        var status = stat()
        stat(self.root, &status)
        rootNumber = UInt64(status.st_ino)
        Self.watched.withLock { $0.append(Watch(disk: self)) }
    }

    deinit {
        history.withLock { for file in ($0.last ?? [:]).values { close(file.descriptor) } }
        Self.watched.withLock { $0.removeAll { $0.disk == nil } }
    }

    /// How often something was synced.
    public var syncCount: Int { history.withLock { $0.count - 1 } }

    /// Writes what is left to a folder elsewhere.
    ///
    /// - Parameter syncs: after how many syncs power failed; nil for all.
    public func afterPowerCut(in folder: URL, after syncs: Int? = nil) throws {
        let known = history.withLock { $0[syncs ?? $0.count - 1] }
        try restore(rootNumber, known, at: folder)
    }

    private func restore(_ number: UInt64, _ known: [UInt64: Synced], at url: URL) throws {
        for entry in known[number]?.entries ?? [] {
            let place = url.appending(path: entry.name)
            if let target = entry.target {
                try FileManager.default.createSymbolicLink(atPath: place.path, withDestinationPath: target)
                continue
            }
            guard let file = known[entry.number] else {
                // Its name alone is there.
                try Data().write(to: place)
                chmod(place.path, 0o600)
                continue
            }
            if file.isFolder {
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
                try restore(entry.number, known, at: place)
            } else {
                try Data(file.bytes).write(to: place)
            }
            chmod(place.path, file.mode & 0o7777)
        }
    }

    // MARK: What is synced

    private struct Watch {
        weak var disk: LossyDisk?
    }

    private static let watched = Mutex<[Watch]>([])

    fileprivate static func note(_ descriptor: Int32) {
        let disks = watched.withLock { $0.compactMap(\.disk) }
        guard !disks.isEmpty else { return }
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/fd/\(descriptor)", &path, path.count)
        let name = String(decoding: path[..<max(count, 0)], as: UTF8.self)
        for disk in disks where name == disk.root || name.hasPrefix(disk.root + "/") { disk.keep(descriptor) }
    }

    private func keep(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let reading = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC)
        guard reading >= 0 else { return }
        let number = UInt64(status.st_ino)
        history.withLock { history in
            var known = history.last ?? [:]
            var file = known[number] ?? Synced(isFolder: isFolder, mode: 0, descriptor: reading)
            if file.descriptor != reading { close(reading) }
            file.mode = status.st_mode
            if isFolder {
                file.entries = Self.entries(descriptor)
            } else {
                file.bytes = [UInt8](repeating: 0, count: Int(status.st_size))
                pread(file.descriptor, &file.bytes, file.bytes.count, 0)
            }
            known[number] = file
            history.append(known)
        }
    }

    private static func entries(_ descriptor: Int32) -> [Entry] {
        let path = "/proc/self/fd/\(descriptor)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.compactMap { name in
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { return nil }
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(name)")
            return Entry(name: name, number: UInt64(status.st_ino), target: target)
        }
    }
}

private typealias Sync = @convention(c) (Int32) -> Int32

private let systemSync = unsafeBitCast(dlsym(UnsafeMutableRawPointer(bitPattern: -1), "fsync"), to: Sync?.self)

/// Takes the place of the C library's in this process.
@_cdecl("fsync") public func watchedSync(_ descriptor: Int32) -> Int32 {
    if case .fails(let number) = nextOutcome(of: .fsync) { return Int32(failing(number)) }
    LossyDisk.note(descriptor)
    return systemSync?(descriptor) ?? -1
}

private typealias User = @convention(c) () -> uid_t

private let systemUser = unsafeBitCast(dlsym(UnsafeMutableRawPointer(bitPattern: -1), "geteuid"), to: User?.self)

/// On each thread, whom ``asAnotherUser(_:)`` has it be.
private let pretended = Mutex<[pthread_t: uid_t]>([:])

/// Takes the place of the C library's in this process.
@_cdecl("geteuid") public func pretendedUser() -> uid_t {
    pretended.withLock { $0[pthread_self()] } ?? systemUser?() ?? uid_t.max
}

/// Calls `body` as a user that all that is there does not belong to.
public func asAnotherUser<Result>(_ body: () throws -> Result) rethrows -> Result {
    let user = pretendedUser() &+ 1
    pretended.withLock { $0[pthread_self()] = user }
    defer { pretended.withLock { $0[pthread_self()] = nil } }
    return try body()
}
