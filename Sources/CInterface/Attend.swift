// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Agent
import Board
import Bytes
import CSCEP
import HTTP

@c @implementation
public func scep_attend(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ transport: UnsafePointer<scep_transport>?
) -> scep_status {
    guard let instance = Instance.enterForWork(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let transport, PlatformTransport.isUsable(transport) else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: a transport has connect, send, receive and close")
    }
    // Whatever was begun step by step is begun again: it is stored as far as it has come.
    instance.pointee.isRunning = false
    instance.pointee.duty = .none
    do throws(AgentError) {
        return try instance.pointee.attend(PlatformTransport(transport))
    } catch {
        return instance.pointee.stop(error)
    }
}

extension Instance {
    /// Does what each step wants, until nothing is left, or there is a wait that nobody waits.
    fileprivate mutating func attend(_ transport: PlatformTransport) throws(AgentError) -> scep_status {
        var transport = transport
        var clock = PlatformClock(platform)
        var want = scep_want()
        while true {
            try step(&want)
            switch duty {
            case .send(let operation, let payload):
                duty = .none
                try exchange(operation, payload, &transport, clock)
            case .makeKey, .store: _ = try goOn()
            case .none:
                guard want.task == SCEP_SLEEP else { return scep_status(SCEP_OK) }
                guard platform.sleep != nil else {
                    isRunning = false
                    return try end(inPlaceOf: next())
                }
                clock.sleep(milliseconds: want.milliseconds)
            }
        }
    }

    private mutating func exchange(
        _ operation: Operation, _ payload: AgentPayload, _ transport: inout PlatformTransport, _ clock: PlatformClock
    ) throws(AgentError) {
        var work = MutableSpan(_unsafeElements: work)
        let text = Span(_unsafeElements: text)
        let configuration = try Self.read(text)
        let response: Response
        do throws(ExchangeError) {
            guard let url = try? ServerURL(configuration.url) else { throw .notSecured }
            response = try Board.exchange(
                operation.requestName, payload.message(configuration), with: url, in: &work,
                limits: operation.responseLimits,
                deadline: clock.uptime &+ widened(UInt32(configuration.timeoutSeconds)) &* 1000, over: &transport,
                clock: clock,
                traffic: &traffic)
        } catch {
            return try agent.failed(error, to: operation, configuration: configuration, random: &random)
        }
        try agent.received(
            response, to: operation, configuration: configuration, store: &store, work: &work, random: &random)
    }

    /// What a run returns that ends in place of a wait.
    private mutating func end(inPlaceOf next: Event.Next) -> scep_status {
        switch next {
        case .poll: return refuse(SCEP_PENDING, "pending: the CA has not decided; scep_next says when to ask again")
        case .retry:
            guard let failed = log.failure else {
                return refuse(SCEP_AGAIN, "again: what failed before has its next try when scep_next says")
            }
            _ = fail(failed)
            return scep_status(SCEP_AGAIN)
        case .nothing, .renew, .nextCA, .takeOver: return scep_status(SCEP_OK)
        }
    }
}
