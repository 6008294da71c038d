import Board

/// The line to a CA in the same process: a request goes out as a whole, when its reply is first asked for.
public struct InProcessTransport: Transport {
    private let exchange: ([UInt8]) throws(TransportError) -> [UInt8]
    private let uptime: () -> UInt64
    private var sent: [UInt8] = []
    /// What comes back; nil before it was asked for.
    private var received: [UInt8]?
    private var read = 0

    /// - Parameters:
    ///   - uptime: the board's, in milliseconds, which `exchange` may move on: a reply behind the deadline is none.
    ///   - exchange: from the bytes of an HTTP request to those of its reply.
    public init(
        uptime: @escaping () -> UInt64 = { 0 }, _ exchange: @escaping ([UInt8]) throws(TransportError) -> [UInt8]
    ) {
        self.uptime = uptime
        self.exchange = exchange
    }

    public mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        close()
    }

    public mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        for index in bytes.indices { sent.append(bytes[index]) }
    }

    public mutating func receive(
        into buffer: inout MutableSpan<UInt8>, deadline: UInt64
    ) throws(TransportError) -> Int {
        let bytes: [UInt8]
        if let received {
            bytes = received
        } else {
            bytes = try exchange(sent)
            guard uptime() < deadline else { throw .timedOut }
            received = bytes
        }
        let count = min(buffer.count, bytes.count - read)
        for index in 0..<count { buffer[index] = bytes[read + index] }
        read += count
        return count
    }

    public mutating func close() {
        sent = []
        received = nil
        read = 0
    }
}
