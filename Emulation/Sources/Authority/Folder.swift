import Foundation
import Glibc
import Synchronization

/// Where an authority keeps what it has: `ca.pem`, `crl.der`, the register, and for each generation of the CA a folder
/// `ca-NUMBER` with its certificates and keys. One authority has it at a time.
final class Folder: Sendable {
    private let url: URL
    private let lock: Int32
    let register: Register
    /// Number of the CRL that is there.
    private let published = Mutex(0)

    init(_ url: URL) throws {
        self.url = url
        if !FileManager.default.fileExists(atPath: url.path) {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            try Disk.synchronize(folder: url.deletingLastPathComponent())
        }
        guard !FileManager.default.fileExists(atPath: url.appendingPathComponent("database.json").path) else {
            throw CAConfigurationError(
                "\(url.path) is that of an earlier version of this program, whose database.json is read no more: "
                    + "remove the folder to start afresh")
        }
        lock = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw Disk.failure("open", url.path) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw CAConfigurationError("\(url.path) is in use by another authority")
        }
        do {
            register = try Register(url.appendingPathComponent("register.log"))
        } catch {
            close(lock)
            throw error
        }
    }

    deinit {
        // A program that this process is just starting may have the descriptor for a moment longer.
        flock(lock, LOCK_UN)
        close(lock)
    }

    /// What was there when it was left.
    func load() throws -> Authority.State {
        let database = try register.read()
        var generations: [Hierarchy] = []
        while FileManager.default.fileExists(atPath: generation(generations.count).path) {
            generations.append(try Hierarchy(savedIn: generation(generations.count)))
        }
        guard database.current < generations.count || generations.isEmpty && database.isBlank else {
            let missing = generation(database.current).lastPathComponent
            throw CAConfigurationError(
                "\(url.path) lacks \(missing): put it back, or remove the folder to start afresh")
        }
        return Authority.State(database: database, generations: generations)
    }

    /// Keeps a new generation of the CA.
    func save(_ hierarchy: Hierarchy, generation index: Int) throws {
        let folder = generation(index)
        // What a power cut left half is in the way.
        let new = folder.appendingPathExtension("new")
        try? FileManager.default.removeItem(at: new)
        try hierarchy.save(in: new)
        try Disk.move(new, to: folder)
    }

    /// Puts the root that is in service where people look for it.
    func publish(root pem: [UInt8]) throws {
        try Disk.replace(url.appendingPathComponent("ca.pem"), with: pem)
    }

    /// Puts a CRL where people look for it, unless a later one is there.
    func publish(list der: [UInt8], number: Int) throws {
        try published.withLock { published in
            guard number > published else { return }
            try Disk.replace(url.appendingPathComponent("crl.der"), with: der)
            published = number
        }
    }

    private func generation(_ index: Int) -> URL {
        url.appendingPathComponent("ca-\(index + 1)")
    }
}
