import Foundation

/// A program that somebody named, with `{serial}` and the like in its arguments. No shell reads it: words are separated by blanks,
/// and what is put in stays one word, whatever is in it.
public struct CommandTemplate: Sendable, Equatable {
    private let words: [String]

    /// - Returns: nil for no words, or a program that is no absolute path: a search path is somebody else's to change.
    public init?(_ text: String) {
        words = text.split(separator: " ").map(String.init)
        guard let program = words.first, program.hasPrefix("/") else { return nil }
    }

    /// The program's path.
    public var program: String { words[0] }

    func arguments(_ values: [String: String]) -> [String] {
        words.map { Self.filled($0[...], values) }
    }

    /// In one go, so that nothing is put into what was put in.
    private static func filled(_ word: Substring, _ values: [String: String]) -> String {
        guard let start = word.firstIndex(of: "{"), let end = word[start...].firstIndex(of: "}") else {
            return String(word)
        }
        let name = String(word[word.index(after: start)..<end])
        guard let value = values[name] else {
            return String(word[...start]) + filled(word[word.index(after: start)...], values)
        }
        return word[..<start] + value + filled(word[word.index(after: end)...], values)
    }

    /// What a program wrote to its standard output.
    struct Result {
        let status: Int32
        var output: [UInt8]
        let isLate: Bool
    }

    /// Runs it to its end, or to the time limit, when it is killed.
    ///
    /// - Parameters:
    ///   - environment: beside what this program has, but secrets of the station's.
    ///   - limit: of what is read of its output, in bytes; it is ended beyond that.
    func run(
        _ values: [String: String], environment: [String: String] = [:], seconds: TimeInterval, limit: Int = 65_536
    ) throws -> Result {
        let process = Process()
        let arguments = arguments(values)
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
            .merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let late = Late()
        let timer = DispatchSource.makeTimerSource(queue: .global())
        let pid = process.processIdentifier
        timer.schedule(deadline: .now() + seconds)
        timer.setEventHandler {
            late.set()
            kill(pid, SIGKILL)
        }
        timer.resume()
        defer { timer.cancel() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(limit + 1)
        while bytes.count <= limit {
            let part = output.fileHandleForReading.availableData
            guard !part.isEmpty else { break }
            bytes += part
        }
        if bytes.count > limit { kill(pid, SIGKILL) }
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: bytes, isLate: late.isSet)
    }

    private final class Late: @unchecked Sendable {
        private let lock = NSLock()
        private var value = false
        func set() { lock.withLock { value = true } }
        var isSet: Bool { lock.withLock { value } }
    }
}
