import Foundation
import Synchronization

/// The tests of the copy, as they are built.
struct TestBundle: Sendable {
    let copy: Copy
    let memo: URL
    let parallel: Parallel
    /// Makes the names of folders.
    private let runs = Counter()

    init(copy: Copy, memo: URL, parallel: Parallel) {
        self.copy = copy
        self.memo = memo
        self.parallel = parallel
    }

    /// Seconds of the processor that are not counted against a mutant.
    private static let patience = 2.0

    /// What is another for another build.
    func stamp() throws -> Int {
        let path = copy.folder.appendingPathComponent(program[0]).path
        let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        return Int((date ?? Date()).timeIntervalSince1970 * 1000)
    }

    /// The tests of a target, as the testing library names them.
    func tests(of target: String) throws -> [String] {
        let command = Command(arguments: program + ["--list-tests"], directory: copy.folder.path)
        return try command.run().output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("\(target).") }
    }

    enum Verdict: Equatable, Sendable {
        case passed
        /// The first failure, in a line.
        case failed(String)
        case crashed
        case hung
    }

    /// Runs tests one after the other until the first fails.
    ///
    /// - Parameters:
    ///   - seconds: what they take of the processor without a mutant.
    ///   - mutant: its switch; nil for none.
    ///   - reached: a file for the switches that they come by, and how many there are.
    func run(_ tests: [String], seconds: Double, mutant: Int? = nil, reached: (file: URL, count: Int)? = nil) throws
        -> (verdict: Verdict, seconds: Double)
    {
        let folder = copy.scratch.appendingPathComponent("run/\(runs.next())")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("asked"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let filter = "^(" + tests.map { NSRegularExpression.escapedPattern(for: $0) }.joined(separator: "|") + ")(/|$)"
        var command = Command(
            arguments: program + ["--no-parallel", "--filter", filter], directory: copy.folder.path,
            environment: environment(folder))
        if let mutant { command.environment["MUTANT"] = "\(mutant)" }
        if let reached {
            command.environment["MUTANT_REACHED"] = reached.file.path
            command.environment["MUTANT_COUNT"] = "\(reached.count)"
        }
        command.limits.processor = Int((Self.patience + 3 * seconds).rounded(.up))
        command.limits.memory = 16 << 20
        // For those that wait for what never comes: a test that sleeps is on no processor.
        command.limits.time = 120 + 20 * seconds
        var failure: String?
        let outcome = try command.run { line in
            guard line.contains("✘") || line.contains("Fatal error") else { return false }
            failure = failure ?? String(line)
            return true
        }
        return (failure.map { .failed($0) } ?? verdict(outcome), outcome.processor)
    }

    private func verdict(_ outcome: Command.Outcome) -> Verdict {
        switch outcome.end {
        case .exit(0): .passed
        case .late, .signal(SIGXCPU), .signal(SIGKILL): .hung
        case .signal: .crashed
        case .exit, .stopped: .failed(outcome.output.split(separator: "\n").last.map(String.init) ?? "")
        }
    }

    private var program: [String] {
        [".build/debug/EmbeddedSCEPPackageTests.xctest", "--testing-library", "swift-testing"]
    }

    private func environment(_ folder: URL) -> [String: String] {
        [
            "TMPDIR": folder.path, "SWIFT_BACKTRACE": "enable=no", "NO_COLOR": "1", "OPENSSL_MEMO": memo.path,
            "OPENSSL_MEMO_RUN": folder.appendingPathComponent("asked").path,
        ]
    }
}

final class Counter: Sendable {
    private let count = Atomic(0)
    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
