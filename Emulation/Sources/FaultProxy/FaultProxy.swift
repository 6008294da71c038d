import Authority
import Foundation
import Interference
import Synchronization

/// An HTTP server that stands before a real one, or in its place, and does to its replies what real ones never do.
///
/// It works on raw sockets of 127.0.0.1, since it must be able to send what no HTTP library would. Each connection is one
/// exchange.
public final class FaultProxy: Sendable {
    public struct Request: Sendable {
        /// Counted from 1, in the order in which they came in.
        public let number: Int
        /// As received, from the request line to the end of the body.
        public let bytes: [UInt8]
        /// The value of the query's `operation`; nil if it is none of SCEP's.
        public let operation: CAOperation?
    }

    /// What comes in answer to a request; nil closes the connection with nothing.
    public typealias Handler = @Sendable (Request, FaultProxy) throws -> Delivery?

    public let port: UInt16
    private let listener: Socket
    private let upstream: UInt16?
    private let handler: Handler
    private let open = Mutex<Set<Socket>>([])
    private let count = Mutex(0)

    /// - Parameter upstream: the port of the real server.
    public init(port: UInt16 = 0, upstream: UInt16? = nil, handler: @escaping Handler) throws {
        (listener, self.port) = try Socket.listening(on: port)
        self.upstream = upstream
        self.handler = handler
        Thread.detachNewThread { [self] in serve() }
    }

    /// Passes all on to a real server, but for what is interfered with. What goes by is listened to, and can be replayed.
    ///
    /// - Parameters:
    ///   - upstream: the port of the real server.
    ///   - interference: what to do to an exchange.
    public convenience init(
        port: UInt16 = 0, upstream: UInt16,
        interfering interference: @escaping @Sendable (Request) -> Interference?
    ) throws {
        let heard = Heard()
        try self.init(port: port, upstream: upstream) { request, proxy in
            let interference = interference(request)
            guard let operation = request.operation, interference != .requestLost else { return nil }
            let reply = try proxy.forward(request)
            let recordings = heard.take(reply, to: operation)
            return interference.map { $0.deliver(reply, to: operation, recordings) } ?? Delivery(reply)
        }
    }

    /// Requests that came in up to now.
    public var exchanges: Int { count.withLock { $0 } }

    /// Ends it; connections that are being held are closed.
    public func stop() {
        listener.shutDown()
        open.withLock { $0.forEach { $0.shutDown() } }
    }

    /// What the real server answers.
    public func forward(_ request: Request) throws -> [UInt8] {
        guard let upstream else { throw Socket.End.refused }
        return try Socket.exchange(request.bytes, port: upstream)
    }

    private func serve() {
        while let connection = listener.accepted(limit: 120) {
            open.withLock { _ = $0.insert(connection) }
            Thread.detachNewThread { [self] in
                let delivery = request(from: connection).flatMap { try? handler($0, self) }
                if let delivery { connection.send(delivery) }
                open.withLock { _ = $0.remove(connection) }
                if case .reset = delivery?.end { connection.abort() } else { connection.close() }
            }
        }
        listener.close()
    }

    private func request(from connection: Socket) -> Request? {
        var bytes: [UInt8] = []
        while bytes.count < 1 << 16 {
            if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let fields = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
                let length =
                    fields.first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)) }
                if bytes.count >= end.upperBound + (length ?? 0) {
                    let target = fields.first?.split(separator: " ").dropFirst().first ?? ""
                    let word = target.split { "?&".contains($0) }.first { $0.hasPrefix("operation=") }
                    let number = count.withLock { count in
                        count += 1
                        return count
                    }
                    return Request(
                        number: number, bytes: bytes,
                        operation: word.flatMap { CAOperation(rawValue: String($0.dropFirst("operation=".count))) })
                }
            }
            guard let part = try? connection.receive() else { return nil }
            bytes += part
        }
        return nil
    }
}

/// What went by, for replays.
private final class Heard: Sendable {
    private struct State {
        var recordings = Interference.Recordings()
        var previous: [UInt8]?
    }

    private let state = Mutex(State())

    /// Takes note of a reply.
    ///
    /// - Returns: what was heard before it.
    func take(_ reply: [UInt8], to operation: CAOperation) -> Interference.Recordings {
        state.withLock { state in
            var before = state.recordings
            before[.reordered, operation] = state.previous
            state.recordings[.stale, operation] = reply
            state.previous = reply
            return before
        }
    }
}

/// The two halves of an HTTP reply; the header with its empty line.
public func parts(of reply: [UInt8]) -> (header: [UInt8], body: [UInt8]) {
    let end = reply.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? 0
    return (Array(reply[..<end]), Array(reply[end...]))
}
