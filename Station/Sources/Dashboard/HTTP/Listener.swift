import FlyingSocks
import Foundation
import Glibc
import Synchronization

/// Answers GET and HEAD on a socket.
///
/// Of FlyingFox only the sockets are used: its server reads lines of any length, waits for a slow client for ever, and takes
/// connections until the process has no descriptors left, which a line in the same process would need. Here a head has
/// ``RequestHead/limit``, a client has ``Limits/seconds``, and the connection that was opened first goes when there are too many.
final class Listener: Sendable {
    struct Limits: Sendable {
        /// Connections at a time.
        var connections = 64
        /// For a client to send its request, and again to take the answer.
        var seconds = 10.0
    }

    let port: UInt16
    private let task: Task<Void, Never>

    /// - Parameter answer: is asked for one answer after the other.
    init(
        _ address: Address, limits: Limits = Limits(), answer: @escaping @Sendable (RequestHead) -> Answer
    ) throws {
        // FlyingFox writes to its sockets as to a file: a client that has gone would end the process.
        signal(SIGPIPE, SIG_IGN)
        let socket = try Self.listen(address)
        switch try socket.sockname() {
        case .ip4(_, let port), .ip6(_, let port): self.port = port
        case .unix: throw SocketError.unsupportedAddress
        }
        let server = Server(limits: limits, answer: answer)
        task = Task { await server.run(socket) }
    }

    func stop() async {
        task.cancel()
        await task.value
    }

    private static func listen(_ address: Address) throws -> Socket {
        let isIPv6 = address.host.contains(":")
        let socket = try Socket(domain: isIPv6 ? AF_INET6 : AF_INET)
        do {
            _ = fcntl(socket.file.rawValue, F_SETFD, FD_CLOEXEC)
            try socket.setValue(true, for: .localAddressReuse)
            if isIPv6 {
                try socket.bind(to: sockaddr_in6.inet6(ip6: address.host, port: address.port))
            } else {
                try socket.bind(to: sockaddr_in.inet(ip4: address.host, port: address.port))
            }
            try socket.listen()
        } catch {
            try? socket.close()
            throw DashboardError.notListening("\(address)", "\(error.localizedDescription)")
        }
        return socket
    }
}

private actor Server {
    private let limits: Listener.Limits
    private let answer: @Sendable (RequestHead) -> Answer
    /// Pages are made on one thread, so that a line in this process keeps the others.
    private let queue = DispatchQueue(label: "dashboard")
    /// The first opened first.
    private var connections: [(id: Int, task: Task<Void, Never>)] = []
    private var open = 0
    private var lastID = 0

    init(limits: Listener.Limits, answer: @escaping @Sendable (RequestHead) -> Answer) {
        self.limits = limits
        self.answer = answer
    }

    func run(_ socket: Socket) async {
        let pool = SocketPool.ePoll()
        do {
            try await pool.prepare()
            let listener = try AsyncSocket(socket: socket, pool: pool)
            await withDiscardingTaskGroup { group in
                group.addTask { try? await pool.run() }
                while !Task.isCancelled {
                    do {
                        add(try await listener.accept())
                    } catch is CancellationError {
                        break
                    } catch {
                        // Out of descriptors, or a client that left at once.
                        try? await Task.sleep(for: .milliseconds(50))
                    }
                }
                let rest = connections.map(\.task)
                for task in rest { task.cancel() }
                for task in rest { await task.value }
                group.cancelAll()
            }
        } catch {
            // Without its pool it cannot listen; pages are not to be had then.
        }
        try? socket.close()
    }

    private func add(_ socket: AsyncSocket) {
        _ = fcntl(socket.socket.file.rawValue, F_SETFD, FD_CLOEXEC)
        // Those that made way and are not gone yet, since the ledger keeps their page waiting, have descriptors, too.
        guard open < 2 * limits.connections else {
            try? socket.close()
            return
        }
        open += 1
        if connections.count >= limits.connections { connections.removeFirst().task.cancel() }
        lastID += 1
        let id = lastID
        let task = Task {
            await serve(socket)
            try? socket.close()
            connections.removeAll { $0.id == id }
            open -= 1
        }
        connections.append((id, task))
    }

    private nonisolated func serve(_ socket: AsyncSocket) async {
        do {
            let head: RequestHead
            do {
                head = try await within { try await Self.read(socket) }
            } catch let refusal as Refusal {
                try await within { try await Self.send(refusal.answer.encoding(hasBody: true), socket) }
                return
            }
            let answer = await made(head)
            try await within { try await Self.send(answer.encoding(hasBody: head.method != "HEAD"), socket) }
        } catch {
            // It left, was too slow, or had to make way: nobody is there to be told.
        }
    }

    private nonisolated func made(_ head: RequestHead) async -> Answer {
        let answer = answer
        let isGone = Flag()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    // For those who made way meanwhile no page is made: however many come, there is an end to what waits.
                    continuation.resume(
                        returning: isGone.isSet ? Answer(.unavailable, text: "Too many.") : answer(head))
                }
            }
        } onCancel: {
            isGone.set()
        }
    }

    private static func read(_ socket: AsyncSocket) async throws -> RequestHead {
        let end: [UInt8] = [13, 10, 13, 10]
        var bytes: [UInt8] = []
        while true {
            let before = bytes.count
            bytes += try await socket.read(atMost: 2_048)
            let start = max(before - 3, 0)
            if bytes.count >= 4,
                let found = (start...max(bytes.count - 4, start)).first(where: { bytes[$0...].starts(with: end) })
            {
                return try RequestHead(Array(bytes[..<found]))
            }
            guard bytes.count < RequestHead.limit else { throw Refusal.tooLong }
        }
    }

    private static func send(_ bytes: [UInt8], _ socket: AsyncSocket) async throws {
        try await socket.write(Data(bytes))
        // A body that nobody reads would have the kernel reset the connection, and the client lose the answer.
        shutdown(socket.socket.file.rawValue, Int32(SHUT_WR))
        var rest = 1 << 22
        while rest > 0, let part = try? await socket.read(atMost: 4_096) { rest -= part.count }
    }

    private nonisolated func within<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let limit = Duration.seconds(limits.seconds)
        return try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask(operation: body)
            group.addTask {
                try await Task.sleep(for: limit)
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
