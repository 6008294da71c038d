import Foundation
import Mutation

/// Builds the copy, and leaves out the mutants that do not compile.
final class Builder {
    private let copy: Copy
    private let refusals: Refusals
    private let say: @Sendable (String) -> Void
    /// What stands in the copy, by the file's path, and the mutants in it.
    private var written: [String: (mutants: Set<Int>, text: Planted)] = [:]

    /// Rounds that a build may take. Each leaves at least one mutant out.
    private static let roundLimit = 60

    init(copy: Copy, refusals: Refusals, say: @escaping @Sendable (String) -> Void) {
        self.copy = copy
        self.refusals = refusals
        self.say = say
    }

    func build(_ plan: inout Plan, modules: [String]) throws {
        plan.drop(plan.candidates.files.flatMap { refusals.known(for: $0) })
        for module in modules { try build(&plan, ["--target", module], module) }
        try build(&plan, ["--build-tests"], "the tests")
        refusals.write(plan)
    }

    private func build(_ plan: inout Plan, _ arguments: [String], _ name: String) throws {
        for _ in 0..<Self.roundLimit {
            try write(plan)
            let start = Date()
            let outcome = try Command(arguments: ["swift", "build"] + arguments, directory: copy.folder.path).run()
            if outcome.end == .exit(0) {
                say("built \(name) in \(Int(Date().timeIntervalSince(start))) s")
                return
            }
            let before = plan.refused.count
            try outcome.output.write(
                to: copy.scratch.appendingPathComponent("errors"), atomically: true, encoding: .utf8)
            plan.drop(suspects(outcome.output, plan))
            guard plan.refused.count > before else {
                throw Failure("the copy in \(copy.folder.path) does not build:\n\(outcome.output.suffix(6000))")
            }
            say(
                "\(name): \(plan.refused.count - before) mutants do not compile (\(Int(Date().timeIntervalSince(start))) s)"
            )
            refusals.write(plan)
        }
        throw Failure("the copy in \(copy.folder.path) still does not build after \(Self.roundLimit) rounds")
    }

    private func write(_ plan: Plan) throws {
        for file in plan.candidates.files {
            let mutants = Set(file.range.filter(plan.planted.contains))
            guard written[file.source.path]?.mutants != mutants else { continue }
            let text = plan.text(of: file)
            written[file.source.path] = (mutants, text)
            try copy.write(mutants.isEmpty ? Data(file.source.text.utf8) : Data(text.text), to: file.source.path)
        }
    }

    /// What the errors in the compiler's `output` speak against.
    private func suspects(_ output: String, _ plan: Plan) -> Set<Int> {
        var found: Set<Int> = []
        let prefix = copy.folder.resolvingSymlinksInPath().path + "/"
        let files = Dictionary(uniqueKeysWithValues: plan.candidates.files.map { ($0.source.path, $0) })
        // A module's errors are said once for each of its files.
        for line in Set(output.split(separator: "\n").filter { $0.contains(": error: ") }) {
            guard let error = CompilerError(line, prefix: prefix), let file = files[error.path] else { continue }
            let places = written[error.path]?.text.suspects(
                line: error.line, column: error.column, isTooComplex: error.message.contains("reasonable time"))
            found.formUnion((places ?? []).map { file.range.lowerBound + $0 })
        }
        return found
    }
}

/// A line of the compiler's that says what is wrong where.
struct CompilerError: Equatable {
    let path: String
    let line: Int
    let column: Int
    let message: String

    /// - Parameter prefix: what the copy's files begin with.
    init?(_ text: Substring, prefix: String) {
        guard text.hasPrefix(prefix), let mark = text.range(of: ": error: ") else { return nil }
        let parts = text[..<mark.lowerBound].dropFirst(prefix.count).split(separator: ":")
        guard parts.count == 3, let line = Int(parts[1]), let column = Int(parts[2]) else { return nil }
        (path, self.line, self.column) = (String(parts[0]), line, column)
        message = String(text[mark.upperBound...])
    }
}
