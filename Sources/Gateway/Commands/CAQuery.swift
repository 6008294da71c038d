import Agent
import Board
import Bytes
import HTTP
import LinuxBoard
import Output
import PKIX
import SCEP

/// Questions that anybody may ask a CA: GetCACaps, GetCACert.
struct CAQuery: ~Copyable {
    let url: Text
    private let message: Text?
    private let milliseconds: UInt64
    private let clock = SystemClock()
    private var transport: GatewayTransport
    /// What came.
    private(set) var work: [UInt8] = []

    /// Space for a reply.
    private static func makeWork() -> [UInt8] { [UInt8](repeating: 0, count: 65_536) }

    /// - Parameter operands: a URL, perhaps, which stands before the one that is set.
    init(_ settings: Settings, _ operands: [Text]) throws(Failure) {
        guard operands.count <= 1 else { throw Failure(.usage, "bad-operand", "there is more than one URL") }
        let named: Text
        if let operand = operands.first {
            named = operand
        } else {
            named = try settings.required(.url)
        }
        let seconds = try settings.number(.timeout, 1...600)
        let transport = try GatewayTransport(settings, clock: clock)
        url = named
        message = settings[.message]
        milliseconds = UInt64(seconds) * 1000
        self.transport = transport
    }

    var time: Moment { clock.time.map { .exact($0) } ?? .unknown }

    /// - Returns: where the body of the reply stands in ``work``.
    mutating func ask(_ name: StaticString, as operation: Operation) throws(Failure) -> Range<Int> {
        let url = url
        let address: ServerURL
        do throws(ServerURLError) {
            address = try ServerURL(url.span)
        } catch {
            var text = Text("'")
            text.append(printable: url.span)
            text.append("' is no URL of a SCEP service: it looks like http://ca.example/scep")
            throw Failure(.usage, "bad-url", text)
        }
        let response: Response
        var work = Self.makeWork()
        defer { self.work = work }
        do {
            var buffer = work.mutableSpan
            do throws(ExchangeError) {
                response = try send(name, address, &buffer)
            } catch {
                throw Failure(.exchange(operation, error), buffer.span, url: url)
            }
        }
        guard response.status == 200 else {
            throw failure(.status(operation, response.status, text: response.body), work.span)
        }
        return response.body
    }

    /// Why a question had no good answer. Whether the path of the URL may be wrong is seen by another question.
    mutating func failure(_ error: AgentError, _ work: Span<UInt8>) -> Failure {
        var knowsCapabilities = false
        switch error {
        case .status(.getCACert, 400..<500, _), .scep(.getCACert, .reply, _): knowsCapabilities = answersCapabilities()
        default: break
        }
        return Failure(error, work, url: url, knowsCapabilities: knowsCapabilities)
    }

    /// Whether the server says at the same URL what the CA can do.
    private mutating func answersCapabilities() -> Bool {
        let url = url
        guard let address = try? ServerURL(url.span) else { return false }
        var work = Self.makeWork()
        var buffer = work.mutableSpan
        guard let response = try? send("GetCACaps", address, &buffer), response.status == 200 else { return false }
        return Capabilities(buffer.span.extracting(response.body)) != Capabilities()
    }

    private mutating func send(
        _ name: StaticString, _ address: ServerURL, _ buffer: inout MutableSpan<UInt8>
    ) throws(ExchangeError) -> Response {
        var traffic = Traffic()
        let deadline = clock.uptime + milliseconds
        guard let message else {
            return try exchange(
                name, .none, with: address, in: &buffer, deadline: deadline, over: &transport, clock: clock,
                traffic: &traffic)
        }
        return try exchange(
            name, .text(message.span), with: address, in: &buffer, deadline: deadline, over: &transport, clock: clock,
            traffic: &traffic)
    }
}
