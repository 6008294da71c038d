/// A CA as far as the relay is concerned: it answers a request, once it is there as a whole, with its body backwards.
enum HTTPServer {
    static func reply(to body: [UInt8]) -> [UInt8] { body.reversed() + [UInt8(truncatingIfNeeded: body.count)] }

    /// - Returns: nil as long as the request is not whole.
    static func answer(_ request: [UInt8]) -> [UInt8]? {
        guard let body = body(request) else { return nil }
        let reply = reply(to: body)
        return [UInt8]("HTTP/1.0 200 OK\r\nContent-Length: \(reply.count)\r\n\r\n".utf8) + reply
    }

    static func body(_ request: [UInt8]) -> [UInt8]? {
        let end: [UInt8] = [13, 10, 13, 10]
        guard let head = request.indices.dropLast(3).first(where: { Array(request[$0..<$0 + 4]) == end }) else {
            return nil
        }
        let lines = String(decoding: request[..<head], as: UTF8.self).split(separator: "\r\n")
        let length = lines.compactMap { $0.hasPrefix("Content-Length: ") ? Int($0.dropFirst(16)) : nil }.first ?? 0
        let body = request[(head + 4)...]
        return body.count >= length ? Array(body.prefix(length)) : nil
    }
}
