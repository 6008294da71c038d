import Board

/// The way to the CA through a factory's station. Whom the station talks to is its own affair: it knows the CA, and is told
/// neither host nor port.
@safe public struct RelayTransport<Port: SerialPort & ~Copyable, C: Clock & ~Copyable>: Transport, ~Copyable {
    private let device: UnsafeMutablePointer<RelayDevice<Port, C>>

    /// - Parameter device: outlives the transport, and nobody else uses it during a call.
    @unsafe public init(_ device: UnsafeMutablePointer<RelayDevice<Port, C>>) {
        unsafe self.device = unsafe device
    }

    /// Asks the station for its CA.
    ///
    /// - Throws: `.unreachable` if there is no station; what the station says.
    public mutating func connect(host: Span<UInt8>, port: UInt16, deadline: UInt64) throws(TransportError) {
        try unsafe device.pointee.connect(deadline)
    }

    public mutating func send(_ bytes: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        try unsafe device.pointee.send(bytes, deadline)
    }

    public mutating func receive(into buffer: inout MutableSpan<UInt8>, deadline: UInt64) throws(TransportError) -> Int
    {
        try unsafe device.pointee.receive(&buffer, deadline)
    }

    public mutating func close() { unsafe device.pointee.close() }
}

extension RelayDevice where Port: ~Copyable, C: ~Copyable {
    fileprivate mutating func connect(_ deadline: UInt64) throws(TransportError) {
        close()
        // Once more if the station begins anew meanwhile.
        while true {
            guard greet(deadline: deadline) else { throw .unreachable }
            stream = .opening
            do throws(TransportError) {
                try transmit(.open, Span(), deadline: deadline)
            } catch {
                stream = .closed
                if error == .reset { continue }
                throw error
            }
            while stream == .opening, clock.uptime < deadline { moveBytes(Span(), until: deadline) }
            switch stream {
            case .open: return
            case .ended(let error):
                stream = .closed
                throw error ?? .reset
            case .opening:
                close()
                throw .timedOut
            case .closed: break
            }
        }
    }

    fileprivate mutating func send(_ bytes: Span<UInt8>, _ deadline: UInt64) throws(TransportError) {
        var rest = bytes
        while !rest.isEmpty {
            switch stream {
            case .open: break
            // A server that has said all it wants reads no more; what it said can be received still.
            case .ended(nil): return
            case .ended(let error?): throw error
            case .closed, .opening: throw .reset
            }
            let count = min(rest.count, RelayFrame.payloadCapacity)
            try transmit(.data, rest.extracting(first: count), deadline: deadline)
            rest = rest.extracting(droppingFirst: count)
        }
    }

    fileprivate mutating func receive(
        _ buffer: inout MutableSpan<UInt8>, _ deadline: UInt64
    ) throws(TransportError) -> Int {
        while link.unreadCount == 0 {
            switch stream {
            case .open: break
            case .ended(nil): return 0
            case .ended(let error?): throw error
            case .closed, .opening: throw .reset
            }
            guard clock.uptime < deadline else { throw .timedOut }
            moveBytes(Span(), until: deadline)
        }
        return link.take(into: &buffer)
    }

    fileprivate mutating func close() {
        let isOurs = stream == .open || stream == .opening
        stream = .closed
        link.discard()
        // In vain it ends the session, which ends the stream too.
        if isOurs { try? transmit(.close, Span(), deadline: clock.uptime &+ RelayLink.patience) }
    }
}
