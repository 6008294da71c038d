import Authority
import Interference
import LibCrypto
import Synchronization

/// Interferes with every exchange of flows, in every way, once in a life.
public struct InterferenceSweep: Sendable {
    /// Where the device keeps its identity.
    private static let partName = Medium.directory.name

    public let flows: [Flow]
    /// Of the cuts and of the bits that are turned over, every so many is tried, all other interferences always.
    public let stride: Int
    /// The number of the first of them.
    public let offset: Int

    /// The flows whose replies are swept: enrolment and renewal with either kind of key.
    public static let flows = Flow.all.filter {
        ["enrolment", "renewal", "ec-enrolment", "ec-renewal"].contains($0.name)
    }

    public init(flows: [Flow] = Self.flows, stride: Int = 1, offset: Int = 0) {
        self.flows = flows
        self.stride = stride
        self.offset = offset % stride
    }

    /// What was done to one exchange.
    public struct Row: Sendable {
        public let flow: String
        /// Counted from 1.
        public let exchange: Int
        public let operation: CAOperation
        /// Of the reply, head included.
        public let bytes: Int
        public fileprivate(set) var cuts = 0
        public fileprivate(set) var flips = 0
        public fileprivate(set) var others = 0
        /// Interferences that the device did not notice: it went on with the reply.
        public fileprivate(set) var taken: [Interference] = []
        public fileprivate(set) var failures: [Failure] = []

        public var count: Int { cuts + flips + others }

        fileprivate mutating func add(_ row: Row) {
            cuts += row.cuts
            flips += row.flips
            others += row.others
            taken += row.taken
            failures += row.failures
        }
    }

    /// Tries all of it.
    ///
    /// - Parameter workers: how many threads.
    /// - Returns: a row for each exchange, in order.
    public func run(workers: Int) async throws -> [Row] {
        let token = Token()
        let keys = try (0..<2).map { _ in try PrivateKey.generate(.rsa2048) }
        let pieces = Pieces(
            flows.flatMap { flow in (0..<4 * workers).map { (flow, Share(index: $0, count: 4 * workers)) } })
        return try await withThrowingTaskGroup(of: [Row].self) { group in
            for _ in 0..<workers {
                group.addTask {
                    var rows: [Row] = []
                    while let (flow, share) = pieces.next() { rows += try sweep(flow, share, token, keys) }
                    return rows
                }
            }
            var all: [Row] = []
            for try await rows in group {
                for row in rows {
                    if let known = all.firstIndex(where: { $0.flow == row.flow && $0.exchange == row.exchange }) {
                        all[known].add(row)
                    } else {
                        all.append(row)
                    }
                }
            }
            let order = flows.map(\.name)
            return all.sorted {
                (order.firstIndex(of: $0.flow) ?? 0, $0.exchange) < (order.firstIndex(of: $1.flow) ?? 0, $1.exchange)
            }
        }
    }

    private func sweep(_ flow: Flow, _ share: Share, _ token: Token, _ keys: [PrivateKey]) throws -> [Row] {
        let bench = try Bench(flow, token: token, keys: keys)
        let scenario = Scenario<DirectoryPart>(bench: bench)
        let start = try scenario.beginOverheard(
            DirectoryPart(), foreign: Bench(flow, token: token, keys: keys.reversed()))
        var rows: [Row] = []
        bench.watch = { operation, _, reply in
            rows.append(Row(flow: flow.name, exchange: rows.count + 1, operation: operation, bytes: reply.count))
        }
        let honest = try scenario.run(start)
        try scenario.check(honest.state, from: start)
        bench.watch = nil
        var number = 0
        for index in rows.indices {
            for interference in interferences(rows[index].bytes) {
                if case .replayed(let replay) = interference {
                    let isHeard = bench.recordings[replay, rows[index].operation] != nil
                    guard replay == .reordered ? index > 0 : isHeard else { continue }
                }
                number += 1
                guard share.has(number) else { continue }
                let incident = Incident(exchange: index + 1, interference: interference)
                do {
                    let outcome = try scenario.run(start, incident: incident)
                    try scenario.check(outcome.state, from: start)
                    if outcome.state.exchanges == honest.state.exchanges {
                        rows[index].taken.append(interference)
                    }
                } catch {
                    let id = "\(flow.name)/\(Self.partName)/\(index + 1).\(interference)"
                    rows[index].failures.append(Failure(id: id, reason: "\(error)"))
                }
                switch interference {
                case .cut: rows[index].cuts += 1
                case .flipped: rows[index].flips += 1
                default: rows[index].others += 1
                }
            }
        }
        return rows
    }

    /// All that can be done to a reply of so many bytes.
    func interferences(_ bytes: Int) -> [Interference] {
        var all: [Interference] = [.requestLost, .delayed(60), .delayed(120), .trickled, .doubled]
        for count in [0, 1, bytes / 2, bytes - 1] { all += [.broken(count), .stalled(count)] }
        all += Interference.Replay.allCases.map(Interference.replayed)
        all += Forgery.all.map(Interference.forged)
        all += Swift.stride(from: offset, to: bytes, by: stride).map(Interference.cut)
        all += Swift.stride(from: offset, to: 8 * bytes, by: stride).map(Interference.flipped)
        return all
    }
}

/// Hands a sweep out in pieces.
private final class Pieces: Sendable {
    private let waiting: Mutex<[(Flow, Share)]>

    init(_ pieces: [(Flow, Share)]) { waiting = Mutex(pieces.reversed()) }

    func next() -> (Flow, Share)? { waiting.withLock { $0.popLast() } }
}
