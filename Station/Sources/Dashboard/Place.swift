import Ledger
import Line

/// What one port, or one job, of the line shows.
public struct Place: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        case idle
        case working(AttemptState)
        /// Verified: the one that counts.
        case pass
        /// Handed over, and not heard of yet.
        case made
        case fail(cause: String, sentence: String)
        /// Not this station's to do: why.
        case left(String)
    }

    /// `p1`, `job 2`.
    public let name: String
    public var serial: String?
    public var outcome: Outcome
    /// Since when it shows that.
    public var since: Timestamp?
    /// The device before, and how it came out: at a fast line there is always another one by the time that somebody looks.
    public var before: Before?

    public struct Before: Sendable, Equatable {
        public let serial: String
        public let outcome: Outcome
    }

    public init(name: String, serial: String? = nil, outcome: Outcome = .idle, since: Timestamp? = nil) {
        self.name = name
        self.serial = serial
        self.outcome = outcome
        self.since = since
    }

    /// As the ledger has it.
    init(name: String, _ attempt: Attempt) {
        let outcome: Outcome =
            switch attempt.state {
            case .verified, .retired: .pass
            case .delivered: .made
            case .failed: .fail(cause: attempt.cause ?? "", sentence: attempt.sentence ?? "")
            case .scrapped: .left(attempt.reason ?? "scrapped")
            case .claimed where attempt.isWaiting:
                .left(["to be reworked", attempt.reason].compactMap(\.self).joined(separator: ": "))
            case .claimed, .key, .requested, .pending, .issued: .working(attempt.state)
            }
        self.init(
            name: name, serial: attempt.serial, outcome: outcome, since: attempt.finishedAt ?? attempt.startedAt)
    }
}

/// Something that happened, and is nobody's failure.
public struct Note: Sendable, Equatable {
    public let at: Timestamp
    public let text: String
}
