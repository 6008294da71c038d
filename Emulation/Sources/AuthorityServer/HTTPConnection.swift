import Authority
import FlyingSocks
import Foundation

/// One connection: requests in, answers out, until one side is done.
struct HTTPConnection: Sendable {
    let socket: AsyncSocket
    let style: HTTPStyle
    /// What the Date header tells.
    let clock: @Sendable () -> Date
    let handler: @Sendable (Request) -> Answer

    /// How long a client may take to send a request, or to take in a part of an answer.
    private static let patience = Duration.seconds(60)

    func serve() async {
        let peer: String =
            switch try? socket.socket.remotePeer() {
            case .ip4(let host, _), .ip6(let host, _): host
            default: "-"
            }
        var buffered: [UInt8] = []
        do {
            while true {
                let before = buffered
                let read = try await withDeadline(Self.patience) {
                    try await RequestReader.next(from: socket, buffered: before, peer: peer)
                }
                guard let read else { return }
                buffered = read.rest
                let answer = handler(read.request)
                let keepsAlive = read.keepsAlive && style.framing != .close
                guard try await send(answer, to: read, keepsAlive: keepsAlive), keepsAlive else { return }
            }
        } catch let refusal as RequestReader.Refusal {
            let answer = Answer(status: refusal.status, text: refusal.text)
            let head = head(of: answer, version: "HTTP/1.0", length: answer.body.count, keepsAlive: false)
            try? await write(head + answer.body)
        } catch {
            // The client is gone, or the server is stopping: nobody is left to tell.
        }
    }

    /// Whether the connection may go on.
    private func send(_ answer: Answer, to read: RequestReader.Read, keepsAlive: Bool) async throws -> Bool {
        if answer.delay > 0 { try await Task.sleep(for: .seconds(answer.delay)) }
        if answer.isDropped { return false }
        let version =
            switch style.version {
            case .same: read.version
            case .http10: "HTTP/1.0"
            case .http11: "HTTP/1.1"
            }
        let length = max(answer.body.count, answer.padding ?? 0)
        // Head and body in one write: a second one would wait for the first to be acknowledged.
        let head = head(of: answer, version: version, length: length, keepsAlive: keepsAlive)
        if read.request.method == "HEAD" {
            try await write(head)
            return true
        }
        if let cut = answer.cut {
            try await write(head + answer.body.prefix(cut))
            return false
        }
        if style.framing == .chunked {
            try await write(head + chunked(answer.body))
            return true
        }
        try await write(head + answer.body)
        let zeros = [UInt8](repeating: 0, count: 65_536)
        var missing = length - answer.body.count
        while missing > 0 {
            try await write([UInt8](zeros.prefix(missing)))
            missing -= zeros.count
        }
        return true
    }

    private func head(of answer: Answer, version: String, length: Int, keepsAlive: Bool) -> [UInt8] {
        var lines = [
            "\(version) \(answer.status) \(reason(answer.status))",
            "Server: \(style.server)",
            "Content-Type: \(answer.mediaType)",
            "Connection: \(keepsAlive ? "keep-alive" : "close")",
        ]
        switch style.date {
        case .clock: lines.append("Date: \(httpDate(clock()))")
        case .absent: break
        case .text(let text): lines.append("Date: \(text)")
        }
        switch style.framing {
        case .contentLength: lines.append("Content-Length: \(length)")
        case .chunked: lines.append("Transfer-Encoding: chunked")
        case .close: break
        }
        return [UInt8]((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// In chunks of 1000 bytes.
    private func chunked(_ body: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for start in stride(from: 0, to: body.count, by: 1000) {
            let chunk = body[start..<min(start + 1000, body.count)]
            result += [UInt8]("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + [13, 10]
        }
        return result + [UInt8]("0\r\n\r\n".utf8)
    }

    private func write(_ bytes: [UInt8]) async throws {
        try await withDeadline(Self.patience) { try await socket.write(Data(bytes)) }
    }

    private func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }
}

/// What `body` returns, unless it takes longer than `limit`.
func withDeadline<Result: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() ?? nil else {
            throw RequestReader.Refusal(status: 408, text: "the client took longer than \(limit)")
        }
        return result
    }
}
