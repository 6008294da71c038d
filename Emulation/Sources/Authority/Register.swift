import Foundation
import LibCrypto

/// The changes to a database, in their order, in a file.
///
/// The first line is ``heading``. Every other line is what was written at once: the first eight bytes of the SHA-256 of
/// the rest, hexadecimal, a space, and a JSON array of changes. A line is on disk before the next one is begun and before
/// anything that it holds is answered, so that a power cut tears none but the last, which then is dropped.
final class Register: Sendable {
    private struct Queue {
        var waiting: [Database.Change] = []
        /// How often changes were entered, and how many of those times are on disk.
        var entered = 0
        var written = 0
        var isWriting = false
        var failure: (any Error)?
    }

    /// With the number of the format.
    private static let heading = "scep-authority register 1\n"

    private let path: String
    private let descriptor: Int32
    private let condition = NSCondition()
    private nonisolated(unsafe) var queue = Queue()

    /// Opens a register, or begins one. Nobody else may have it open.
    init(_ file: URL) throws {
        path = file.path
        if !FileManager.default.fileExists(atPath: path) {
            // It holds passwords.
            try Disk.replace(file, with: [UInt8](Self.heading.utf8), mode: 0o600)
        }
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw Disk.failure("write", path) }
    }

    deinit { close(descriptor) }

    /// Enters changes, which come to disk together or not at all. The caller holds the lock under which they were made,
    /// so that their order is that in which they were made.
    func enter(_ changes: [Database.Change]) {
        guard !changes.isEmpty else { return }
        condition.withLock {
            queue.waiting += changes
            queue.entered += 1
        }
    }

    /// Returns when all that was entered before is on disk.
    ///
    /// Whoever comes first writes for all who wait. After a failure nothing is written any more: what there is on a disk
    /// that reported one cannot be known.
    func synchronize() throws {
        condition.lock()
        defer { condition.unlock() }
        let wanted = queue.entered
        while queue.written < wanted {
            if let failure = queue.failure { throw failure }
            guard !queue.isWriting else {
                condition.wait()
                continue
            }
            let (changes, count) = (queue.waiting, queue.entered)
            queue.waiting = []
            queue.isWriting = true
            condition.unlock()
            let result = Result { try write(changes) }
            condition.lock()
            queue.isWriting = false
            switch result {
            case .success: queue.written = count
            case .failure(let error): queue.failure = error
            }
            condition.broadcast()
        }
    }

    private func write(_ changes: [Database.Change]) throws {
        let text = [UInt8](try JSONEncoder().encode(changes))
        try Disk.append(try Self.checksum(text) + [UInt8(ascii: " ")] + text + [10], to: descriptor, path)
    }

    private static func checksum(_ text: [UInt8]) throws -> [UInt8] {
        [UInt8]([UInt8](try Digest.sha256.hash(text).prefix(8)).hexadecimal.utf8)
    }

    /// What all changes of the file led to. It comes before any other is entered.
    func read() throws -> Database {
        // Mapped, since it may be big and is read once.
        let file = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        let heading = Data(Self.heading.utf8)
        guard file.starts(with: heading) else {
            throw CAConfigurationError("\(path) is no register, or that of another version of this program")
        }
        var database = Database()
        var start = heading.count
        while start < file.count {
            let end = file.withUnsafeBytes { bytes in
                bytes.baseAddress.flatMap { base in
                    memchr(base + start, 10, bytes.count - start).map { UnsafeRawPointer($0) - base }
                }
            }
            guard let end, let changes = try changes([UInt8](file[start..<end])) else {
                let isLast = end.map { $0 + 1 == file.count } ?? true
                guard isLast else {
                    throw CAConfigurationError(
                        "\(path) is damaged at byte \(start): put a copy of the folder back, or remove it")
                }
                // Nobody was answered by what it holds.
                guard ftruncate(descriptor, off_t(start)) == 0, fsync(descriptor) == 0 else {
                    throw Disk.failure("write", path)
                }
                break
            }
            for change in changes { database.apply(change) }
            start = end + 1
        }
        return database
    }

    /// The changes of a line, or nil when it is damaged.
    private func changes(_ line: [UInt8]) throws -> [Database.Change]? {
        guard line.count > 17 else { return nil }
        let text = [UInt8](line[17...])
        guard try line[..<17] == Self.checksum(text) + [UInt8(ascii: " ")] else { return nil }
        do {
            return try JSONDecoder().decode([Database.Change].self, from: Data(text))
        } catch {
            throw CAConfigurationError("\(path) has an entry that this version of the program does not know")
        }
    }
}
