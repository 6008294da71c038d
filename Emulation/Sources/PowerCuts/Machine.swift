import Agent
import Authority
import AuthorityServer
import Board
import DeviceCrypto
import InProcess
import Interference

/// The device that is simulated.
enum Device {
    typealias Program = Agent<TokenKey, 2048>

    static var capacity: Int { Program.snapshotCapacity }
}

/// All that outlives a power cut: the device's storage and token, the CA, and time.
struct SystemState<P: Part>: Sendable {
    var part: P
    var authority: Snapshot
    /// Milliseconds since 1970.
    var now: UInt64
    /// How often the device was started.
    var boots = 0
    /// Slots of the device's token that were taken.
    var slotsTaken: UInt8 = 0
    /// Messages that the device sent.
    var exchanges = 0
    /// Steps of the flow that have ended.
    var stepsDone = 0
    /// Whether the next step's events have happened.
    var isStepBegun = false
    /// Certificates that the device was seen to hold, in order.
    var identities: [[UInt8]] = []
}

/// A moment at which power can fail.
struct CutPoint<P: Part>: Sendable {
    enum Event: Sendable {
        case operation(P.Operation)
        /// The CA has answered, and nobody has read it.
        case reply
    }

    var state: SystemState<P>
    let event: Event
}

/// What happens to one exchange while the power stays on.
struct Incident: Sendable {
    /// Counted from 1.
    let exchange: Int
    let interference: Interference
}

/// A device that runs, with the CA it speaks to. One thread has it.
final class Machine<P: Part> {
    private let bench: Bench
    var part: P
    let inserted: Inserted
    /// Milliseconds since start-up.
    private(set) var uptime: UInt64 = 0
    private var start: SystemState<P>
    /// Where power could have failed in this run, if that is recorded.
    private(set) var cutPoints: [CutPoint<P>]?
    private let incident: Incident?
    /// The honest reply to the question before.
    private var previous: [UInt8]?
    private(set) var exchanges = 0

    /// - Parameters:
    ///   - bench: its CA goes back to what it was in `state`.
    ///   - incident: what happens to an exchange of this run.
    init(_ state: SystemState<P>, on bench: Bench, records: Bool = false, incident: Incident? = nil) throws {
        start = state
        self.bench = bench
        part = state.part
        inserted = Inserted(bench.token, slotsTaken: state.slotsTaken)
        cutPoints = records ? [] : nil
        self.incident = incident
        try bench.authority.restore(state.authority)
    }

    /// Milliseconds since 1970.
    var now: UInt64 { start.now + uptime }

    /// How things stand.
    var state: SystemState<P> {
        var state = start
        state.part = part
        state.authority = bench.authority.snapshot()
        state.now = now
        state.exchanges += exchanges
        state.slotsTaken = inserted.slotsTaken
        return state
    }

    func perform(_ operation: P.Operation) throws(StorageError) {
        cutPoints?.append(CutPoint(state: state, event: .operation(operation)))
        try part.perform(operation)
    }

    func sleep(milliseconds: UInt64) {
        bench.log?("  (\(milliseconds) ms pass)")
        uptime += milliseconds
    }

    var hasClock: Bool { bench.flow.hasClock }
    var isVerbose: Bool { bench.log != nil }

    func write(_ line: String) { bench.log?("  " + line) }

    /// What comes back from the CA.
    func exchange(_ request: [UInt8]) throws(TransportError) -> Delivery {
        exchanges += 1
        // A device that goes in circles comes to an end.
        guard exchanges <= 100 else { throw .unreachable }
        let interference = incident.flatMap { $0.exchange == exchanges ? $0.interference : nil }
        guard interference != .requestLost else { throw .reset }
        bench.setClock(now)
        guard let parsed = Request(http: request), let operation = parsed.operation,
            let answer = bench.authority.answer(parsed).http(date: httpDate(bench.authority.now))
        else { throw .reset }
        bench.watch?(operation, request, answer)
        cutPoints?.append(CutPoint(state: state, event: .reply))
        var recordings = bench.recordings
        recordings[.reordered, operation] = previous
        previous = answer
        guard let interference else { return Delivery(answer) }
        guard let delivery = interference.deliver(answer, to: operation, recordings) else { throw .reset }
        return delivery
    }

    /// Runs the device's program.
    func run<S: SnapshotStorage & ~Copyable>(_ store: inout IdentityStore<S>) throws(AgentError) {
        start.boots += 1
        var random = RandomGenerator()
        defer { random.wipe() }
        do throws(CryptoError) {
            // The same device, started as often, does the same.
            let seed = [UInt8](repeating: UInt8(truncatingIfNeeded: start.boots), count: 48)
            try random.seed(seed.span, personalization: Span())
        } catch {
            throw .entropy(.failed)
        }
        let text = bench.record
        let configuration: Configuration
        do throws(ConfigurationError) {
            configuration = try Configuration(text.span)
        } catch {
            throw .configuration(error)
        }
        let time = InProcessTransport.Time(uptime: { self.uptime }, wait: { self.sleep(milliseconds: $0) })
        var transport = InProcessTransport(time) { (request) throws(TransportError) in try self.exchange(request) }
        var clock = MachineClock(machine: self)
        var log = MachineLog(machine: self)
        var buffer = [UInt8](repeating: 0, count: 8192)
        var work = buffer.mutableSpan
        var traffic = Traffic()
        var agent = Device.Program(context: inserted)
        try agent.run(
            configuration: configuration, transport: &transport, clock: &clock, store: &store, log: &log,
            random: &random, work: &work, traffic: &traffic)
    }
}
