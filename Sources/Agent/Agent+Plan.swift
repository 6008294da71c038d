import DER
import DeviceCrypto
import PKIX
import SCEP

/// What can be due.
public enum Goal: UInt8, Sendable {
    /// Going on with a transaction.
    case resume
    case enrol
    /// A next identity takes over.
    case handOver
    /// Learning from the CA what time it is.
    case askTime
    case nextCA
    case rollOver
    case renew
    case revocationList
    case certificate
}

struct Goals: BitSet {
    let rawValue: UInt16

    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    init(_ goal: Goal) {
        rawValue = 1 &<< UInt16(goal.rawValue)
    }
}

/// A certificate of this device that is stored.
struct HeldCertificate {
    let notBefore: Int64
    /// What a renewal has to differ from.
    let replaced: IssuedCertificate.Replaced

    init(_ certificate: borrowing Certificate) {
        notBefore = certificate.notBefore
        replaced = IssuedCertificate.Replaced(certificate)
    }

    var notAfter: Int64 { replaced.notAfter }

    /// When it is to be renewed.
    func renewal(_ configuration: borrowing Configuration) -> Int64 {
        Schedule.renewal(
            notBefore: notBefore, notAfter: notAfter, percent: configuration.renewalPercent,
            jitter: configuration.jitterPercent, digest: replaced.digest.bytes)
    }
}

extension Agent where Key: ~Copyable {
    /// Finds out what is due, and begins it.
    mutating func plan(_ configuration: borrowing Configuration) throws(AgentError) {
        certificate = 0..<0
        guard let goal = nextGoal(configuration) else {
            guard configuration.stays, waits, demand == nil else {
                phase = .ready
                return
            }
            phase = .wait(.duty, seconds: secondsToDuty(configuration))
            if isOverdue(configuration) {
                tried = Goals()
                phase = .wait(.retry, seconds: min(configuration.retrying.cap, configuration.checkSeconds))
            }
            return
        }
        self.goal = goal
        if goal == .handOver {
            phase = .store(.handOver)
            return
        }
        if waits,
            let seconds = secondsLeft(until: state.failures > 0 ? state.nextTry : 0, cap: configuration.retrying.cap)
        {
            state.nextTry = 0
            phase = .wait(.retry, seconds: seconds)
            return
        }
        tried.insert(Goals(goal))
        // Going on with what was begun is as good as beginning it.
        if goal == .resume, let demand { tried.insert(Goals(demand)) }
        if goal == .resume, let transaction, transaction.isPending {
            try waitForDecision(configuration, resuming: true)
            return
        }
        if goal == .enrol || goal == .rollOver || goal == .renew { try checkPassword(configuration) }
        phase = .capabilities
    }

    /// Sees that the password may go into a new transaction, and that there is one where there has to be: whatever is
    /// for a device whose key cannot decrypt is encrypted with it (RFC 8894, 3.1).
    private func checkPassword(_ configuration: borrowing Configuration) throws(AgentError) {
        guard sendsPassword(configuration, nil) else {
            guard !configuration.needsPassword else {
                throw .scep(goal == .enrol ? .pkcsReq : .renewalReq, .passwordMissing, text: 0..<0)
            }
            return
        }
        guard passwordIsFree(configuration) else { throw .passwordSpent }
    }

    /// Whether the password may go into a new transaction.
    private func passwordIsFree(_ configuration: borrowing Configuration) -> Bool {
        configuration.challengeIsShared || !state.hasSpent(configuration.challenge)
    }

    private mutating func nextGoal(_ configuration: borrowing Configuration) -> Goal? {
        if let transaction {
            // Who wants another identity may have lost the key that a renewal is signed with.
            let isDropped = demand == .enrol && transaction.isRenewal
            if transaction.request == configuration.requestDigest, !isDropped { return .resume }
            // The device was told to ask for something else.
            self.transaction = nil
        }
        if let demand { return tried.contains(Goals(demand)) || demand == .resume ? nil : demand }
        guard let held else { return .enrol }
        let lowest = time.moment.lowest
        if let nextHeld, let lowest, nextHeld.notBefore <= lowest { return .handOver }
        if time.wantsHint, !tried.contains(Goals(.askTime)) { return .askTime }
        guard let lowest else { return check(configuration) }
        // A CA need not renew what is over; whoever gave the device another password wants it to enrol.
        if held.notAfter < lowest, configuration.challenge.count > 0, passwordIsFree(configuration),
            !tried.contains(Goals(.enrol))
        {
            return .enrol
        }
        guard nextHeld == nil else { return check(configuration) }
        if !hasNextCA {
            if let due = nextCADue(configuration), due <= lowest, !tried.contains(Goals(.nextCA)) { return .nextCA }
            if held.renewal(configuration) <= lowest, !tried.contains(Goals(.renew)) { return .renew }
        } else if !tried.contains(Goals(.rollOver)) {
            return .rollOver
        }
        return check(configuration)
    }

    private func check(_ configuration: borrowing Configuration) -> Goal? {
        if configuration.checksRevocation, !tried.contains(Goals(.revocationList)) { return .revocationList }
        if configuration.checksCertificate, !tried.contains(Goals(.certificate)) { return .certificate }
        return nil
    }

    /// When to ask for the next CA: when a certificate as old as the CA's would be renewed.
    private func nextCADue(_ configuration: borrowing Configuration) -> Int64? {
        let certificates = CACertificates(caCertificates.span.extracting(currentCA))
        guard let issuer = try? certificates.issuingCertificate() else { return nil }
        return HeldCertificate(issuer).renewal(configuration)
    }

    /// What is due next, and when, in seconds since 1970; nil when that is not known.
    public func nextDuty(_ configuration: borrowing Configuration) -> (goal: Goal, time: Int64)? {
        guard let held else { return nil }
        if let nextHeld { return (.handOver, nextHeld.notBefore) }
        let renewal = held.renewal(configuration)
        if let nextCA = nextCADue(configuration), nextCA < renewal { return (.nextCA, nextCA) }
        return (.renew, renewal)
    }

    /// Whether the certificate was to be renewed, and was not: that is not left until another day.
    private func isOverdue(_ configuration: borrowing Configuration) -> Bool {
        guard let due = nextDuty(configuration), due.goal == .renew, let lowest = time.moment.lowest else {
            return false
        }
        return due.time <= lowest
    }

    /// How long a device that stays on sleeps.
    private func secondsToDuty(_ configuration: borrowing Configuration) -> Int {
        guard let due = nextDuty(configuration) else { return configuration.checkSeconds }
        // What was tried and failed does not come at once again.
        return max(secondsLeft(until: due.time, cap: configuration.checkSeconds) ?? configuration.checkSeconds, 60)
    }

    /// Seconds from now to `due`, `cap` at most, since the clock may have been wrong; nil when it is past, or nobody
    /// knows.
    private func secondsLeft(until due: Int64, cap: Int) -> Int? {
        guard case .exact(let now) = time.moment, due > now else { return nil }
        let left = due &- now
        return left > 0x7FFF_FFFF ? cap : min(Int(truncatingIfNeeded: left), cap)
    }

    /// Waits until the CA is to be asked again whether it has decided.
    ///
    /// - Parameter resuming: it was asked before the device was off or failed to ask; how long ago is known only if
    ///   there is a clock.
    mutating func waitForDecision(_ configuration: borrowing Configuration, resuming: Bool) throws(AgentError) {
        guard let transaction else { return }
        // Whoever starts the device again wants it to ask once more.
        guard resuming || waits && transaction.polls <= configuration.polling.limit else { throw .stillPending }
        let wait = configuration.polling.seconds(after: transaction.polls)
        let left = waits ? secondsLeft(until: transaction.nextPoll, cap: configuration.polling.cap) ?? 0 : 0
        phase = .wait(.poll, seconds: resuming ? left : wait)
    }

    /// Whether the password is part of a request: by default of an enrolment only (RFC 8894, 2.4).
    func sendsPassword(_ configuration: borrowing Configuration, _ record: TransactionRecord?) -> Bool {
        guard configuration.challenge.count > 0 else { return false }
        return configuration.challengeIsShared || !(record?.isRenewal ?? (goal != .enrol))
    }
}
