import Board
import SCEP

/// A log that is told as values what the device does and what happened: a gateway keeps them, and a small board has the
/// line of each written, which it does by default.
public protocol AgentLog: Log, ~Copyable {
    /// - Parameter work: the work buffer, in which the event's ranges lie.
    mutating func logEvent(_ event: borrowing Event, _ work: Span<UInt8>)

    mutating func logStep(_ step: Step)

    /// - Parameter work: the buffer in which the certificate stands that was not trusted.
    mutating func logPassedOver(_ passedOver: PassedOver, _ work: Span<UInt8>)

    mutating func logMismatch(_ mismatch: FingerprintMismatch)
}

extension AgentLog where Self: ~Copyable {
    public mutating func logEvent(_ event: borrowing Event, _ work: Span<UInt8>) {
        var line = Line()
        line.append(event, work)
        write(line: line.span)
    }

    public mutating func logPassedOver(_ passedOver: PassedOver, _ work: Span<UInt8>) {
        var line = Line()
        line.append(passedOver, work)
        write(line: line.span)
    }

    public mutating func logMismatch(_ mismatch: FingerprintMismatch) {
        var line = Line()
        line.append(mismatch)
        write(line: line.span)
    }

    public mutating func logStep(_ step: Step) {
        var line = Line()
        line.append(step)
        write(line: line.span)
    }
}
