import HTTP

/// What went over the line, for the record; add up as many exchanges as you like.
public struct Traffic: Equatable, Sendable {
    /// How many connections were asked for.
    public var exchanges: UInt32 = 0
    /// Bytes of HTTP: no TCP, no TLS.
    public var bytesSent: UInt32 = 0
    public var bytesReceived: UInt32 = 0
    /// What requests are sent as: HTTP/1.0, until a server or a proxy in between refuses that.
    public var version = Request.Version.http10

    public init() {}
}

/// Why an exchange gave no reply, and in which phase.
public enum ExchangeError: Error, Equatable, Sendable {
    /// The URL asks for HTTPS, and this transport is in the clear: nothing was sent.
    case notSecured
    case connecting(TransportError)
    case sending(TransportError)
    /// ``TransportError/reset`` and ``TransportError/timedOut`` can come from an old server that closes the
    /// connection, or keeps silent, on what it does not know.
    case receiving(TransportError)
    /// What came is not a usable reply. Ranges in it lie in the work buffer.
    case reply(HTTPError)
}

/// Sends one request and receives its reply, over a connection of its own that is closed on every path.
///
/// The one work buffer serves both: the message is sent from its range there, and then the reply takes the whole of
/// the buffer, so after this call nothing of the message is left.
///
/// A reply with status 426 (RFC 9110, section 15.5.22) or 505 to a request of HTTP/1.0, which is what some proxies have to
/// say to those, is met with the same request as HTTP/1.1 at once, and in HTTP/1.1 it goes on from there.
///
/// - Parameters:
///   - operation: such as `PKIOperation`; letters only.
///   - message: what goes with it; its range, if it has one, lies in `work`.
///   - work: at least 64 bytes, and one more than the largest body. On return the body is at its front.
///   - deadline: for all of it together, in milliseconds of `clock`'s uptime.
///   - traffic: is added to, whatever the outcome.
public func exchange<T: Transport & ~Copyable, C: Clock & ~Copyable>(
    _ operation: StaticString, _ message: Request.Message, with url: ServerURL, in work: inout MutableSpan<UInt8>,
    limits: ResponseLimits = ResponseLimits(), deadline: UInt64, over transport: inout T, clock: borrowing C,
    traffic: inout Traffic
) throws(ExchangeError) -> Response {
    guard url.scheme == .http || T.isSecuring else { throw .notSecured }
    while true {
        let response = try attempt(
            operation, message, with: url, in: &work, limits: limits, deadline: deadline, over: &transport,
            clock: clock,
            traffic: &traffic)
        if let response { return response }
        traffic.version = .http11
    }
}

/// - Returns: nil if the request has to be sent again, in HTTP/1.1; its message is whole then.
@inline(never)
private func attempt<T: Transport & ~Copyable, C: Clock & ~Copyable>(
    _ operation: StaticString, _ message: borrowing Request.Message, with url: ServerURL,
    in work: inout MutableSpan<UInt8>, limits: ResponseLimits, deadline: UInt64, over transport: inout T,
    clock: borrowing C, traffic: inout Traffic
) throws(ExchangeError) -> Response? {
    defer { transport.close() }
    traffic.exchanges &+= 1
    do throws(TransportError) {
        try transport.connect(to: url, deadline: deadline)
    } catch {
        throw .connecting(error)
    }
    // Up to where a reply may go before it is known that the message is not needed any more.
    let messageStart: Int
    do throws(TransportError) {
        let request = Request(operation, message, to: url, in: work.span, version: traffic.version)
        messageStart = traffic.version == .http10 ? request.messageStart : 0
        try send(request, deadline: deadline, over: &transport, clock: clock, traffic: &traffic)
    } catch {
        throw .sending(error)
    }
    return try receive(
        in: &work, keepingFrom: messageStart, limits: limits, deadline: deadline, over: &transport, clock: clock,
        traffic: &traffic)
}

private func send<T: Transport & ~Copyable, C: Clock & ~Copyable>(
    _ request: Request, deadline: UInt64, over transport: inout T, clock: borrowing C, traffic: inout Traffic
) throws(TransportError) {
    var request = request
    var storage = InlineArray<256, UInt8>(repeating: 0)
    while true {
        var chunk = storage.mutableSpan
        let count = request.readHead(into: &chunk)
        guard count > 0 else { break }
        try check(deadline, clock)
        try transport.send(storage.span.extracting(0..<count), deadline: deadline)
        traffic.bytesSent &+= UInt32(truncatingIfNeeded: count)
    }
    guard !request.body.isEmpty else { return }
    try check(deadline, clock)
    try transport.send(request.body, deadline: deadline)
    traffic.bytesSent &+= UInt32(truncatingIfNeeded: request.body.count)
}

/// - Parameter messageStart: where the message stands that may have to be sent again; 0 if it will not be.
/// - Returns: nil if it has to be.
private func receive<T: Transport & ~Copyable, C: Clock & ~Copyable>(
    in work: inout MutableSpan<UInt8>, keepingFrom messageStart: Int, limits: ResponseLimits, deadline: UInt64,
    over transport: inout T, clock: borrowing C, traffic: inout Traffic
) throws(ExchangeError) -> Response? {
    var reader = ResponseReader(limits: limits, capacity: work.count)
    var mayRepeat = messageStart > 0
    while !reader.isComplete {
        let count: Int
        do throws(TransportError) {
            try check(deadline, clock)
            var free = reader.freeRange
            // A message that leaves no space for the status in front of it is given up for the reply.
            mayRepeat = mayRepeat && reader.response.status < 200 && free.lowerBound < messageStart
            if mayRepeat { free = free.lowerBound..<min(free.upperBound, messageStart) }
            var buffer = work._mutatingExtracting(free)
            count = try transport.receiveSome(into: &buffer, deadline: deadline)
        } catch {
            // A server that refuses a request unread says why, and then breaks the connection.
            guard error == .reset, reader.response.status >= 400 else { throw .receiving(error) }
            count = 0
        }
        traffic.bytesReceived &+= UInt32(truncatingIfNeeded: count)
        do throws(HTTPError) {
            if count > 0 {
                try reader.received(count, in: &work)
            } else {
                try reader.ended(in: &work)
            }
        } catch {
            throw .reply(error)
        }
        if mayRepeat, reader.response.status == 426 || reader.response.status == 505 { return nil }
    }
    return reader.response
}

/// A transport that always has something to do would never notice the time: a server that drips bytes, for one.
private func check<C: Clock & ~Copyable>(_ deadline: UInt64, _ clock: borrowing C) throws(TransportError) {
    guard clock.uptime < deadline else { throw .timedOut }
}
