import Agent
import Board
import DeviceCrypto
import HTTP
import LinuxBoard

/// A device whose certificate is looked after a turn at a time, between all else that it has to do.
///
/// What is Linux's in it is what a board has of its own: clock, entropy, storage, log. It is lent the configuration and the work
/// buffer, which has to keep its content from one turn to the next.
struct Device: ~Copyable {
    private var agent = Agent<SoftwareKey, 16_384>()
    private var store: IdentityStore<DirectorySnapshots<IdentityFolder>>
    private var random = RandomGenerator()
    private let clock = SystemClock()
    private var log = Console()
    private let client = HTTPClient()

    init(folder: consuming IdentityFolder) throws(AgentError) {
        store = IdentityStore(DirectorySnapshots(folder))
        var entropy = SystemEntropy()
        try seed(&random, from: &entropy, personalization: Span())
        unsafe random.setAlive({ _ in feedWatchdog() }, nil)
    }

    /// Begins a run: reads what is stored.
    mutating func start(_ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>) throws(AgentError) {
        try agent.start(configuration: configuration, store: &store, work: &work)
    }

    /// Does the next thing that is due.
    ///
    /// - Returns: in how many milliseconds the next turn is; nil when nothing is due any more.
    mutating func turn(
        _ configuration: borrowing Configuration, _ work: inout MutableSpan<UInt8>
    ) throws(AgentError) -> UInt64? {
        // What happened: a value, which AgentLog makes a line of.
        agent.logEvent(configuration, uptime: clock.uptime, work.span, &log)
        let action = try agent.step(
            configuration: configuration, clock: clock.time, uptime: clock.uptime, store: &store, work: &work,
            random: &random)
        switch action {
        case .generateKey(let algorithm):
            // A part of it: an RSA key takes some seventy turns.
            try agent.generateKey(algorithm, configuration: configuration, random: &random)
        case .exchange(let operation, let payload):
            let response: Response
            do throws(ExchangeError) {
                response = try client.exchange(operation, payload, configuration, &work)
            } catch {
                try agent.failed(error, to: operation, configuration: configuration, random: &random)
                return 0
            }
            try agent.received(
                response, to: operation, configuration: configuration, store: &store, work: &work, random: &random)
        case .store:
            try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
        case .sleep(let milliseconds): return milliseconds
        case .ready: return nil
        }
        return 0
    }

    /// Ends the run with an error of a turn: wipes the keys, and says what happened, why, and what to do.
    mutating func end(
        _ error: AgentError, _ configuration: borrowing Configuration, _ work: borrowing MutableSpan<UInt8>
    ) {
        agent.end(error)
        agent.logEvent(configuration, uptime: clock.uptime, work.span, &log)
        logResult(error, work: work.span, log: &log)
    }
}

/// Steps and events are lines of text here.
extension Console: AgentLog {}
