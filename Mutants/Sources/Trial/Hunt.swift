import Foundation
import Mutation
import Synchronization

/// What became of a mutant.
public enum Fate: String, Sendable {
    case noticed
    /// By a time limit.
    case hung
    case survived
    case notReached

    var isNoticed: Bool { self == .noticed || self == .hung }
}

/// Runs mutants against the tests that reach them.
struct Hunt: Sendable {
    let bundle: TestBundle
    let candidates: Candidates

    /// The tests that noticed others of a file: they are likely to notice the next.
    private let noticers = Shared<[String: [String]]>([:])

    init(bundle: TestBundle, candidates: Candidates) {
        self.bundle = bundle
        self.candidates = candidates
    }

    /// - Returns: what became of each.
    func run(
        _ mutants: [Int], against tests: [ReachingTest], of target: String, progress: @escaping @Sendable (Int) -> Void
    ) throws -> [Int: Fate] {
        let done = Counter()
        let ledger = try Ledger(file: bundle.copy.scratch.appendingPathComponent("fates/\(bundle.stamp())-\(target)"))
        let fates = try bundle.parallel.map(mutants) { mutant in
            let number = Candidates.number(mutant)
            if let fate = ledger.fate(of: number) { return fate }
            let fate = try run(mutant, tests)
            try ledger.note(number, fate)
            progress(done.next())
            return fate
        }
        return Dictionary(uniqueKeysWithValues: zip(mutants, fates))
    }

    private func run(_ mutant: Int, _ tests: [ReachingTest]) throws -> Fate {
        let number = Candidates.number(mutant)
        let reaching = tests.filter { $0.reaches(number) }
        guard !reaching.isEmpty else { return .notReached }
        let file = candidates.mutants[mutant].file
        for batch in batches(reaching, file) {
            let seconds = batch.reduce(0) { $0 + $1.seconds }
            switch try bundle.run(batch.map(\.name), seconds: seconds, mutant: number).verdict {
            case .passed: continue
            case .hung: return .hung
            case .crashed: return .noticed
            case .failed(let line):
                note(line, batch, file)
                return .noticed
            }
        }
        return .survived
    }

    /// The likely ones first, then the fast ones; each batch is a process, which takes a while to start.
    private func batches(_ tests: [ReachingTest], _ file: String) -> [[ReachingTest]] {
        let likely = noticers.value.withLock { $0[file] ?? [] }
        var rest = tests.sorted { $0.seconds < $1.seconds }
        var batches: [[ReachingTest]] = [[]]
        for name in likely.prefix(4) {
            guard let index = rest.firstIndex(where: { $0.name == name }) else { continue }
            batches[0].append(rest.remove(at: index))
        }
        var limit = 0.5
        var seconds = batches[0].reduce(0) { $0 + $1.seconds }
        for test in rest {
            if seconds + test.seconds > limit, batches.last?.isEmpty == false {
                batches.append([])
                seconds = 0
                limit *= 4
            }
            batches[batches.count - 1].append(test)
            seconds += test.seconds
        }
        return batches
    }

    private func note(_ line: String, _ batch: [ReachingTest], _ file: String) {
        // `✘ Test name() recorded an issue …`
        let words = line.split(separator: " ")
        guard let place = words.firstIndex(of: "Test"), place + 1 < words.count else { return }
        let function = words[place + 1].prefix { $0 != "(" }
        guard let name = batch.first(where: { $0.name.contains("/\(function)(") })?.name else { return }
        noticers.value.withLock { noticers in
            var known = noticers[file] ?? []
            known.removeAll { $0 == name }
            noticers[file] = [name] + known.prefix(7)
        }
    }
}

/// A value that threads share.
final class Shared<Value: Sendable>: Sendable {
    let value: Mutex<Value>

    init(_ value: Value) {
        self.value = Mutex(value)
    }
}
