import FlyingSocks
import Foundation

/// A client that sends bytes and takes what comes, to see what is really on the wire.
struct Wire {
    let socket: AsyncSocket

    init(port: UInt16) async throws {
        socket = try await AsyncSocket.connected(to: .inet(ip4: "127.0.0.1", port: port), timeout: 60)
    }

    func send(_ head: String, _ body: [UInt8] = []) async throws {
        try await socket.write(Data([UInt8](head.utf8) + body))
    }

    /// Everything until the server closes the connection, at most `limit` bytes.
    func rest(limit: Int = 1 << 20) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            while bytes.count < limit { bytes += try await socket.read(atMost: 4096) }
        } catch SocketError.disconnected {
            return bytes
        }
        return bytes
    }

    func close() throws { try socket.close() }

    /// One exchange over a connection of its own.
    static func exchange(port: UInt16, _ head: String, _ body: [UInt8] = []) async throws -> Response {
        let wire = try await Wire(port: port)
        do {
            try await wire.send(head, body)
            let response = Response(try await wire.rest())
            try wire.close()
            return response
        } catch {
            try? wire.close()
            throw error
        }
    }

    static func post(port: UInt16, _ message: [UInt8], version: String = "HTTP/1.0") async throws -> Response {
        try await exchange(
            port: port,
            "POST /scep?operation=PKIOperation \(version)\r\nHost: ca\r\nContent-Type: application/x-pki-message\r\n"
                + "Connection: close\r\nContent-Length: \(message.count)\r\n\r\n", message)
    }
}

/// An HTTP answer, split where its head ends.
struct Response {
    let statusLine: String
    let fields: [String]
    let body: [UInt8]

    init(_ bytes: [UInt8]) {
        let end = bytes.indices.dropLast(3).first { Array(bytes[$0..<$0 + 4]) == [13, 10, 13, 10] } ?? bytes.count
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
        statusLine = lines.first ?? ""
        fields = Array(lines.dropFirst())
        body = [UInt8](bytes.dropFirst(end + 4))
    }
}
