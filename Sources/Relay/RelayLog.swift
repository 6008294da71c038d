import Agent
import Board

/// The console's lines, through the station. Without one they are lost: a device enrols whether or not somebody listens.
@safe public struct RelayLog<Port: SerialPort & ~Copyable, C: Clock & ~Copyable>: AgentLog, ~Copyable {
    private let device: UnsafeMutablePointer<RelayDevice<Port, C>>

    /// - Parameter device: outlives the log, and nobody else uses it during a call.
    @unsafe public init(_ device: UnsafeMutablePointer<RelayDevice<Port, C>>) {
        unsafe self.device = unsafe device
    }

    /// Returns when the station has the line, or does not answer. For one that is not there it waits for half a second.
    public mutating func write(line: Span<UInt8>) {
        let patience = unsafe device.pointee.link.isUp ? RelayLink.patience : RelayLink.repeatInterval
        unsafe device.pointee.write(.line, line.extracting(first: min(line.count, Line.capacity)), patience)
    }
}

extension RelayDevice where Port: ~Copyable, C: ~Copyable {
    /// Sends bytes in parts, of which the last is shorter than a frame can be.
    ///
    /// - Parameter patience: how long to wait for a station, in milliseconds.
    mutating func write(_ frame: RelayFrame, _ bytes: Span<UInt8>, _ patience: UInt64) {
        guard greet(deadline: clock.uptime &+ patience) else { return }
        var rest = bytes
        do throws(TransportError) {
            while true {
                let count = min(rest.count, RelayFrame.payloadCapacity)
                try transmit(frame, rest.extracting(first: count), deadline: clock.uptime &+ RelayLink.patience)
                guard count == RelayFrame.payloadCapacity else { return }
                rest = rest.extracting(droppingFirst: count)
            }
        } catch {
            // The session is over, and with it what the station has of this.
        }
    }
}
