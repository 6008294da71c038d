import Agent
import Board
import Bytes
import HTTP

/// The way to the CA by an HTTP client that is not the agent's: a modem's commands, or a library.
struct HTTPClient {
    private let modem = Modem()

    /// Sends a request, and puts the reply's body where the request was: at the front of the work buffer.
    func exchange(
        _ operation: Operation, _ payload: AgentPayload, _ configuration: borrowing Configuration,
        _ work: inout MutableSpan<UInt8>
    ) throws(ExchangeError) -> Response {
        guard let url = try? ServerURL(configuration.url), url.scheme == .http else { throw .notSecured }
        guard let reply = send(operation, payload, configuration, url, work.span) else { throw .receiving(.timedOut) }
        // One byte less than the buffer, so that a reply that was cut off is not taken for a whole one.
        guard reply.body.count < work.count else { throw .receiving(.exhausted) }
        for index in reply.body.indices { work[index] = reply.body[index] }
        do throws(HTTPError) {
            return try Response(
                status: reply.status, contentType: reply.contentType.span, date: reply.date.span,
                body: reply.body.count)
        } catch {
            throw .reply(error)
        }
    }

    private func send(
        _ operation: Operation, _ payload: AgentPayload, _ configuration: borrowing Configuration, _ url: ServerURL,
        _ work: Span<UInt8>
    ) -> Modem.Reply? {
        let request = Request(operation.requestName, payload.message(configuration), to: url, in: work)
        var target = [UInt8](repeating: 0, count: request.targetLength)
        var span = target.mutableSpan
        _ = request.copyTarget(to: &span)
        return modem.send(
            host: bytes(url.host), port: url.port, target: target, body: request.isPost ? bytes(request.body) : nil,
            seconds: configuration.timeoutSeconds)
    }

    private func bytes(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }
}
