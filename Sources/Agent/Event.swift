import Board
import DER
import DeviceCrypto
import PKIX
import SCEP

/// What happened to the device's certificate, for the record.
struct Event: Equatable {
    enum Outcome: Equatable {
        /// There is an identity in storage.
        case held
        case issued
        /// Issued by the next CA, and stored until its time comes.
        case issuedEarly
        /// The next CA's identity is the device's now.
        case handedOver
        case pending
        /// The next CA's certificates are stored.
        case nextCA
        /// The CA's list does not have the certificate.
        case notRevoked
        /// The CA has the certificate as the device has it.
        case known
        case failed(AgentError)
    }

    let outcome: Outcome
    let operation: Operation?

    init(_ outcome: Outcome, _ operation: Operation?) {
        self.outcome = outcome
        self.operation = operation
    }
}

extension Agent where Key: ~Copyable {
    /// Writes the line of what happened and was not told yet; LIFECYCLE.md gives its form.
    mutating func tell<L: Log & ~Copyable>(
        _ configuration: borrowing Configuration, uptime: UInt64, _ work: Span<UInt8>, _ log: inout L
    ) {
        // What is to be stored has not happened before it is.
        if case .store = phase { return }
        guard let event else { return }
        self.event = nil
        var line = Line()
        line.append("event operation=")
        if let operation = event.operation { line.append(operation) } else { line.append("-") }
        line.append(" outcome=")
        line.append(event.outcome, work)
        if event.outcome.isOfCertificate { line.append(certificate: work.extracting(certificate)) }
        if let operation = event.operation, operation.isPKIOperation, let exchanged {
            line.append(" transactionID=")
            let transactionID = exchanged.transactionID
            line.append(transactionID.span)
        }
        line.append(" next=")
        appendNext(to: &line, configuration, uptime)
        // The subject is last, since it may be long.
        if event.outcome.isOfCertificate { line.append(subjectOf: work.extracting(certificate)) }
        log.write(line: line.span)
    }

    private func appendNext(to line: inout Line, _ configuration: borrowing Configuration, _ uptime: UInt64) {
        var reason = Wait.duty
        var seconds = 0
        switch phase {
        case .wait(let wait, let left):
            reason = wait
            seconds = left
        case .waiting(let wait, let due):
            reason = wait
            seconds = Int(truncatingIfNeeded: due &- uptime) / 1000
        default: break
        }
        switch reason {
        case .poll: line.append("poll in=")
        case .retry: line.append("retry in=")
        case .duty:
            guard let due = nextDuty(configuration) else { return line.append("none") }
            switch due.goal {
            case .handOver: line.append("take-over at=")
            case .nextCA: line.append("next-ca at=")
            default: line.append("renew at=")
            }
            return line.append(time: due.time)
        }
        line.append(decimal: seconds)
    }
}

extension Event.Outcome {
    fileprivate var isOfCertificate: Bool {
        switch self {
        case .held, .issued, .issuedEarly, .handedOver, .notRevoked, .known: true
        case .pending, .nextCA, .failed: false
        }
    }
}

extension Line {
    fileprivate mutating func append(_ outcome: Event.Outcome, _ work: Span<UInt8>) {
        switch outcome {
        case .held: append("held")
        case .issued: append("issued")
        case .issuedEarly: append("issued-early")
        case .handedOver: append("taken-over")
        case .pending: append("pending")
        case .nextCA: append("next-ca")
        case .notRevoked: append("not-revoked")
        case .known: append("known")
        case .failed(let error):
            append(error.isTemporary ? "failed error=" : "refused error=")
            append(kindOf: error, work)
        }
    }

    fileprivate mutating func append(certificate: Span<UInt8>) {
        guard let parsed = try? Certificate(certificate) else { return }
        append(" serial=")
        append(hex: parsed.serialNumber)
        append(" notAfter=")
        append(time: parsed.notAfter)
        append(" fingerprint=")
        append(hex: Hash.digest(.sha256, of: certificate).bytes)
    }

    fileprivate mutating func append(subjectOf certificate: Span<UInt8>) {
        guard let parsed = try? Certificate(certificate) else { return }
        var text = InlineArray<160, UInt8>(repeating: 0)
        var room = text.mutableSpan
        let count = nameText(parsed.subject, into: &room)
        guard count > 0 else { return }
        append(" subject=\"")
        append(room.span.extracting(first: count))
        append("\"")
    }

    fileprivate mutating func append(time: Int64) {
        var text = InlineArray<20, UInt8>(repeating: 0)
        var room = text.mutableSpan
        let count = timeText(time, into: &room)
        append(room.span.extracting(first: count))
    }
}
