import Authority
import FlyingSocks
import Foundation

/// Speaks to the administration API of an authority that runs in another process on this machine.
public struct AdministrationClient: Sendable {
    private let port: UInt16

    public init(port: UInt16) {
        self.port = port
    }

    /// Sends a request and returns the text of the answer; one that is not 200 is an error with that text.
    public func send(_ method: String, path: [String], parameters: [String: String] = [:]) async throws -> String {
        let target = path.map { "/" + Self.encoded($0) }.joined()
        let query = parameters.map { "\(Self.encoded($0.key))=\(Self.encoded($0.value))" }.joined(separator: "&")
        let request = """
            \(method) \(target)\(query.isEmpty ? "" : "?" + query) HTTP/1.0\r
            Host: 127.0.0.1:\(port)\r
            Content-Length: 0\r
            \r

            """
        let socket: AsyncSocket
        do {
            socket = try await AsyncSocket.connected(to: .inet(ip4: "127.0.0.1", port: port), timeout: 60)
        } catch {
            throw CAConfigurationError("no authority listens for administrators on port \(port): see --admin-port")
        }
        defer { try? socket.close() }
        try await socket.write(Data(request.utf8))
        var reply: [UInt8] = []
        do {
            while true { reply += try await socket.read(atMost: 4096) }
        } catch SocketError.disconnected {
            // The end of an HTTP/1.0 answer.
        }
        let text = String(decoding: reply, as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        let body = parts.count > 1 ? String(parts[1]) : ""
        guard text.split(separator: " ").dropFirst().first == "200" else {
            throw CAConfigurationError(body.isEmpty ? "the authority gave no answer" : body)
        }
        return body
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }
}
