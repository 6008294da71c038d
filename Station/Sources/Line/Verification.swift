import Ledger

/// Why a device is not taken for verified.
public enum VerificationError: Error, Equatable, CustomStringConvertible {
    case notBegun(serial: String)
    /// Its console names no certificate.
    case noEventLine

    public var description: String {
        switch self {
        case .notBegun(let serial): "\(serial) was not begun: there is nothing to verify"
        case .noEventLine:
            "no event line with a fingerprint was given: a device writes `event … fingerprint=…` when it starts with a certificate"
        }
    }
}

/// Records that a device has the certificate that was issued to it.
///
/// - Parameter console: what the device wrote: its last event line counts.
/// - Throws: ``VerificationError``; ``Ledger/StepError`` if it has another certificate, or a station is at it.
public func verify(_ serial: String, console: [UInt8], in ledger: Ledger, by actor: Actor) throws {
    guard let fingerprint = EventLine.last(in: console)?.fingerprint else { throw VerificationError.noEventLine }
    guard let attempt = try ledger.lastAttempt(of: serial) else { throw VerificationError.notBegun(serial: serial) }
    try ledger.record(.verified(fingerprint: fingerprint, by: "event line, by an operator"), of: attempt, by: actor)
}
