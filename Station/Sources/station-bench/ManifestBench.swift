import ArgumentParser
import Foundation

/// What it takes to check a large manifest.
struct ManifestBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest", abstract: "Check a large manifest by scep-station, and tell time and memory.")

    @Option var rows = 100_000

    func run() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "station-bench-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let profile = """
            url = http://ca.example/scep
            fingerprint = \(String(repeating: "ab", count: 32))
            subject = CN={serial},O=Example
            san = DNS:{serial}.example
            key = p256
            challenge-use = always
            """
        try BenchFile.write(profile, to: folder.appending(path: "p.conf"))
        let lines = (0..<rows).map { "SN-\($0),password of device \($0),L\($0),lot 42\n" }
        try BenchFile.write("serial,challenge,label,x-lot\n" + lines.joined(), to: folder.appending(path: "m.csv"))
        var usage = rusage()
        let start = ProcessInfo.processInfo.systemUptime
        let process = try BenchProgram.start(
            "scep-station",
            ["check", folder.appending(path: "m.csv").path, "--profile", folder.appending(path: "p.conf").path])
        process.waitUntilExit()
        let wall = ProcessInfo.processInfo.systemUptime - start
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        let cpu = Usage.seconds(usage.ru_utime) + Usage.seconds(usage.ru_stime)
        print(
            "manifest: \(rows) rows checked in \(String(format: "%.2f", cpu)) s of processor time, "
                + "\(String(format: "%.2f", wall)) s in all, \(usage.ru_maxrss / 1024) MiB of memory at most")
        guard process.terminationStatus == 0 else { throw ExitCode.failure }
    }
}

enum BenchFile {
    static func write(_ text: String, to file: URL) throws {
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }
}

enum BenchProgram {
    /// Starts a program that was built beside this one; nobody reads what it says.
    static func start(_ name: String, _ arguments: [String], in folder: URL? = nil) throws -> Process {
        let process = Process()
        let own = folder ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = own.appending(path: name)
        process.arguments = arguments
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        return process
    }
}
