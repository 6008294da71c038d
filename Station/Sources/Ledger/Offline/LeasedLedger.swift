import Foundation

/// A shared ledger that may be away: what a station does meanwhile, with devices that it took before, is kept in a file of its own
/// and goes up in order when the ledger is back, with an answer for each step.
public final class LeasedLedger: LineLedger, @unchecked Sendable {
    /// What a step came to that went up late.
    public enum Answer: Sendable, Equatable {
        case recorded
        /// The shared ledger knows better: another station took the device over, or it has another certificate.
        case refused(serial: String, String)
    }

    private let shared: Ledger
    private let journal: Journal
    private let maxUnsynced: Int
    private let ahead: Int
    private let upcoming: () -> String?
    private let report: @Sendable (String) -> Void
    // One at a time: the order of steps is theirs in the journal.
    private let lock = NSRecursiveLock()
    private var isAway = false

    /// - Parameters:
    ///   - file: of the journal.
    ///   - maxUnsynced: seconds for which the station works on without the shared ledger, and for which it takes devices.
    ///   - ahead: how many devices are taken before their turn.
    ///   - upcoming: the serials whose turn comes, one after the other, then nil.
    ///   - report: is told when the ledger goes away, comes back, and refuses a step.
    public init(
        _ shared: Ledger, journal file: String, maxUnsynced: Int, ahead: Int, upcoming: @escaping () -> String?,
        report: @escaping @Sendable (String) -> Void
    ) throws {
        self.shared = shared
        journal = try Journal(file: file)
        self.maxUnsynced = maxUnsynced
        self.ahead = ahead
        self.upcoming = upcoming
        self.report = report
    }

    public func claim(_ serial: String, port: String?, lease: Int, by actor: Actor) throws -> ClaimResult {
        try lock.withLock {
            let own = try journal.attempt(of: serial)
            try synchronize()
            if try journal.firstPending() == nil {
                do {
                    if let own, let begun = try begin(reserved: own) { return .begun(begun) }
                    let result = try shared.claim(
                        serial, port: port, lease: seconds(lease, port: port), by: actor)
                    try keep(result, serial)
                    try reserve(by: actor)
                    return result
                } catch LedgerError.unavailable(let reason) {
                    away(reason)
                }
            }
            guard let own, own.claimedUntil > shared.leases.estimate else {
                throw LedgerError.unavailable("it is away, and \(serial) was not taken before that")
            }
            switch own.state {
            case .verified: return .verified(own)
            case .scrapped, .retired: return .ended(own)
            case .failed: return .needsRework(own)
            case .claimed, .key, .requested, .pending, .issued, .delivered: return .resumed(own)
            }
        }
    }

    /// Begins with a device that was taken ahead: the ledger has it as claimed already.
    ///
    /// - Returns: nil if it was not, or is another station's by now.
    private func begin(reserved own: Attempt) throws -> Attempt? {
        guard try journal.isReserved(own.serial) else { return nil }
        do {
            let begun = try shared.extend(own, lease: maxUnsynced)
            try journal.keep(begun)
            return begun
        } catch is StepError {
            return nil
        }
    }

    /// What a station does while it is cut off, the ledger does not know: a device whose key the station makes is its own for as
    /// long as it may work on so. One at a port has its transaction itself, and goes on with that anywhere.
    private func seconds(_ lease: Int, port: String?) -> Int {
        port == nil && lease > 0 ? max(lease, maxUnsynced) : lease
    }

    private func keep(_ result: ClaimResult, _ serial: String) throws {
        switch result {
        case .begun(let attempt), .resumed(let attempt): try journal.keep(attempt)
        default: try journal.forget(serial)
        }
    }

    /// Takes devices before their turn, so that there is work while the ledger is away.
    private func reserve(by actor: Actor) throws {
        var count = try journal.reservedCount()
        while count < ahead, let serial = upcoming() {
            guard try journal.attempt(of: serial) == nil else { continue }
            switch try shared.claim(serial, port: nil, lease: maxUnsynced, by: actor) {
            case .begun(let attempt), .resumed(let attempt):
                try journal.keep(attempt, isReserved: true)
                count += 1
            default: continue
            }
        }
    }

    /// Gives back what was taken ahead and not begun.
    public func release() throws {
        try lock.withLock {
            for attempt in try journal.reserved() {
                _ = try? shared.extend(attempt, lease: -1)
                try journal.forget(attempt.serial)
            }
        }
    }

    @discardableResult
    public func extend(_ attempt: Attempt, lease: Int) throws -> Attempt {
        try lock.withLock {
            guard try journal.firstPending() == nil else { return attempt }
            do {
                let next = try shared.extend(attempt, lease: seconds(lease, port: attempt.port))
                try journal.keep(next)
                return next
            } catch LedgerError.unavailable(let reason) {
                away(reason)
                return attempt
            }
        }
    }

    public func record(_ step: AttemptStep, of attempt: Attempt, by actor: Actor) throws -> Attempt {
        try lock.withLock {
            try synchronize()
            if try journal.firstPending() == nil {
                do {
                    let next = try shared.record(step, of: attempt, by: actor)
                    try journal.keep(next)
                    return next
                } catch LedgerError.unavailable(let reason) {
                    away(reason)
                }
            }
            let moment = try shared.moment()
            if let oldest = try journal.firstPending()?.item.at, oldest.adding(seconds: maxUnsynced) < moment {
                throw LedgerError.unsynced(since: "\(oldest)")
            }
            guard let next = try attempt.after(step, by: actor, at: moment) else { return attempt }
            // Another station may have it by now: nothing more is asked of the CA for it, and what came of it before is kept.
            guard attempt.claimedUntil > shared.leases.estimate || !next.state.precedesAnswer else {
                throw LedgerError.unavailable("it is away, and \(attempt.serial) was not taken for so long")
            }
            try journal.append(Journal.Item(step: step, attempt: attempt, actor: actor, at: moment), next)
            return next
        }
    }

    public func lastAttempt(of serial: String) throws -> Attempt? {
        try lock.withLock {
            if try journal.firstPending() == nil {
                do {
                    return try shared.lastAttempt(of: serial)
                } catch LedgerError.unavailable(let reason) {
                    away(reason)
                }
            }
            return try journal.attempt(of: serial)
        }
    }

    /// Brings up what is not up yet, as far as the shared ledger is there.
    ///
    /// - Returns: the answers, in order; empty if nothing was to be done, or the ledger is away.
    @discardableResult
    public func synchronize() throws -> [Answer] {
        try lock.withLock {
            var answers: [Answer] = []
            while let (number, item) = try journal.firstPending() {
                do {
                    _ = try shared.record(item.step, of: item.attempt, by: item.actor, doneAt: item.at)
                    try journal.note("recorded", of: number)
                    answers.append(.recorded)
                } catch LedgerError.unavailable(let reason) {
                    away(reason)
                    return answers
                } catch let error as StepError {
                    try journal.note("refused: \(error)", of: number)
                    answers.append(.refused(serial: item.attempt.serial, "\(error)"))
                    report("\(item.attempt.serial): \(item.step.state.rawValue) was not recorded: \(error)")
                }
            }
            if isAway, !answers.isEmpty {
                isAway = false
                report("the ledger is back: \(answers.count) steps went up")
            }
            return answers
        }
    }

    /// How many steps are not up yet.
    public func unsynced() throws -> Int { try lock.withLock { try journal.pendingCount() } }

    private func away(_ reason: String) {
        guard !isAway else { return }
        isAway = true
        report("the ledger is away, and the line works on with the devices that it took: \(reason)")
    }
}
