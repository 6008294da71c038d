import LibCrypto
import Synchronization

/// Which flows are cut, on what, and how deep.
public struct Plan: Sendable {
    public struct Part: Sendable {
        public let flow: Flow
        public let medium: Medium
        /// How many cuts one life has at most.
        public let depth: Int
    }

    public var parts: [Part] = []

    public init() {}

    public init(_ flows: [Flow], _ media: [Medium], depth: Int) {
        for medium in media {
            for flow in flows { parts.append(Part(flow: flow, medium: medium, depth: depth)) }
        }
    }

    /// Tens of thousands of cuts: one in a life on all kinds of storage, two on the smallest flash.
    public static let sample: Plan = {
        var plan = Plan(Flow.all, [.small], depth: 2)
        plan.parts += Plan(Flow.all, Medium.sample.filter { $0.name != Medium.small.name }, depth: 1).parts
        return plan
    }()

    /// One cut in a life on every geometry, two on some, three on the smallest: takes hours.
    public static let all: Plan = {
        var plan = Plan(Flow.all, [.small], depth: 3)
        plan.parts += Plan(Flow.all, Medium.sample, depth: 2).parts
        plan.parts += Plan(Flow.all, Medium.all, depth: 1).parts
        return plan
    }()

    /// Tries all of it.
    ///
    /// - Parameters:
    ///   - workers: how many threads.
    ///   - report: is called on any thread when a part is done.
    public func run(workers: Int, report: @escaping @Sendable (Part, Tally) -> Void) async throws -> Tally {
        let token = Token()
        let keys = [try PrivateKey.generate(.rsa2048), try PrivateKey.generate(.rsa2048)]
        let queue = Queue(parts)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    while let job = queue.next() {
                        let bench = try Bench(job.part.flow, token: token, keys: keys)
                        let tally = job.part.medium.run(bench, depth: job.part.depth, share: job.share)
                        if let whole = queue.done(job, tally) { report(job.part, whole) }
                    }
                }
            }
            try await group.waitForAll()
            return queue.total
        }
    }

    /// Runs one trial, and tells what happens in it.
    ///
    /// - Parameter id: as in ``Failure/id``; it may end behind the storage's name: nothing goes wrong then.
    /// - Throws: what goes wrong.
    public static func replay(_ id: String, log: @escaping @Sendable (String) -> Void) throws {
        let words = id.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard (2...3).contains(words.count), let flow = Flow.all.first(where: { $0.name == words[0] }),
            let medium = (Medium.sample + Medium.all).first(where: { $0.name == words[1] })
        else { throw Violation("\(id) names no flow and storage") }
        let keys = [try PrivateKey.generate(.rsa2048), try PrivateKey.generate(.rsa2048)]
        let token = Token()
        let bench = try Bench(flow, token: token, keys: keys, log: log)
        try medium.replay(
            words.count == 3 ? words[2].split(separator: "+").map(String.init) : [], bench,
            foreign: Bench(flow, token: token, keys: keys.reversed()))
    }
}

/// Hands a plan out in pieces, so that no thread has to wait for another's long one.
private final class Queue: Sendable {
    struct Job: Sendable {
        let number: Int
        let part: Plan.Part
        let share: Share
    }

    private struct State {
        var waiting: [Job] = []
        /// By the part's number: how many pieces are not done, and what the others came to.
        var open: [Int: (left: Int, tally: Tally)] = [:]
        var total = Tally()
    }

    private let state: Mutex<State>

    init(_ parts: [Plan.Part]) {
        var state = State()
        for (number, part) in parts.enumerated() {
            let pieces = part.depth > 1 ? 4 : 1
            state.open[number] = (pieces, Tally())
            for index in 0..<pieces {
                state.waiting.append(Job(number: number, part: part, share: Share(index: index, count: pieces)))
            }
        }
        state.waiting.reverse()
        self.state = Mutex(state)
    }

    var total: Tally { state.withLock { $0.total } }

    func next() -> Job? { state.withLock { $0.waiting.popLast() } }

    /// What the whole part came to, when this was the last piece of it.
    func done(_ job: Job, _ tally: Tally) -> Tally? {
        state.withLock { state in
            guard var open = state.open[job.number] else { return nil }
            open.left -= 1
            open.tally += tally
            state.open[job.number] = open
            guard open.left == 0 else { return nil }
            state.total += open.tally
            return open.tally
        }
    }
}
