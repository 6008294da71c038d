import Authority
import FlyingSocks

/// Reads HTTP/1.0 and 1.1 requests with a Content-Length (RFC 9112).
enum RequestReader {
    /// A GET carries a whole pkiMessage in its request line.
    static let longestHead = 256 * 1024
    static let longestBody = 4 * 1024 * 1024

    struct Read: Sendable {
        let request: Request
        /// `HTTP/1.0` or `HTTP/1.1`.
        let version: String
        let keepsAlive: Bool
        /// What came after the request.
        let rest: [UInt8]
    }

    /// A request that is answered with an error and the end of the connection.
    struct Refusal: Error {
        let status: Int
        let text: String
    }

    /// The next request, or nil when the client closed the connection between two.
    static func next(from socket: AsyncSocket, buffered: [UInt8], peer: String) async throws -> Read? {
        var buffer = buffered
        var end = endOfHead(in: buffer, from: 0)
        while end == nil {
            guard buffer.count <= longestHead else {
                throw Refusal(status: 431, text: "the request's head is longer than \(longestHead) bytes")
            }
            let before = buffer.count
            do {
                buffer += try await socket.read(atMost: 4096)
            } catch SocketError.disconnected where buffer.isEmpty {
                return nil
            }
            end = endOfHead(in: buffer, from: max(before - 3, 0))
        }
        guard let end else { return nil }
        let head = try Head(buffer[..<end])
        buffer.removeFirst(end + 4)
        let length = try head.bodyLength()
        if head.value(of: "expect")?.lowercased() == "100-continue" {
            try await socket.write(.init("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        while buffer.count < length {
            buffer += try await socket.read(atMost: min(length - buffer.count, 4096))
        }
        let request = Request(head, body: buffer.prefix(length), peer: peer)
        let connection = head.value(of: "connection")?.lowercased() ?? ""
        let keepsAlive =
            head.version == "HTTP/1.1" ? !connection.contains("close") : connection.contains("keep-alive")
        return Read(
            request: request, version: head.version, keepsAlive: keepsAlive, rest: [UInt8](buffer.dropFirst(length)))
    }

    /// Where the empty line begins that ends a head: the first of its four bytes CR LF CR LF.
    fileprivate static func endOfHead(in buffer: [UInt8], from start: Int) -> Int? {
        guard buffer.count >= 4 else { return nil }
        return (start..<max(buffer.count - 3, start)).first {
            buffer[$0] == 13 && buffer[$0 + 1] == 10 && buffer[$0 + 2] == 13 && buffer[$0 + 3] == 10
        }
    }
}

extension Request {
    /// Reads a whole HTTP/1.0 request, as a device writes it; nil if it is anything else.
    public init?(http bytes: [UInt8]) {
        guard let end = RequestReader.endOfHead(in: bytes, from: 0), let head = try? Head(bytes[..<end]),
            head.version == "HTTP/1.0", let length = try? head.bodyLength(), bytes.count == end + 4 + length
        else { return nil }
        self.init(head, body: bytes[(end + 4)...])
    }

    fileprivate init(_ head: Head, body: ArraySlice<UInt8>, peer: String = "-") {
        self.init(
            method: head.method, path: head.path, query: head.query, mediaType: head.value(of: "content-type"),
            body: [UInt8](body), peer: peer)
        host = head.value(of: "host")
    }
}

/// A request line and its header fields.
private struct Head {
    let method: String
    let path: String
    let query: String
    let version: String
    private let fields: [(name: String, value: String)]

    init(_ bytes: ArraySlice<UInt8>) throws(RequestReader.Refusal) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let parts = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, ["HTTP/1.0", "HTTP/1.1"].contains(parts[2]) else {
            throw RequestReader.Refusal(status: 400, text: "no HTTP request line: \(lines[0].prefix(100))")
        }
        method = String(parts[0])
        version = String(parts[2])
        let target = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(target[0])
        query = target.count > 1 ? String(target[1]) : ""
        var fields: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else {
                throw RequestReader.Refusal(status: 400, text: "no header field: \(line.prefix(100))")
            }
            fields.append((line[..<colon].lowercased(), trimmed(line[line.index(after: colon)...])))
        }
        self.fields = fields
    }

    func value(of name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    func bodyLength() throws(RequestReader.Refusal) -> Int {
        guard value(of: "transfer-encoding") == nil else {
            throw RequestReader.Refusal(status: 411, text: "a chunked request is refused, as IIS does")
        }
        guard let text = value(of: "content-length") else {
            guard method != "POST" else {
                throw RequestReader.Refusal(status: 411, text: "a POST needs a Content-Length")
            }
            return 0
        }
        guard let length = Int(text), length >= 0 else {
            throw RequestReader.Refusal(status: 400, text: "Content-Length is \(text.prefix(20))")
        }
        guard length <= RequestReader.longestBody else {
            throw RequestReader.Refusal(
                status: 413, text: "the body is longer than \(RequestReader.longestBody) bytes")
        }
        return length
    }
}

/// `text` without spaces and tabs at its ends.
private func trimmed(_ text: Substring) -> String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    guard let first = text.firstIndex(where: { !isBlank($0) }), let last = text.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(text[first...last])
}
