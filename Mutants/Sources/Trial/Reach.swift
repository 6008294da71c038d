import Foundation

/// A test, what it takes of the processor, and the mutants that it comes by.
struct ReachingTest: Sendable {
    let name: String
    let seconds: Double
    /// By switch: 1 for those that were reached.
    let reached: [UInt8]

    func reaches(_ number: Int) -> Bool { number < reached.count && reached[number] != 0 }
}

/// Runs every test of a target once, without a mutant, and notes where it comes by.
final class Reach {
    private let bundle: TestBundle
    private let count: Int
    private var known: [String: [ReachingTest]] = [:]

    private let bySuite: Bool

    /// - Parameters:
    ///   - count: of switches.
    ///   - bySuite: whether a suite, of those that are in one another the inner one, is taken as one test.
    init(bundle: TestBundle, count: Int, bySuite: Bool) {
        self.bundle = bundle
        self.count = count
        self.bySuite = bySuite
    }

    func tests(of target: String) throws -> [ReachingTest] {
        if let tests = known[target] { return tests }
        let tests = try record(target)
        known[target] = tests
        return tests
    }

    private func record(_ target: String) throws -> [ReachingTest] {
        let tests = try bundle.tests(of: target)
        let names = bySuite ? Set(tests.map { String($0[..<($0.lastIndex(of: "/") ?? $0.endIndex)]) }).sorted() : tests
        let (bundle, count, bySuite) = (bundle, count, bySuite)
        // Of another build, nothing is known.
        let folder = bundle.copy.scratch.appendingPathComponent("reached/\(try bundle.stamp())-\(count)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return try bundle.parallel.map(names) { name in
            let file = folder.appendingPathComponent(Digest.of(name))
            let time = file.appendingPathExtension("seconds")
            if let known = try? String(contentsOf: time, encoding: .utf8), let seconds = Double(known) {
                return ReachingTest(name: name, seconds: seconds, reached: [UInt8](try Data(contentsOf: file)))
            }
            try? FileManager.default.removeItem(at: file)
            // What openssl has to make is there the second time, which is the one to measure.
            if !bySuite { _ = try bundle.run([name], seconds: 600) }
            let (verdict, seconds) = try bundle.run([name], seconds: 600, reached: (file, count))
            guard verdict == .passed else { throw Failure("without a mutant, \(name) has \(verdict)") }
            try Data("\(seconds)".utf8).write(to: time)
            return ReachingTest(name: name, seconds: seconds, reached: [UInt8](try Data(contentsOf: file)))
        }
    }
}
