import ArgumentParser
import Foundation
import Mutation
import Trial

@main
struct Mutants: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mutants",
        abstract: "Plants small faults, one at a time, and counts those that the tests notice.")

    @Option(help: "The repository.")
    var root = "."

    @Option(help: "Where the copy of the repository is built, beside what it is a copy of.")
    var scratch = ".build-mutants"

    @Option(help: "Modules, divided by commas, each whole; or all. Without it, a sample of all.")
    var module: String?

    @Option(help: "Takes so many modules of all, others each day, until each had its turn.")
    var turn: Int?

    @Option(help: "Chooses the sample; that of the day without it.")
    var seed: UInt64?

    @Option(help: "Takes so many mutants of each module; 15 without a module.")
    var sample: Int?

    @Option(help: "Tests that run at a time; as many as there are processors without it.")
    var jobs: Int?

    @Option(help: "A folder for lists of survivors, a file for each module.")
    var survivors: String?

    @Flag(help: "Says which mutants there are, and plants none.")
    var list = false

    @Flag(
        help:
            "What a module's own tests do not notice is for those of the modules above: slow, and not what the score is."
    )
    var above = false

    func run() throws {
        let interruption = Interruption()
        defer { withExtendedLifetime(interruption) {} }
        let root = URL(fileURLWithPath: root).standardizedFileURL
        let memo = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("openssl-memo")
        var trial = Trial(root: root, memo: memo, scratch: root.appendingPathComponent(scratch)) {
            show("mutants: \($0)")
        }
        if let jobs { trial.jobs = jobs }
        let project = try trial.project()
        let equivalents = try Equivalents(try text("Mutants/equivalent", root))
        try checkEntries(equivalents, root)
        let check = try Check(scores: Scores(try text("Mutants/scores", root)), isSample: sampleSize != nil)
        let seed = seed ?? UInt64(Date().timeIntervalSince1970) / 86400
        var chosen = try modules(of: project).map { above ? $0 : $0.withOwnTests }
        if let turn { chosen = Rotation.turn(seed, of: chosen, count: turn) }
        if list {
            for mutant in try Candidates(chosen, root: root).mutants {
                show("\(mutant)\(equivalents.contains(mutant) ? " (equivalent)" : "")")
            }
            return
        }
        if let sampleSize { show("mutants: a sample of \(sampleSize) with seed=\(seed)") }
        var generator = Sample(seed: seed)
        var failures: [String] = []
        let choose = sampleSize.map { size in { (_: String, all: [Int]) in generator.choose(size, of: all) } }
        try trial.run(chosen, of: project, equivalents: equivalents, choose: choose) { tally in
            show(tally.line)
            let lines = tally.survivors.map { "\($0.mutant)\($0.isReached ? "" : " (not reached)")" }
            for line in lines { show("  \(line)") }
            if let survivors { try write(lines, to: "\(survivors)/survivors-\(tally.module).txt") }
            failures += check.failures(of: tally)
        }
        for failure in failures { show("mutants: \(failure)") }
        if !failures.isEmpty { throw ExitCode.failure }
    }

    private var sampleSize: Int? { sample ?? (module == nil ? 15 : nil) }

    private func text(_ path: String, _ root: URL) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    private func write(_ lines: [String], to path: String) throws {
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: path))
    }

    private func modules(of project: Project) throws -> [Project.Module] {
        // What starts the program has no tests of its own that are not of a process.
        let tested = project.modules.filter { !$0.tests.isEmpty }
        guard let module, module != "all" else { return tested }
        return try module.split(separator: ",").map { name in
            guard let found = tested.first(where: { $0.name == name }) else {
                throw ValidationError(
                    "there is no module \(name); there are \(tested.map(\.name).joined(separator: ", "))")
            }
            return found
        }
    }

    private func checkEntries(_ equivalents: Equivalents, _ root: URL) throws {
        let unmatched = equivalents.unmatched(in: root)
        guard unmatched.isEmpty else {
            for key in unmatched { show("mutants: no mutant is \(key.file): \(key.change), in: \(key.lineText)") }
            throw ValidationError("entries of Mutants/equivalent that match nothing: take them out, or mend them")
        }
    }
}

/// Prints a line at once, also into a pipe.
private func show(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}
