import Board
import Bytes
import DeviceCrypto
import HTTP
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Drives the agent until nothing is due, which on a device that stays on is never: sends and receives, stores,
    /// waits, and writes a line for each step and each event. Every board calls this; nothing here decides anything.
    ///
    /// - Parameters:
    ///   - store: not opened yet.
    ///   - work: the one work buffer.
    ///   - traffic: is added to, whatever the outcome.
    ///   - stored: is called after each change that was stored.
    /// - Throws: ``AgentError``; its ranges lie in `work`. ``logResult(_:work:log:)`` puts it in words. What the device
    ///   had before, it has still.
    public mutating func run<
        T: Transport & ~Copyable, C: Clock & ~Copyable, S: SnapshotStorage & ~Copyable, L: AgentLog & ~Copyable
    >(
        configuration: borrowing Configuration, transport: inout T, clock: inout C, store: inout IdentityStore<S>,
        log: inout L, random: inout RandomGenerator, work: inout MutableSpan<UInt8>, traffic: inout Traffic,
        stored: (inout IdentityStore<S>, inout L) -> Void
    ) throws(AgentError) {
        do throws(AgentError) {
            try start(configuration: configuration, store: &store, work: &work)
            var isReady = false
            while !isReady {
                logEvent(configuration, uptime: clock.uptime, work.span, &log)
                isReady = try perform(
                    step(
                        configuration: configuration, clock: clock.time, uptime: clock.uptime, store: &store,
                        work: &work, random: &random),
                    configuration, &transport, &clock, &store, &log, &random, &work, &traffic, stored)
            }
        } catch {
            end(error)
            logEvent(configuration, uptime: clock.uptime, work.span, &log)
            throw error
        }
        warn(self, &log)
    }

    /// The same for a board with nothing to do after a change.
    public mutating func run<
        T: Transport & ~Copyable, C: Clock & ~Copyable, S: SnapshotStorage & ~Copyable, L: AgentLog & ~Copyable
    >(
        configuration: borrowing Configuration, transport: inout T, clock: inout C, store: inout IdentityStore<S>,
        log: inout L, random: inout RandomGenerator, work: inout MutableSpan<UInt8>, traffic: inout Traffic
    ) throws(AgentError) {
        // A closure as a default argument counts as one that escapes, which -no-allocations does not let pass.
        try run(
            configuration: configuration, transport: &transport, clock: &clock, store: &store, log: &log,
            random: &random, work: &work, traffic: &traffic, stored: { _, _ in })
    }

    /// Does what a step wants done.
    ///
    /// - Returns: whether nothing is left to do.
    private mutating func perform<
        T: Transport & ~Copyable, C: Clock & ~Copyable, S: SnapshotStorage & ~Copyable, L: AgentLog & ~Copyable
    >(
        _ action: AgentAction, _ configuration: borrowing Configuration, _ transport: inout T, _ clock: inout C,
        _ store: inout IdentityStore<S>, _ log: inout L, _ random: inout RandomGenerator,
        _ work: inout MutableSpan<UInt8>, _ traffic: inout Traffic, _ stored: (inout IdentityStore<S>, inout L) -> Void
    ) throws(AgentError) -> Bool {
        switch action {
        case .generateKey(let algorithm):
            if !isKeyBegun { log.logStep(.makingKey(algorithm)) }
            try generateKey(algorithm, configuration: configuration, random: &random)
        case .exchange(let operation, let payload):
            log.logStep(.exchange(operation))
            let response: Response
            let known = knownTime
            transport.note(time: known.time, isExact: known.isExact)
            do throws(ExchangeError) {
                response = try send(operation, payload, configuration, &transport, clock, &work, &traffic)
            } catch {
                try failed(error, to: operation, configuration: configuration, random: &random)
                return false
            }
            try received(
                response, to: operation, configuration: configuration, store: &store, work: &work, random: &random)
        case .store:
            log.logStep(.storing)
            try self.store(configuration: configuration, in: &store, work: &work, random: &random)
            stored(&store, &log)
        case .sleep(let milliseconds):
            // What the step itself failed at is told before the wait that comes of it.
            logEvent(configuration, uptime: clock.uptime, work.span, &log)
            if case .sleeping(let wait, _) = state {
                if wait == .nextAction { warn(self, &log) }
                log.logStep(.waiting(wait, milliseconds: milliseconds))
            }
            clock.sleep(milliseconds: milliseconds)
        case .ready:
            return true
        }
        return false
    }
}

private func send<T: Transport & ~Copyable, C: Clock & ~Copyable>(
    _ operation: Operation, _ payload: AgentPayload, _ configuration: borrowing Configuration,
    _ transport: inout T, _ clock: borrowing C, _ work: inout MutableSpan<UInt8>, _ traffic: inout Traffic
) throws(ExchangeError) -> Response {
    guard let url = try? ServerURL(configuration.url) else { throw .notSecured }
    let deadline = clock.uptime &+ widened(UInt32(configuration.timeoutSeconds)) &* 1000
    return try exchange(
        operation.requestName, payload.message(configuration), with: url, in: &work, limits: operation.responseLimits,
        deadline: deadline,
        over: &transport, clock: clock,
        traffic: &traffic)
}

extension Operation {
    /// The `operation` of a request's URL (RFC 8894, section 4.1).
    public var requestName: StaticString {
        switch self {
        case .getCACaps: "GetCACaps"
        case .getCACert: "GetCACert"
        case .getNextCACert: "GetNextCACert"
        default: "PKIOperation"
        }
    }

    /// Lists alone may be larger than all that a device has to do with otherwise.
    public var responseLimits: ResponseLimits { self == .getCRL ? ResponseLimits() : ResponseLimits(body: 0xFFFF) }
}

extension AgentPayload {
    /// What goes with the request, and so its method.
    @_lifetime(copy configuration)
    @inline(__always)
    public func message(_ configuration: borrowing Configuration) -> Request.Message {
        switch self {
        case .none: configuration.message.count > 0 ? .text(configuration.message) : .none
        case .number(let number): .text(span(of: "0123456789").extracting(Int(number)..<(Int(number) &+ 1)))
        case .get(let range): .base64(range)
        case .post(let range): .body(range)
        }
    }
}
