import Agent
import Authority
import AuthorityServer
import Board
import DeviceCrypto
import InProcess

/// The device that is simulated.
enum Device {
    typealias Program = Agent<TokenKey, 2048>

    static var capacity: Int { Program.snapshotCapacity }
}

/// All that outlives a power cut: the device's storage and token, the CA, and time.
struct World<P: Part>: Sendable {
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
    /// Steps of the flow that are over.
    var stepsDone = 0
    /// Whether the next step's events have happened.
    var isStepBegun = false
    /// Certificates that the device was seen to hold, in order.
    var held: [[UInt8]] = []
}

/// A moment at which power can fail.
struct CutPoint<P: Part>: Sendable {
    enum Event: Sendable {
        case operation(P.Operation)
        /// The CA has answered, and nobody has read it.
        case reply
    }

    var world: World<P>
    let event: Event
}

/// How a message gets lost while the power stays on.
enum Loss: String, CaseIterable, Sendable {
    case request = "lost-request"
    case reply = "lost-reply"
}

/// A device that runs, with the CA it speaks to. One thread has it.
final class Machine<P: Part> {
    private let bench: Bench
    var part: P
    let inserted: Inserted
    /// Milliseconds since start-up.
    private(set) var uptime: UInt64 = 0
    private var start: World<P>
    /// Where power could have failed in this run, if that is recorded.
    private(set) var cutPoints: [CutPoint<P>]?
    /// Which exchange of this run is lost.
    private let loss: (exchange: Int, Loss)?
    private(set) var exchanges = 0

    /// - Parameters:
    ///   - bench: its CA goes back to what it was in `world`.
    ///   - loss: the message that gets lost.
    init(
        _ world: World<P>, on bench: Bench, records: Bool = false, loss: (exchange: Int, Loss)? = nil
    ) throws {
        start = world
        self.bench = bench
        part = world.part
        inserted = Inserted(bench.token, slotsTaken: world.slotsTaken)
        cutPoints = records ? [] : nil
        self.loss = loss
        try bench.authority.restore(world.authority)
    }

    /// Milliseconds since 1970.
    var now: UInt64 { start.now + uptime }

    /// How things stand.
    var world: World<P> {
        var world = start
        world.part = part
        world.authority = bench.authority.snapshot()
        world.now = now
        world.exchanges += exchanges
        world.slotsTaken = inserted.slotsTaken
        return world
    }

    func perform(_ operation: P.Operation) throws(StorageError) {
        cutPoints?.append(CutPoint(world: world, event: .operation(operation)))
        try part.perform(operation)
    }

    func sleep(milliseconds: UInt64) {
        bench.log?("  (\(milliseconds) ms pass)")
        uptime += milliseconds
    }

    var hasClock: Bool { bench.flow.hasClock }
    var isVerbose: Bool { bench.log != nil }

    func write(_ line: String) { bench.log?("  " + line) }

    /// What the CA answers; nil when the message, or the answer, is lost.
    func exchange(_ request: [UInt8]) throws(TransportError) -> [UInt8] {
        exchanges += 1
        // A device that goes in circles comes to an end.
        guard exchanges <= 100 else { throw .unreachable }
        let loss = loss.flatMap { $0.exchange == exchanges ? $0.1 : nil }
        guard loss != .request else { throw .reset }
        bench.setClock(now)
        guard let parsed = Request(http: request),
            let answer = bench.authority.answer(parsed).http(date: httpDate(bench.authority.now))
        else { throw .reset }
        bench.watch?(request)
        bench.watch?(answer)
        cutPoints?.append(CutPoint(world: world, event: .reply))
        guard loss != .reply else { throw .reset }
        return answer
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
        let configuration: DeviceConfiguration
        do throws(DeviceConfigurationError) {
            configuration = try DeviceConfiguration(text.span)
        } catch {
            throw .configuration(error)
        }
        var transport = InProcessTransport { (request) throws(TransportError) in try self.exchange(request) }
        var clock = MachineClock(machine: self)
        var log = MachineLog(machine: self)
        var buffer = [UInt8](repeating: 0, count: 8192)
        var work = buffer.mutableSpan
        var traffic = Traffic()
        var agent = Device.Program()
        try attend(
            &agent, configuration: configuration, transport: &transport, clock: &clock, store: &store, log: &log,
            random: &random, work: &work, traffic: &traffic)
    }
}
