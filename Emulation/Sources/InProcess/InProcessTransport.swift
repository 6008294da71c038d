import Board
import Interference

/// The line to a CA in the same process: a request goes out as a whole, when its reply is first asked for.
public struct InProcessTransport: Transport {
    /// A clock that goes on while somebody waits.
    public struct Time {
        let uptime: () -> UInt64
        let wait: (_ milliseconds: UInt64) -> Void

        public init(uptime: @escaping () -> UInt64, wait: @escaping (_ milliseconds: UInt64) -> Void) {
            self.uptime = uptime
            self.wait = wait
        }
    }

    private let time: Time?
    private let exchange: ([UInt8]) throws(TransportError) -> Delivery
    private var sent: [UInt8] = []
    /// What comes back; nil before it was asked for.
    private var delivery: Delivery?
    /// Bytes of it that were taken.
    private var taken = 0

    /// - Parameters:
    ///   - time: what waiting takes; nil where nobody has to wait for anything.
    ///   - exchange: from the bytes of an HTTP request to what comes of it.
    public init(_ time: Time? = nil, _ exchange: @escaping ([UInt8]) throws(TransportError) -> Delivery) {
        self.time = time
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
        let delivery: Delivery
        if let known = self.delivery {
            delivery = known
        } else {
            delivery = try exchange(sent)
            if delivery.milliseconds > 0 { time?.wait(delivery.milliseconds) }
            // It may have taken its time.
            if let time, time.uptime() >= deadline { throw .timedOut }
            self.delivery = delivery
        }
        if delivery.millisecondsPerByte > 0, let time {
            time.wait(delivery.millisecondsPerByte)
            guard time.uptime() < deadline else { throw .timedOut }
        }
        let most = delivery.millisecondsPerByte > 0 ? min(buffer.count, 1) : buffer.count
        var count = min(most, max(delivery.bytes.count - taken, 0))
        for index in 0..<count { buffer[index] = delivery.bytes[taken + index] }
        if count == 0 {
            switch delivery.end {
            case .closed: break
            case .reset: throw .reset
            case .silence:
                if let time, time.uptime() < deadline { time.wait(deadline - time.uptime()) }
                throw .timedOut
            case .endless(let more):
                for index in 0..<most { buffer[index] = more[(taken - delivery.bytes.count + index) % more.count] }
                count = most
            }
        }
        taken += count
        return count
    }

    public mutating func close() {
        sent = []
        delivery = nil
        taken = 0
    }
}
