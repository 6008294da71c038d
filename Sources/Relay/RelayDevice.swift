import Agent
import Board
import DeviceCrypto

/// The device's side of the relay: one port, which ``RelayTransport`` and ``RelayLog`` share.
///
/// A board has one, in static memory, and makes both from a pointer to it.
public struct RelayDevice<Port: SerialPort & ~Copyable, C: Clock & ~Copyable>: ~Copyable {
    /// The way to the CA.
    enum Stream: Equatable {
        case closed
        /// The station was asked to open it.
        case opening
        case open
        /// The station has ended it, in order if there is no error.
        case ended(TransportError?)
    }

    private let inPlace = InPlace()
    public var port: Port
    public var clock: C
    public internal(set) var link: RelayLink
    var stream = Stream.closed
    /// What the station wants besides; the last counts.
    var request: RelayFrame?

    /// - Parameters:
    ///   - serial: the device's serial number, as on its label: printable ASCII, 1 to 64 bytes.
    ///   - session: another one at each start, best a random one: by it a station sees that the device has started anew. A
    ///     board that has randomness only later begins with any, and then calls ``begin(session:)``.
    public init(_ port: consuming Port, clock: consuming C, serial: Span<UInt8>, session: UInt64) {
        self.port = port
        self.clock = clock
        link = RelayLink(.device, session: session, serial: serial)
    }

    /// Begins anew with another session value.
    public mutating func begin(session: UInt64) {
        link.restart(at: clock.uptime, as: session)
        lose()
    }

    /// Waits until there is a station.
    ///
    /// - Returns: false when the deadline passed first.
    public mutating func greet(deadline: UInt64) -> Bool {
        while !link.isUp {
            guard clock.uptime < deadline else { return false }
            moveBytes(Span(), until: deadline)
        }
        return true
    }

    /// Sends one frame, and waits until it has arrived. If it does not, the session is over, and so is the stream.
    ///
    /// - Throws: `.timedOut`, `.reset`.
    mutating func transmit(_ frame: RelayFrame, _ payload: Span<UInt8>, deadline: UInt64) throws(TransportError) {
        let session = link.sessionsEnded
        guard link.begin(frame, at: clock.uptime) else { throw .reset }
        while link.isSending {
            guard clock.uptime < deadline else {
                link.restart(at: clock.uptime)
                lose()
                throw .timedOut
            }
            moveBytes(payload, until: deadline)
        }
        guard link.sessionsEnded == session else { throw .reset }
    }

    /// Sends what is due, and waits for something to come until `deadline`, or until something is due again.
    ///
    /// - Parameter payload: of the frame under way.
    mutating func moveBytes(_ payload: Span<UInt8>, until deadline: UInt64) {
        let session = link.sessionsEnded
        flush(payload, until: deadline)
        var bytes = InlineArray<64, UInt8>(repeating: 0)
        var buffer = bytes.mutableSpan
        let count = port.read(into: &buffer, deadline: min(deadline, link.due ?? deadline))
        for index in 0..<min(count, buffer.count) {
            if let frame = link.receive(buffer[index]) { accept(frame) }
        }
        // At once, since the caller may have other things to do next.
        flush(payload, until: deadline)
        if link.sessionsEnded != session { lose() }
    }

    private mutating func flush(_ payload: Span<UInt8>, until deadline: UInt64) {
        var bytes = InlineArray<249, UInt8>(repeating: 0)
        // However long the port takes, the far side is listened to before anything is said again.
        let now = clock.uptime
        while true {
            var buffer = bytes.mutableSpan
            var (position, end) = (0, link.output(payload, at: now, into: &buffer))
            guard end > 0 else { return }
            while position < end {
                let count = port.write(bytes.span.extracting(position..<end), deadline: deadline)
                // What the port does not take is lost as on the line.
                if count == 0 { end = position }
                position &+= count
            }
        }
    }

    /// A session has ended, and with it the stream.
    private mutating func lose() {
        request = nil
        switch stream {
        case .open: stream = .ended(.reset)
        case .opening: stream = .closed
        case .closed, .ended: break
        }
    }

    private mutating func accept(_ frame: RelayFrame) {
        switch frame {
        case .open where stream == .opening:
            let error = reason
            stream = error == nil ? .open : .ended(error)
        case .data where stream != .open: link.discard()
        case .close where stream == .open: stream = .ended(reason)
        case .certificate, .run, .done: request = frame
        default: break
        }
    }

    /// What the station says went wrong with the stream; nil if nothing did.
    private var reason: TransportError? {
        let payload = link.payload
        guard payload.count == 1 else { return .reset }
        return payload[0] == 0 ? nil : TransportError(rawValue: payload[0]) ?? .reset
    }
}
