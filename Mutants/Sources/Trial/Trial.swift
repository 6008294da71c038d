import Foundation
import Mutation

/// Plants the mutants of some modules, runs the tests, and keeps the score.
public struct Trial {
    /// Of the repository.
    public let root: URL
    /// The program that answers for openssl.
    public let memo: URL
    /// Where the copy is made and built.
    public let scratch: URL
    /// Tests that run at a time.
    public var jobs = ProcessInfo.processInfo.activeProcessorCount
    public var say: @Sendable (String) -> Void

    public init(root: URL, memo: URL, scratch: URL, say: @escaping @Sendable (String) -> Void) {
        self.root = root
        self.memo = memo
        self.scratch = scratch
        self.say = say
    }

    public func project() throws -> Project {
        let dump = try Command(
            arguments: ["swift", "package", "dump-package"], directory: root.path
        ).run()
        guard dump.end == .exit(0), let start = dump.output.firstIndex(of: "{") else {
            throw Failure("the manifest cannot be read: \(dump.output)")
        }
        return try Project(description: Data(dump.output[start...].utf8)) { folder in
            let files = try? FileManager.default.subpathsOfDirectory(atPath: root.appendingPathComponent(folder).path)
            return files?.contains { $0.hasSuffix(".swift") } ?? false
        }
    }

    /// - Parameters:
    ///   - modules: those to check, of `project`.
    ///   - choose: which of a module's mutants are tried, by their places; nil for all.
    ///   - report: is told a module's score as soon as it is known.
    public func run(
        _ modules: [Project.Module], of project: Project, equivalents: Equivalents,
        choose: ((_ module: String, [Int]) -> [Int])? = nil,
        report: (Tally) throws -> Void
    ) throws {
        let candidates = try Candidates(modules, root: root)
        var tallies = modules.map { Tally(module: $0.name) }
        var planted: Set<Int> = []
        for place in tallies.indices {
            let own = candidates.mutants.indices.filter { candidates.modules[$0] == tallies[place].module }
            let counted = own.filter { !equivalents.contains(candidates.mutants[$0]) }
            tallies[place].equivalent = own.count - counted.count
            planted.formUnion(choose?(tallies[place].module, counted) ?? counted)
        }
        var plan = Plan(candidates: candidates, planted: planted)
        let copy = Copy(root: root, scratch: scratch)
        try copy.update(
            except: Set(candidates.files.map(\.source.path)), targets: project.targets(for: modules.flatMap(\.tests)),
            memo: memo)
        say("\(planted.count) mutants of \(modules.map(\.name).joined(separator: ", "))")
        let refusals = Refusals(folder: scratch.appendingPathComponent("refused"))
        try Builder(copy: copy, refusals: refusals, say: say).build(&plan, modules: modules.map(\.name))

        let bundle = TestBundle(copy: copy, memo: try memoFolder(), parallel: Parallel(threads: jobs))
        let hunt = Hunt(bundle: bundle, candidates: candidates)
        // To look at each test alone takes as long as some hundred mutants.
        let isSmall = planted.count < 200 * modules.count
        let reach = Reach(bundle: bundle, count: candidates.mutants.count, bySuite: isSmall)
        for place in tallies.indices {
            let module = modules[place]
            let mutants = plan.planted.filter { candidates.modules[$0] == module.name }.sorted()
            tallies[place].count(mutants, try fates(of: mutants, module, hunt, reach), candidates)
            tallies[place].refused = plan.refused.count { candidates.modules[$0] == module.name }
            try report(tallies[place])
        }
    }

    /// Tests of the module's own first; what they do not notice is for those of the modules above.
    private func fates(of mutants: [Int], _ module: Project.Module, _ hunt: Hunt, _ reach: Reach) throws -> [Int: Fate]
    {
        let say = say
        var rest = mutants
        var fates = Dictionary(uniqueKeysWithValues: mutants.map { ($0, Fate.notReached) })
        for target in module.tests where !rest.isEmpty {
            let start = Date()
            let tests = try reach.tests(of: target)
            let reached = rest.filter { index in tests.contains { $0.reaches(Candidates.number(index)) } }
            say(
                "\(target): \(tests.count) tests, \(Int(Date().timeIntervalSince(start))) s; \(reached.count) of "
                    + "\(rest.count) mutants are reached")
            let new = try hunt.run(reached, against: tests, of: target) { count in
                if count.isMultiple(of: 100) { say("\(target): \(count) of \(reached.count)") }
            }
            fates.merge(new) { $1 }
            rest.removeAll { fates[$0]?.isNoticed == true }
            say("\(target): \(rest.count) mutants are left, \(Int(Date().timeIntervalSince(start))) s")
        }
        return fates
    }

    /// Where openssl's answers are: for a day, since certificates end.
    private func memoFolder() throws -> URL {
        let day = Int(Date().timeIntervalSince1970) / 86400
        let folder = scratch.appendingPathComponent("openssl-\(day)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}
