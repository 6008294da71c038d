import Board
import Bytes
import DER
import DeviceCrypto
import PKIX

extension Line {
    /// Appends the line of an event; Docs/Lifecycle.md gives its form.
    ///
    /// - Parameter work: the buffer in which the event's ranges lie.
    public mutating func append(_ event: borrowing Event, _ work: Span<UInt8>) {
        append("event operation=")
        append(event.operation)
        append(" outcome=")
        append(event.outcome.name)
        if let error = event.failure {
            append(" error=")
            append(error.text(work).kind)
        }
        // What cannot be read is left out.
        let bytes = work.extracting(event.certificate ?? 0..<0)
        let certificate = try? Certificate(bytes)
        if let certificate {
            append(" serial=")
            append(hex: certificate.serialNumber)
            append(" notAfter=")
            append(time: certificate.notAfter)
            append(" fingerprint=")
            append(hex: Hash.digest(.sha256, of: bytes).bytes)
        }
        if let transactionID = event.transactionID {
            append(" transactionID=")
            append(transactionID.span)
        }
        append(" next=")
        append(event.next.name)
        if let seconds = event.next.seconds {
            append(" in=")
            append(decimal: seconds)
        }
        if let time = event.next.time {
            append(" at=")
            append(time: time)
        }
        // The subject is last, since it may be long.
        if let certificate { append(subject: certificate.subject) }
    }

    private mutating func append(subject: Span<UInt8>) {
        var text = InlineArray<160, UInt8>(repeating: 0)
        var buffer = text.mutableSpan
        let count = nameText(subject, into: &buffer)
        guard count > 0 else { return }
        append(" subject=\"")
        append(buffer.span.extracting(first: count))
        append("\"")
    }

    private mutating func append(time: Int64) {
        var text = InlineArray<20, UInt8>(repeating: 0)
        var buffer = text.mutableSpan
        let count = timeText(time, into: &buffer)
        append(buffer.span.extracting(first: count))
    }
}

extension Line {
    /// Appends the name; `-` if nothing was asked.
    mutating func append(_ operation: Operation?) {
        if let operation { append(operation.name) } else { append("-") }
    }
}

extension Operation {
    /// As RFC 8894 calls it.
    public var name: Span<UInt8> {
        @_lifetime(immortal)
        get {
            tableRow(
                rawValue &- 1,
                of: "GetCACaps\nGetCACert\nGetNextCACert\nPKCSReq\nRenewalReq\nCertPoll\nGetCert\nGetCRL")
        }
    }
}

extension Event.Outcome {
    /// The word for it in the field `outcome`.
    public var name: Span<UInt8> {
        @_lifetime(immortal)
        get {
            tableRow(
                rawValue,
                of: "current\nissued\nissued-early\ntaken-over\npending\nnext-ca\nnot-revoked\nknown\nfailed\nrefused")
        }
    }
}

extension Event.Next {
    /// The word for it in the field `next`.
    public var name: Span<UInt8> {
        @_lifetime(immortal)
        get {
            let number: UInt8 =
                switch self {
                case .nothing: 0
                case .poll: 1
                case .retry: 2
                case .renew: 3
                case .nextCA: 4
                case .takeOver: 5
                }
            return tableRow(number, of: "none\npoll\nretry\nrenew\nnext-ca\ntake-over")
        }
    }
}
