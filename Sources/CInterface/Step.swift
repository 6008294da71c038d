// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Agent
import Board
import CSCEP
import HTTP

@c @implementation
public func scep_step(_ agent: UnsafeMutablePointer<scep_agent>?, _ want: UnsafeMutablePointer<scep_want>?)
    -> scep_status
{
    guard let instance = Instance.enterForWork(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let want else { return instance.pointee.refuse(SCEP_USAGE, "usage: want is NULL") }
    guard case .none = instance.pointee.duty else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: what the last step wanted was not done")
    }
    do throws(AgentError) {
        try instance.pointee.step(&want.pointee)
        if case .send(let operation, let payload) = instance.pointee.duty {
            try instance.pointee.describe(operation, payload, &want.pointee)
        }
    } catch {
        return instance.pointee.stop(error)
    }
    return scep_status(SCEP_OK)
}

@c @implementation
public func scep_go_on(_ agent: UnsafeMutablePointer<scep_agent>?) -> scep_status {
    guard let instance = Instance.enterForWork(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    do throws(AgentError) {
        guard try instance.pointee.goOn() else {
            return instance.pointee.refuse(SCEP_USAGE, "usage: neither a key nor storage is waited for")
        }
    } catch {
        return instance.pointee.stop(error)
    }
    return scep_status(SCEP_OK)
}

@c @implementation
public func scep_target(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ target: UnsafeMutablePointer<CChar>?, _ size: Int
) -> scep_status {
    guard let instance = Instance.enter(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let target else { return instance.pointee.refuse(SCEP_USAGE, "usage: target is NULL") }
    let space = UnsafeMutableRawPointer(target).assumingMemoryBound(to: UInt8.self)
    var bytes = MutableSpan(_unsafeElements: UnsafeMutableBufferPointer(start: space, count: max(size, 0)))
    guard let count = instance.pointee.writeTarget(to: &bytes) else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: nothing is to be sent")
    }
    guard count < size else {
        if size > 0 { bytes[0] = 0 }
        return instance.pointee.refuse(SCEP_TOO_SMALL, "too-small: target takes target_size bytes and a 0")
    }
    bytes[count] = 0
    return scep_status(SCEP_OK)
}

@c @implementation
public func scep_reply(
    _ agent: UnsafeMutablePointer<scep_agent>?, _ reply: UnsafePointer<scep_http_reply>?
) -> scep_status {
    guard let instance = Instance.enterForWork(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard let reply = reply?.pointee, reply.body != nil || reply.body_size == 0 else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: the reply or its body is NULL")
    }
    guard case .send(let operation, _) = instance.pointee.duty else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: no reply is waited for")
    }
    guard 200...999 ~= reply.status else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: a reply's status is 200 to 999")
    }
    guard instance.pointee.reader == nil else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: the reply has begun to come in pieces")
    }
    instance.pointee.duty = .none
    do throws(AgentError) {
        try instance.pointee.take(reply, to: operation)
    } catch {
        return instance.pointee.stop(error)
    }
    return scep_status(SCEP_OK)
}

@c @implementation
public func scep_no_reply(_ agent: UnsafeMutablePointer<scep_agent>?, _ reason: Int32) -> scep_status {
    guard let instance = Instance.enterForWork(agent) else { return scep_status(SCEP_USAGE) }
    defer { instance.pointee.isBusy = false }
    guard case .send(let operation, _) = instance.pointee.duty else {
        return instance.pointee.refuse(SCEP_USAGE, "usage: no reply is waited for")
    }
    let error = TransportError(reason: reason)
    let hasBegun = instance.pointee.reader != nil
    // A server that refuses a request unread says why, and then breaks the stream.
    if error == .reset, let reader = instance.pointee.reader, reader.response.status >= 400 {
        let nothing = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        return instance.pointee.receive(nothing, operation)
    }
    instance.pointee.duty = .none
    do throws(AgentError) {
        try instance.pointee.fail(hasBegun ? .receiving(error) : .connecting(error), to: operation)
    } catch {
        return instance.pointee.stop(error)
    }
    return scep_status(SCEP_OK)
}

extension Instance {
    /// Ends the run with an error.
    mutating func stop(_ error: AgentError) -> scep_status {
        isRunning = false
        duty = .none
        agent.end(error)
        tell()
        return fail(error)
    }

    private mutating func tell() {
        let text = Span(_unsafeElements: text)
        let work = Span(_unsafeElements: UnsafeBufferPointer(work))
        // It was read before.
        guard let configuration = try? Configuration(text) else { return }
        agent.logEvent(configuration, uptime: PlatformClock(platform).uptime, work, &log)
    }

    mutating func step(_ want: inout scep_want) throws(AgentError) {
        let clock = PlatformClock(platform)
        var work = MutableSpan(_unsafeElements: work)
        let text = Span(_unsafeElements: text)
        let configuration = try Self.read(text)
        want = scep_want()
        if !isRunning {
            try agent.start(configuration: configuration, store: &store, work: &work)
            isRunning = true
        }
        agent.logEvent(configuration, uptime: clock.uptime, work.span, &log)
        let action = try agent.step(
            configuration: configuration, clock: clock.time, uptime: clock.uptime, store: &store, work: &work,
            random: &random)
        switch action {
        case .generateKey(let algorithm):
            if !agent.isKeyBegun { log.logStep(.makingKey(algorithm)) }
            duty = .makeKey(algorithm)
            want.task = SCEP_MAKE_KEY
        case .store:
            log.logStep(.storing)
            duty = .store
            want.task = SCEP_STORE
        case .sleep(let milliseconds):
            agent.logEvent(configuration, uptime: clock.uptime, work.span, &log)
            switch agent.next(configuration, clock.uptime) {
            case .poll: log.logStep(.waiting(.poll, milliseconds: milliseconds))
            case .retry: log.logStep(.waiting(.retry, milliseconds: milliseconds))
            default:
                warn(agent, &log)
                log.logStep(.waiting(.nextAction, milliseconds: milliseconds))
            }
            want.task = SCEP_SLEEP
            want.milliseconds = milliseconds
        case .ready:
            isRunning = false
            warn(agent, &log)
            want.task = SCEP_READY
        case .exchange(let operation, let payload):
            log.logStep(.exchange(operation))
            duty = .send(operation, payload)
            reader = nil
            want.task = SCEP_SEND
        }
    }

    /// Says what is to be sent.
    fileprivate func describe(
        _ operation: Operation, _ payload: AgentPayload, _ want: inout scep_want
    ) throws(AgentError) {
        let text = Span(_unsafeElements: text)
        let work = Span(_unsafeElements: UnsafeBufferPointer(work))
        let configuration = try Self.read(text)
        guard let url = try? ServerURL(configuration.url) else { throw .exchange(operation, .notSecured) }
        let request = Request(operation.requestName, payload.message(configuration), to: url, in: work)
        want.target_size = request.targetLength
        want.head_size = request.length &- request.body.count
        if case .post(let range) = payload {
            want.is_post = 1
            want.body = UnsafePointer(self.work.baseAddress)?.advanced(by: range.lowerBound)
            want.body_size = range.count
        }
        want.is_https = url.scheme == .https ? 1 : 0
        want.port = url.port
        want.host_size = url.host.count
        want.host = url.host.withUnsafeBytes { $0.baseAddress?.assumingMemoryBound(to: CChar.self) }
    }

    mutating func goOn() throws(AgentError) -> Bool {
        var work = MutableSpan(_unsafeElements: work)
        let text = Span(_unsafeElements: text)
        let configuration = try Self.read(text)
        switch duty {
        case .none, .send: return false
        case .makeKey(let algorithm):
            duty = .none
            try agent.generateKey(algorithm, configuration: configuration, random: &random)
        case .store:
            duty = .none
            try agent.store(configuration: configuration, in: &store, work: &work, random: &random)
        }
        return true
    }

    /// - Returns: bytes of the target, of which as many were written as fit; nil if there is none.
    fileprivate mutating func writeTarget(to bytes: inout MutableSpan<UInt8>) -> Int? {
        let text = Span(_unsafeElements: text)
        let work = Span(_unsafeElements: UnsafeBufferPointer(work))
        guard case .send(let operation, let payload) = duty, let configuration = try? Self.read(text),
            let url = try? ServerURL(configuration.url)
        else { return nil }
        return Request(operation.requestName, payload.message(configuration), to: url, in: work)
            .copyTarget(to: &bytes)
    }

    fileprivate mutating func take(_ reply: scep_http_reply, to operation: Operation) throws(AgentError) {
        // One byte more shows that nothing is missing, as where the client reads replies itself.
        guard 0..<work.count ~= reply.body_size else {
            return try fail(
                .reply(HTTPError(.bodyTooLarge, at: 0, size: max(0, min(reply.body_size, HTTPError.largestSize)))),
                to: operation)
        }
        // The fields may stand in the work buffer, too.
        let response: Response
        do throws(HTTPError) {
            response = try Response(
                status: reply.status, contentType: Self.field(reply.content_type),
                date: Self.field(reply.date), body: reply.body_size)
        } catch {
            return try fail(.reply(error), to: operation)
        }
        if let body = reply.body {
            UnsafeMutableRawPointer(work.baseAddress)?.copyMemory(from: body, byteCount: reply.body_size)
        }
        try take(response, to: operation)
    }

    /// Takes a reply whose body stands in the work buffer.
    mutating func take(_ response: Response, to operation: Operation) throws(AgentError) {
        var work = MutableSpan(_unsafeElements: work)
        let text = Span(_unsafeElements: text)
        let configuration = try Self.read(text)
        try agent.received(
            response, to: operation, configuration: configuration, store: &store, work: &work, random: &random)
    }

    mutating func fail(_ error: ExchangeError, to operation: Operation) throws(AgentError) {
        let text = Span(_unsafeElements: text)
        let configuration = try Self.read(text)
        try agent.failed(error, to: operation, configuration: configuration, random: &random)
    }

    /// A field's value, of 128 bytes at most.
    @_lifetime(immortal)
    private static func field(_ value: UnsafePointer<CChar>?) -> Span<UInt8> {
        guard let value else { return Span() }
        var count = 0
        while count < 128, value[count] != 0 { count &+= 1 }
        let bytes = UnsafeRawPointer(value).assumingMemoryBound(to: UInt8.self)
        let span = Span(_unsafeStart: bytes, count: count)
        return _overrideLifetime(span, borrowing: ())
    }

    /// What comes next, and when.
    func next() throws(AgentError) -> Event.Next {
        let text = Span(_unsafeElements: text)
        return agent.next(try Self.read(text), PlatformClock(platform).uptime)
    }

    @_lifetime(copy text)
    static func read(_ text: Span<UInt8>) throws(AgentError) -> Configuration {
        do throws(ConfigurationError) {
            return try Configuration(text)
        } catch {
            throw .configuration(error)
        }
    }
}
