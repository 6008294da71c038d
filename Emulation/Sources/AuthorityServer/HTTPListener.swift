import Authority
import FlyingSocks
import Foundation

/// An HTTP server on a socket of its own. It writes its answers itself, since a test authority has to send what a
/// well-mannered HTTP library refuses to: cut bodies, chunks to HTTP/1.0, no answer at all.
final class HTTPListener: Sendable {
    let port: UInt16
    /// Host and port, as in a URL.
    let authority: String
    private let run: Task<Void, Never>

    init(
        bind: String, port: UInt16, style: HTTPStyle, clock: @escaping @Sendable () -> Date,
        handler: @escaping @Sendable (Request) -> Answer
    ) async throws {
        let socket = try Self.listen(bind, port)
        switch try socket.sockname() {
        case .ip4(let host, let port):
            self.port = port
            authority = "\(host == "0.0.0.0" ? "127.0.0.1" : host):\(port)"
        case .ip6(let host, let port):
            self.port = port
            authority = "[\(host == "::" ? "::1" : host)]:\(port)"
        case .unix: throw SocketError.unsupportedAddress
        }
        let pool = SocketPool.ePoll()
        try await pool.prepare()
        let listener = try AsyncSocket(socket: socket, pool: pool)
        run = Task(executorPreference: ServerThreads.shared) {
            await withDiscardingTaskGroup { group in
                group.addTask { _ = try? await pool.run() }
                while !Task.isCancelled {
                    do {
                        let connection = try await listener.accept()
                        closeOnExec(connection.socket)
                        group.addTask {
                            await HTTPConnection(socket: connection, style: style, clock: clock, handler: handler)
                                .serve()
                            try? connection.close()
                        }
                    } catch is CancellationError {
                        break
                    } catch {
                        // Out of descriptors, or a client that left at once: later ones may do better.
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
                group.cancelAll()
            }
            try? listener.close()
        }
    }

    func stop() async {
        run.cancel()
        await run.value
    }

    private static func listen(_ bind: String, _ port: UInt16) throws -> Socket {
        let isIPv6 = bind.contains(":")
        let socket = try Socket(domain: isIPv6 ? AF_INET6 : AF_INET)
        do {
            closeOnExec(socket)
            try socket.setValue(true, for: .localAddressReuse)
            if isIPv6 {
                try socket.bind(to: sockaddr_in6.inet6(ip6: bind, port: port))
            } else {
                try socket.bind(to: sockaddr_in.inet(ip4: bind, port: port))
            }
            try socket.listen()
        } catch {
            try? socket.close()
            throw CAConfigurationError("cannot listen on \(bind) port \(port): \(error.localizedDescription)")
        }
        return socket
    }
}

/// An emulator that this process starts must not keep its sockets open.
private func closeOnExec(_ socket: Socket) {
    _ = fcntl(socket.file.rawValue, F_SETFD, FD_CLOEXEC)
}
