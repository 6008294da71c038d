import ArgumentParser
import Foundation

/// How much of a line's time is the station's, and how much the CA's.
struct LineBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "line",
        abstract:
            "Make P-256 devices by scep-station at the embedded authority, and tell whose processor time that was.")

    @Option var devices = 1_000
    @Option(help: "Where scep-authority is, built for release.") var authority = "Emulation/.build/release"
    @Option var jobs = 8

    func run() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "station-bench-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        let ca = Process()
        ca.executableURL = URL(fileURLWithPath: authority).appending(path: "scep-authority")
        ca.arguments = ["serve", "--challenge", "line", "--directory", folder.appending(path: "ca").path]
        let output = Pipe()
        ca.standardOutput = output
        try ca.run()
        defer {
            ca.terminate()
            ca.waitUntilExit()
        }
        let (url, fingerprint) = try Self.address(output)
        // What it says from here on is read by nobody else, and must not fill the pipe.
        output.fileHandleForReading.readabilityHandler = { _ = $0.availableData }
        let profile = """
            url = \(url)
            fingerprint = \(fingerprint)
            subject = CN={serial}
            key = p256
            key-origin = station
            challenge = line
            challenge-use = always
            """
        try BenchFile.write(profile, to: folder.appending(path: "p.conf"))
        try BenchFile.write(
            "serial\n" + (0..<devices).map { "B-\($0)\n" }.joined(), to: folder.appending(path: "m.csv"))
        let before = Usage.of(process: ca.processIdentifier)
        let start = ProcessInfo.processInfo.systemUptime
        let station = try BenchProgram.start(
            "scep-station",
            [
                "run", folder.appending(path: "m.csv").path, "--profile", folder.appending(path: "p.conf").path,
                "--state",
                folder.appending(path: "station").path, "--jobs", "\(jobs)",
            ])
        station.waitUntilExit()
        let wall = ProcessInfo.processInfo.systemUptime - start
        let theirs = Usage.of(process: ca.processIdentifier) - before
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        let ours = Usage.seconds(usage.ru_utime) + Usage.seconds(usage.ru_stime)
        print(
            String(
                format:
                    "line: %d devices in %.1f s, %.0f a second; processor time: station %.2f s, CA %.2f s: the station's part is %.0f %%",
                devices, wall, Double(devices) / wall, ours, theirs, 100 * ours / (ours + theirs)))
        guard station.terminationStatus == 0 else { throw ExitCode.failure }
    }

    /// Reads URL and fingerprint off what the authority says at its start.
    private static func address(_ output: Pipe) throws -> (url: String, fingerprint: String) {
        var text = ""
        while !text.contains("SHA-256") || !text.hasSuffix("\n") {
            let part = output.fileHandleForReading.availableData
            guard !part.isEmpty else { throw ValidationError("the authority did not start: \(text)") }
            text += String(decoding: part, as: UTF8.self)
        }
        func word(after name: String) -> String {
            text.split(separator: "\n").first { $0.contains(name) }?.split(separator: " ").last.map(String.init) ?? ""
        }
        return (word(after: "URL"), word(after: "SHA-256"))
    }
}
