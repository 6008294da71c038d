import Foundation
import Glibc
import Subprocess
import SystemPackage

/// A program of this machine, started, watched line by line and never left behind.
///
/// It runs in a process group of its own, which is killed when ``run(timeLimit:_:)`` returns or throws. Should this
/// process itself be killed, the kernel kills the program too: it is started through `setpriv --pdeathsig`, by a
/// thread of swift-subprocess that lives as long as this process does, which is what that signal is bound to.
public struct Program: Sendable {
    /// Absolute path.
    public var executable: String
    public var arguments: [String]
    /// Where it runs; exists already.
    public var folder: URL
    /// What mends a missing executable, for the error's text: `apt-get install qemu-system-arm`.
    public var origin: String
    /// Lines that say nothing, such as an emulator's own chatter; they are dropped.
    public var noise: Set<String> = []
    /// The most lines that are kept of what it writes; more ends the run.
    public var outputLimit = 20_000

    public init(executable: String, arguments: [String], folder: URL, origin: String) {
        self.executable = executable
        self.arguments = arguments
        self.folder = folder
        self.origin = origin
    }

    /// The name that people know it by.
    public var name: String { (executable as NSString).lastPathComponent }

    /// Starts the program, runs `body` beside it, and kills whatever is left of the program when `body` is through.
    ///
    /// - Parameter timeLimit: for `body`; beyond it, the run ends in ``ProgramError/timeLimit(program:limit:transcript:)``.
    public func run<Value: Sendable>(
        timeLimit: Duration,
        _ body: @escaping @Sendable (Running) async throws -> Value
    ) async throws -> Run<Value> {
        let supervisor = "/usr/bin/setpriv"
        guard FileManager.default.isExecutableFile(atPath: supervisor) else {
            throw ProgramError.missing(program: supervisor, origin: "Debian's package util-linux")
        }
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw ProgramError.missing(program: executable, origin: origin)
        }
        var platformOptions = PlatformOptions()
        platformOptions.processGroupID = 0
        platformOptions.teardownSequence = []

        let record = Transcript(limit: outputLimit)
        let begun = ContinuousClock.now
        let outcome = try await Subprocess.run(
            .path(FilePath(supervisor)),
            arguments: Arguments(["--pdeathsig", "KILL", "--", executable] + arguments),
            workingDirectory: FilePath(folder.path),
            platformOptions: platformOptions,
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution -> Result<Value, any Error> in
            let running = Running(
                program: name, transcript: record, group: execution.processIdentifier.value, begun: begun)
            let output = execution.standardOutput
            let reader = Task {
                var splitter = LineSplitter()
                do {
                    for try await chunk in output {
                        let bytes = chunk.withUnsafeBytes { [UInt8]($0) }
                        for text in splitter.push(bytes) where !noise.contains(text) {
                            if !record.append(text, at: ContinuousClock.now - begun) { running.kill() }
                        }
                    }
                } catch {
                    // A pipe that broke has no more to say: the same as its end.
                }
                if let rest = splitter.finish() { _ = record.append(rest, at: ContinuousClock.now - begun) }
                record.finish()
            }
            let result = await within(timeLimit, program: name, transcript: record) { try await body(running) }
            running.kill()
            await reader.value
            return result
        }
        return Run(
            value: try outcome.closureResult.get(), ending: Ending(outcome.terminationStatus), lines: record.lines,
            duration: ContinuousClock.now - begun)
    }
}

extension Duration {
    /// When a program that has no other limit has hung, on a machine that is busy with a dozen others.
    public static let hang = Duration.seconds(1200)
}

/// A program while it runs.
public struct Running: Sendable {
    let program: String
    let transcript: Transcript
    let group: pid_t
    let begun: ContinuousClock.Instant

    /// What it writes to standard output and standard error, each line once; ends when the program has ended.
    public var lines: AsyncStream<Line> { transcript.stream }

    /// Everything written until now.
    public var linesSoFar: [Line] { transcript.lines }

    /// The process's id, which is its group's as well.
    public var processID: Int32 { group }

    /// The next line that `matches` takes, from those that nobody has asked for yet.
    ///
    /// - Parameter what: what is waited for, for the error's text.
    @discardableResult
    public func line(_ what: String, where matches: (String) -> Bool) async throws -> Line {
        for await line in lines where matches(line.text) { return line }
        try Task.checkCancellation()
        throw ProgramError.ended(program: program, before: what, transcript: transcript.lines)
    }

    /// The next line with `text` in it.
    @discardableResult
    public func line(containing text: String) async throws -> Line {
        try await line("a line with \"\(text)\"") { $0.contains(text) }
    }

    /// Waits until the program has ended by itself.
    public func end() async throws {
        for await _ in lines {}
        try Task.checkCancellation()
    }

    /// Ends the program and all it started at once, in the middle of whatever it does: to a board, a power cut.
    public func kill() {
        _ = Glibc.kill(-group, SIGKILL)
    }
}

/// A line that a program wrote, and when.
public struct Line: Sendable, Equatable {
    public let text: String
    /// Since the program was started.
    public let elapsed: Duration
}

/// What came of a run.
public struct Run<Value: Sendable>: Sendable {
    public let value: Value
    public let ending: Ending
    public let lines: [Line]
    public let duration: Duration
}

/// How a program ended.
public enum Ending: Sendable, Equatable {
    case exited(Int)
    /// Ended by this signal: 9 when it was killed because the run was over, or power was cut.
    case signalled(Int)

    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(Int(code))
        case .signaled(let signal): self = .signalled(Int(signal))
        }
    }
}

/// Runs `body`, and gives up on it after `limit`.
private func within<Value: Sendable>(
    _ limit: Duration, program: String, transcript: Transcript,
    _ body: @escaping @Sendable () async throws -> Value
) async -> Result<Value, any Error> {
    await withTaskGroup(of: Result<Value, any Error>?.self) { tasks in
        tasks.addTask {
            do { return .success(try await body()) } catch { return .failure(error) }
        }
        tasks.addTask {
            do { try await Task.sleep(for: limit) } catch { return nil }
            return .failure(ProgramError.timeLimit(program: program, limit: limit, transcript: transcript.lines))
        }
        var first: Result<Value, any Error>?
        for await result in tasks {
            // A timer that was cancelled says nothing; the first that says something decides.
            if let result, first == nil {
                first = result
                tasks.cancelAll()
            }
        }
        return first ?? .failure(CancellationError())
    }
}
