import Board
import DER
import DeviceCrypto
import HTTP
import SCEP

/// Drives an agent until the device has its identity: sends and receives, stores, waits, and writes a line for each
/// step. Every board calls this; nothing here decides anything.
///
/// - Parameters:
///   - work: the one work buffer.
///   - traffic: is added to, whatever the outcome.
/// - Throws: ``AgentError``; its ranges lie in `work`. ``conclude(_:work:log:)`` puts it in words.
public func enrol<
    Key: DeviceKey & ~Copyable, let caCapacity: Int, T: Transport & ~Copyable, C: Clock & ~Copyable,
    S: SnapshotStorage & ~Copyable, L: Log & ~Copyable
>(
    _ agent: inout Agent<Key, caCapacity>, configuration: borrowing Configuration, transport: inout T,
    clock: inout C, store: inout IdentityStore<S>, log: inout L, random: inout RandomGenerator,
    work: inout MutableSpan<UInt8>, traffic: inout Traffic
) throws(AgentError) {
    try agent.start(configuration: configuration, store: &store, work: &work)
    while true {
        let action = try agent.step(
            configuration: configuration, uptime: clock.uptime, work: &work, random: &random)
        switch action {
        case .generateKey(let algorithm):
            announce(algorithm, &log)
            try agent.generateKey(algorithm, random: &random)
        case .exchange(let operation, let payload):
            announce(operation, &log)
            let response: Response
            do throws(ExchangeError) {
                response = try send(
                    operation, payload, configuration, &transport, clock, &work, &traffic)
            } catch {
                try agent.failed(error, to: operation)
                continue
            }
            try agent.received(
                response, to: operation, configuration: configuration, time: clock.time, work: &work,
                random: &random)
        case .store:
            announce("writing to storage", &log)
            try agent.store(in: &store, work: &work)
        case .sleep(let milliseconds):
            announce(pending: milliseconds, &log)
            clock.sleep(milliseconds: milliseconds)
        case .ready:
            warn(agent.policy.used, agent.timeWasUnknown, &log)
            return
        }
    }
}

private func send<T: Transport & ~Copyable, C: Clock & ~Copyable>(
    _ operation: Operation, _ payload: AgentPayload, _ configuration: borrowing Configuration,
    _ transport: inout T, _ clock: borrowing C, _ work: inout MutableSpan<UInt8>, _ traffic: inout Traffic
) throws(ExchangeError) -> Response {
    guard let url = try? ServerURL(configuration.url) else { throw .notSecured }
    let message: Request.Message
    switch payload {
    case .none: message = .none
    case .get(let range): message = .base64(range)
    case .post(let range): message = .body(range)
    }
    let name: StaticString
    switch operation {
    case .getCACaps: name = "GetCACaps"
    case .getCACert: name = "GetCACert"
    case .pkcsReq, .certPoll: name = "PKIOperation"
    }
    let deadline = clock.uptime &+ widened(UInt32(configuration.timeoutSeconds)) &* 1000
    return try exchange(
        name, message, with: url, in: &work, deadline: deadline, over: &transport, clock: clock, traffic: &traffic)
}
