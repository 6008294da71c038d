import Foundation
import Synchronization

/// An HTTP server that stands before a real one, or in its place, and does to its replies what real ones never do.
///
/// It works on raw sockets, since it must be able to send what no HTTP library would.
final class Impostor: Sendable {
    struct Request: Sendable {
        /// As received, from the request line to the end of the body.
        let bytes: [UInt8]
        /// The value of the query's `operation`.
        let operation: String
    }

    enum Answer: Sendable {
        /// These bytes, then the end of the stream.
        case bytes([UInt8])
        /// Nothing, until the far side gives up.
        case silence
        /// The stream is broken off (RST) after these bytes.
        case broken(after: [UInt8])
    }

    typealias Handler = @Sendable (Request, Impostor) throws -> Answer

    let port: UInt16
    private let listener: Socket
    private let upstream: UInt16?
    private let handler: Handler
    private let open = Mutex<Set<Socket>>([])

    /// - Parameter upstream: the port of the real server.
    init(upstream: UInt16? = nil, handler: @escaping Handler) throws {
        (listener, port) = try Socket.listening()
        self.upstream = upstream
        self.handler = handler
        Thread.detachNewThread { [self] in serve() }
    }

    /// Ends it; connections that are being held are closed.
    func stop() {
        listener.shutDown()
        open.withLock { $0.forEach { $0.shutDown() } }
    }

    /// What the real server answers.
    func forward(_ request: Request) throws -> [UInt8] {
        guard let upstream else { throw Socket.End.refused }
        return try Socket.exchange(request.bytes, port: upstream)
    }

    private func serve() {
        while let connection = listener.accepted(limit: 120) {
            open.withLock { _ = $0.insert(connection) }
            Thread.detachNewThread { [self] in
                let answer = Self.request(from: connection).flatMap { try? handler($0, self) }
                switch answer {
                case .bytes(let bytes), .broken(let bytes): connection.send(bytes)
                case .silence: while let bytes = try? connection.receive(), !bytes.isEmpty {}
                case nil: break
                }
                open.withLock { _ = $0.remove(connection) }
                if case .broken = answer { connection.abort() } else { connection.close() }
            }
        }
        listener.close()
    }

    private static func request(from connection: Socket) -> Request? {
        var bytes: [UInt8] = []
        while bytes.count < 1 << 16 {
            if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let fields = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
                let length =
                    fields.first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)) }
                if bytes.count >= end.upperBound + (length ?? 0) {
                    let target = fields.first?.split(separator: " ").dropFirst().first ?? ""
                    let operation = target.split { "?&".contains($0) }.first { $0.hasPrefix("operation=") }
                    return Request(bytes: bytes, operation: String(operation?.dropFirst("operation=".count) ?? ""))
                }
            }
            guard let part = try? connection.receive() else { return nil }
            bytes += part
        }
        return nil
    }
}

/// The two halves of an HTTP reply; the header with its empty line.
func parts(of reply: [UInt8]) -> (header: [UInt8], body: [UInt8]) {
    let end = reply.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? 0
    return (Array(reply[..<end]), Array(reply[end...]))
}
