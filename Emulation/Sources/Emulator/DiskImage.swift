import Foundation

/// An ext4 file system in a file, made and read with e2fsprogs: without root, and without the kernel of this machine.
public struct DiskImage: Sendable {
    public let file: URL

    public init(_ file: URL) { self.file = file }

    /// Makes it with what is in `contents`.
    ///
    /// - Parameter size: in MiB.
    public func make(from contents: URL, size: Int) async throws {
        try? FileManager.default.removeItem(at: file)
        // No tables to be written later, in the background.
        try await run(
            "mke2fs",
            [
                "-q", "-t", "ext4", "-b", "\(DiskLog.page)", "-E",
                "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0", "-d", contents.path,
            ]
                + [file.path, "\(size)M"])
    }

    /// Does what a kernel does when it mounts it: replays the journal.
    ///
    /// - Throws: when the file system is not sound then.
    public func recover() async throws {
        try await run("e2fsck", ["-p", file.path], good: [0, 1])
        try await run("e2fsck", ["-f", "-n", file.path])
    }

    /// Copies a folder of it, with all that is in it, into `target`.
    public func extract(_ path: String, into target: URL) async throws {
        try await run("debugfs", ["-R", "rdump \(path) \(target.path)", file.path])
    }

    private func run(_ name: String, _ arguments: [String], good: Set<Int> = [0]) async throws {
        let program = Program(
            executable: "/usr/sbin/\(name)", arguments: arguments, folder: file.deletingLastPathComponent(),
            origin: "apt-get install e2fsprogs")
        let run = try await program.run(timeLimit: .hang) { try await $0.end() }
        guard case .exited(let code) = run.ending, good.contains(code) else {
            throw DiskImageError(command: name, ending: run.ending, complaint: run.lines.map(\.text))
        }
    }
}

/// A program of e2fsprogs did not take what it was given.
public struct DiskImageError: Error, CustomStringConvertible {
    let command: String
    let ending: Ending
    let complaint: [String]
    public var description: String { "\(command), \(ending): \(complaint.suffix(12).joined(separator: "\n"))" }
}
