import Bytes
import SCEP

/// What happened to the device's certificate, for the record: Docs/Lifecycle.md explains each field. Ranges lie in the work
/// buffer that it is told with.
public struct Event: Sendable {
    public enum Outcome: UInt8, Sendable {
        /// There is an identity in storage.
        case current = 0
        case issued
        /// Issued by the next CA, and stored until its time comes.
        case issuedEarly
        /// The next CA's identity is the device's now.
        case takenOver
        case pending
        /// The next CA's certificates are stored.
        case nextCA
        /// The CA's list does not have the certificate.
        case notRevoked
        /// The CA has the certificate as the device has it.
        case known
        /// What failed may succeed later.
        case failed
        /// What failed would fail again.
        case refused
    }

    /// What comes next, and when: in seconds from now, or in seconds since 1970-01-01T00:00:00Z, which may be past.
    public enum Next: Equatable, Sendable {
        case nothing
        case poll(seconds: Int)
        case retry(seconds: Int)
        case renew(time: Int64)
        /// Asking for the next CA's certificates.
        case nextCA(time: Int64)
        case takeOver(time: Int64)

        /// Seconds from now, of what does not depend on the time.
        public var seconds: Int? {
            switch self {
            case .poll(let seconds), .retry(let seconds): seconds
            case .nothing, .renew, .nextCA, .takeOver: nil
            }
        }

        /// When, of what depends on the time.
        public var time: Int64? {
            switch self {
            case .renew(let time), .nextCA(let time), .takeOver(let time): time
            case .nothing, .poll, .retry: nil
            }
        }
    }

    public let outcome: Outcome
    /// Why, of what failed or was refused.
    public let failure: AgentError?
    /// What was asked; nil if nothing was.
    public let operation: Operation?
    /// Where the device's certificate stands, in DER, which the outcome is about; nil where it is about none.
    public let certificate: Range<Int>?
    /// Of the request, 32 hexadecimal digits; nil where there was none.
    public let transactionID: InlineArray<32, UInt8>?
    public let next: Next
    /// Whether the server had said what it can do: its URL is right then.
    public let knowsCapabilities: Bool
    /// Whether it is about an enrolment, also where there is a certificate already.
    public let isOfEnrolment: Bool
}

/// What happened and was not told yet: what of an ``Event`` is known at that moment.
struct Happening: Equatable {
    let outcome: Event.Outcome
    let operation: Operation?

    init(_ outcome: Event.Outcome, _ operation: Operation?) {
        self.outcome = outcome
        self.operation = operation
    }
}

extension Agent where Key: ~Copyable {
    /// Whether the CA has said, in this run, what it can do.
    public var knowsCapabilities: Bool { capabilities ?? Capabilities() != Capabilities() }

    /// Tells what happened and was not told yet. For a main loop of one's own: before each step, before each wait, and at the
    /// end.
    @inline(never)
    public mutating func logEvent<L: AgentLog & ~Copyable>(
        _ configuration: borrowing Configuration, uptime: UInt64, _ work: Span<UInt8>, _ log: inout L
    ) {
        logPassedOver(work, &log)
        // What is to be stored has not happened before it is.
        if case .storing = state { return }
        guard let event else { return }
        self.event = nil
        var transactionID: InlineArray<32, UInt8>?
        if let operation = event.operation, operation.isPKIOperation, let lastRequest {
            transactionID = lastRequest.transactionID
        }
        log.logEvent(
            Event(
                outcome: event.outcome, failure: event.outcome.isFailure ? failure : nil, operation: event.operation,
                certificate: event.outcome.isOfCertificate ? certificate : nil,
                transactionID: transactionID, next: next(configuration, uptime), knowsCapabilities: knowsCapabilities,
                isOfEnrolment: isEnrolling),
            work)
        if let mismatch = fingerprintMismatch(configuration) { log.logMismatch(mismatch) }
    }

    /// What comes next: of an agent that waits for what, and for how long from `uptime` on, also where no event told it.
    public func next(_ configuration: borrowing Configuration, _ uptime: UInt64) -> Event.Next {
        var reason = Wait.nextAction
        var seconds = 0
        switch state {
        case .waiting(let wait, let left):
            reason = wait
            seconds = left
        case .sleeping(let wait, let due):
            reason = wait
            seconds = Int(truncatingIfNeeded: due &- uptime) / 1000
        default: break
        }
        switch reason {
        case .poll: return .poll(seconds: seconds)
        case .retry: return .retry(seconds: seconds)
        case .nextAction: break
        }
        guard let due = nextAction(configuration) else { return .nothing }
        switch due.goal {
        case .takeOver: return .takeOver(time: due.time)
        case .nextCA: return .nextCA(time: due.time)
        default: return .renew(time: due.time)
        }
    }
}

extension Event.Outcome {
    /// Whether the device's certificate stands in the work buffer, since it is what the outcome is about.
    fileprivate var isOfCertificate: Bool {
        switch self {
        case .current, .issued, .issuedEarly, .takenOver, .notRevoked, .known: true
        case .pending, .nextCA, .failed, .refused: false
        }
    }

    var isFailure: Bool { self == .failed || self == .refused }
}
