import Bytes
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Finds out what is due, and begins it.
    ///
    /// - Throws: ``AgentError`` for what cannot be begun.
    mutating func plan(_ configuration: borrowing Configuration) throws(AgentError) {
        certificate = 0..<0
        guard let goal = nextGoal(configuration) else {
            // A question that had no answer, once all else is done.
            if Footprint.isUnconstrained, let unanswered { throw unanswered }
            return rest(configuration)
        }
        if goal == .takeOver || goal == .giveUp {
            tried.insert(Goals(goal))
            return move(goal == .giveUp ? .due(goal) : .takeOver(keepsFormer: !isCertain(next)))
        }
        // A time beyond all waits was noted by a clock that was ahead.
        let isNoted = stored.failures > 0 && stored.nextTry <= latestTry(configuration)
        if isNoted, let seconds = secondsLeft(until: stored.nextTry, cap: longestWait(configuration)) {
            if mayWait {
                stored.nextTry = 0
                return move(.tooEarly(seconds: seconds))
            }
            if defers, requestedGoal == nil {
                deferredUntil = stored.nextTry
                return move(.nothingDue)
            }
        }
        tried.insert(Goals(goal))
        if Footprint.isUnconstrained {
            isEnrolling = goal == .enrol || goal == .resume && !transaction.flags.contains(.renewal)
        }
        // Going on with what was begun is as good as beginning it.
        if goal == .resume, let requestedGoal { tried.insert(Goals(requestedGoal)) }
        if goal == .resume, lacksPassword(configuration) { throw .passwordNeeded }
        if goal == .resume, transaction.flags.contains(.pending) {
            return try waitForDecision(configuration, resuming: true)
        }
        move(.due(goal))
        // Whether another CA is the identity's successor, which needs no password, is known once it was asked.
        if goal == .enrol && !isOtherCA || goal == .rollOver || goal == .renew {
            try checkPassword(goal, configuration)
        }
    }

    /// The longest wait between two tries.
    private func longestWait(_ configuration: borrowing Configuration) -> Int {
        max(configuration.retrying.cap, configuration.checkSeconds)
    }

    private func latestTry(_ configuration: borrowing Configuration) -> Int64 {
        guard case .exact(let now) = time.moment else { return .max }
        return now &+ Int64(bitPattern: widened(UInt32(truncatingIfNeeded: longestWait(configuration))))
    }

    /// Nothing is due: the run ends, or the device waits until something is.
    private mutating func rest(_ configuration: borrowing Configuration) {
        guard configuration.stays, mayWait, requestedGoal == nil else { return move(.nothingDue) }
        move(.idle(seconds: secondsToNextAction(configuration)))
    }

    /// Sees that the password may go into a new transaction, and that there is one where there has to be: whatever is
    /// for a device whose key cannot decrypt is encrypted with it (RFC 8894, 3.1).
    func checkPassword(_ goal: Goal, _ configuration: borrowing Configuration) throws(AgentError) {
        guard sendsPassword(configuration, inRenewal: goal != .enrol) else {
            if passwordIsUnavailable, goal == .enrol || configuration.challengeIsShared { throw .passwordNeeded }
            guard !configuration.needsPassword else {
                throw .scep(goal == .enrol ? .pkcsReq : .renewalReq, .passwordMissing, text: 0..<0)
            }
            return
        }
        if goal == .enrol, cannotRenew, !configuration.policy.allowsNoRenewal { throw .cannotRenew }
        // Whoever asks for another certificate answers for the password.
        guard requestedGoal == .enrol || isPasswordFree(configuration) else { throw .passwordSpent }
    }

    /// Whether the password may go into a new transaction.
    func isPasswordFree(_ configuration: borrowing Configuration) -> Bool {
        configuration.challengeIsShared || !stored.hasSpent(configuration.challenge)
    }

    /// Whether the password is part of a request: by default of an enrolment only (RFC 8894, 2.4).
    @inline(never)
    func sendsPassword(_ configuration: borrowing Configuration, inRenewal: Bool) -> Bool {
        configuration.challenge.count > 0 && (configuration.challengeIsShared || !inRenewal)
    }

    @inline(never)
    mutating func nextGoal(_ configuration: borrowing Configuration) -> Goal? {
        if requestedGoal == .giveUp { return isTransactionStored && !tried.contains(Goals(.giveUp)) ? .giveUp : nil }
        if transaction.isOpen {
            if goesOn(configuration), !isOtherCAsTurn(configuration) { return .resume }
            transaction.close()
        }
        if let requestedGoal {
            return tried.contains(Goals(requestedGoal)) || requestedGoal == .resume ? nil : requestedGoal
        }
        guard let current, !isOtherCA else { return tried.contains(Goals(.enrol)) ? nil : .enrol }
        let lowest = time.moment.lowest
        if changesPlaces { return .takeOver }
        if time.wantsHint, !tried.contains(Goals(.askTime)) { return .askTime }
        guard let lowest else { return question(configuration) }
        // A CA need not renew what has expired; whoever gave the device another password wants it to enrol.
        if current.notAfter < lowest, configuration.challenge.count > 0, isPasswordFree(configuration),
            !tried.contains(Goals(.enrol))
        {
            return .enrol
        }
        if !knowsNextCA, let due = nextCADue(configuration), due <= lowest, !tried.contains(Goals(.nextCA)) {
            return .nextCA
        }
        let renews = renewsCurrent(configuration) && !tried.contains(Goals(.renew))
        let rollsOver = mayRollOver && !tried.contains(Goals(.rollOver))
        if renews, !rollsOver || !isNextCAsTurn(configuration) { return .renew }
        return rollsOver ? .rollOver : question(configuration)
    }

    /// Whether the current CA is to be asked for another certificate: also when the next CA is known, which may not issue
    /// yet, or did so for a time that comes too late.
    @inline(never)
    private func renewsCurrent(_ configuration: borrowing Configuration) -> Bool {
        guard let current, let lowest = time.moment.lowest else { return false }
        return renewal(of: current, configuration) <= lowest && !isBridged
    }

    /// Whether the next identity's time comes before the current one expires.
    private var isBridged: Bool {
        guard let current, let next, hasNextIdentity else { return false }
        return next.notBefore <= current.notAfter
    }

    /// Whether the next CA can be asked for a certificate.
    private var mayRollOver: Bool { knowsNextCA && !hasNextIdentity }

    /// Whether that is done before the current CA is asked, where both are due. One of them may answer no longer, or not
    /// yet: after two failures it is the other's turn. The next CA's comes first until half of the time has passed in which
    /// to renew.
    private func isNextCAsTurn(_ configuration: borrowing Configuration) -> Bool {
        (stored.failures & 2 == 0) != isLate(configuration)
    }

    /// Whether less time is left to the current certificate than it has been due for renewal.
    @inline(never)
    private func isLate(_ configuration: borrowing Configuration) -> Bool {
        guard let current, let lowest = time.moment.lowest else { return false }
        return current.notAfter &- lowest < lowest &- renewal(of: current, configuration)
    }

    /// Whether it is the other CA's turn, since that which the open transaction asks, current or next, does not answer.
    private func isOtherCAsTurn(_ configuration: borrowing Configuration) -> Bool {
        transaction.flags.contains(.renewal) && !transaction.flags.contains(.pending)
            && (stored.failures > 1 || isLate(configuration))
            && transaction.flags.contains(.forNextCA) != isNextCAsTurn(configuration) && mayRollOver
            && renewsCurrent(configuration)
    }

    private func question(_ configuration: borrowing Configuration) -> Goal? {
        if configuration.checksRevocation, !tried.contains(Goals(.revocationList)) { return .revocationList }
        if configuration.checksCertificate, !tried.contains(Goals(.certificate)) { return .certificate }
        return nil
    }

    /// Whether the transaction that is open is gone on with. It is what the device was told to ask for that decides, by
    /// its content, and a password that is another one; Docs/Lifecycle.md has the table.
    private func goesOn(_ configuration: borrowing Configuration) -> Bool {
        // Begun in this run, it is what the operator asked for.
        if requestedGoal == .enrol, !isBegunInRun { return false }
        guard transaction.request == configuredRequest else { return false }
        guard configuration.challenge.count > 0, stored.isSpent(in: transaction.identifier),
            !stored.hasSpent(configuration.challenge)
        else { return true }
        // It has another password in it. Once it is pending that does not matter, but where replies are encrypted with it.
        return transaction.flags.contains(.pending) && !configuration.needsPassword
    }

    /// Whether the transaction that is open cannot go on without the password that went into it: to make the same
    /// request again, or to read what is encrypted with it.
    private func lacksPassword(_ configuration: borrowing Configuration) -> Bool {
        configuration.challenge.count == 0 && stored.isSpent(in: transaction.identifier)
            && (!transaction.flags.contains(.pending) || configuration.needsPassword)
    }

    // MARK: The next identity

    /// Whether the other identity that is stored is the next one, not the former one.
    @inline(never)
    private var hasNextIdentity: Bool {
        guard let current, let next else { return false }
        return next.notBefore >= current.notBefore
    }

    /// Whether the other identity that is stored is the one that was taken over from by an uncertain time.
    var hasFormer: Bool { next != nil && !hasNextIdentity }

    /// Whether the next CA's certificates are stored, and are not the former one's.
    private var knowsNextCA: Bool {
        @inline(never) get { hasNextCA && !hasFormer }
    }

    /// Whether the time of the next identity has come; or that of the current one has not, after all, since the time by
    /// which it took over was wrong.
    private var changesPlaces: Bool {
        guard let current, let next, let lowest = time.moment.lowest, !tried.contains(Goals(.takeOver)) else {
            return false
        }
        if hasNextIdentity { return next.notBefore <= lowest }
        return !time.wantsHint && current.notBefore &- Moment.tolerance > lowest
    }

    /// Whether it is proven that an identity's time has come: by a clock, or by what the CA signed.
    func isCertain(_ kept: KeptCertificate?) -> Bool {
        guard let kept else { return true }
        if case .exact(let now) = time.moment { return kept.notBefore <= now }
        return kept.notBefore <= time.floor
    }

    // MARK: Times

    func renewal(of kept: KeptCertificate, _ configuration: borrowing Configuration) -> Int64 {
        // A clock that was ahead when the certificate came tells nothing.
        let isPast = stored.issuedAt <= time.moment.lowest ?? 0
        return kept.renewal(configuration, issuedAt: isPast ? stored.issuedAt : 0)
    }

    /// When to ask for the next CA: when a certificate as old as the CA's would be renewed.
    private func nextCADue(_ configuration: borrowing Configuration) -> Int64? {
        let certificates = CACertificates(caCertificates.span.extracting(currentCA))
        guard let issuer = try? certificates.issuingCertificate() else { return nil }
        return KeptCertificate(issuer).renewal(configuration, issuedAt: 0)
    }

    /// What is due next, and when, in seconds since 1970; nil when that is not known.
    public func nextAction(_ configuration: borrowing Configuration) -> (goal: Goal, time: Int64)? {
        guard let current, !isOtherCA else { return nil }
        if let next, isBridged { return (.takeOver, next.notBefore) }
        let renewal = renewal(of: current, configuration)
        if !hasNextIdentity, let nextCA = nextCADue(configuration), nextCA < renewal, !tried.contains(Goals(.nextCA)) {
            return (.nextCA, nextCA)
        }
        return (.renew, renewal)
    }

    /// How long a device that stays on sleeps.
    private func secondsToNextAction(_ configuration: borrowing Configuration) -> Int {
        guard let due = nextAction(configuration) else { return configuration.checkSeconds }
        // What was tried and failed does not come at once again.
        return max(secondsLeft(until: due.time, cap: configuration.checkSeconds) ?? configuration.checkSeconds, 60)
    }

    /// Seconds from now to `due`, `cap` at most, since the clock may have been wrong; nil when it is past, or nobody
    /// knows.
    @inline(never)
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
        let isWaiting = mayWait && (configuration.stays || transaction.polls <= configuration.polling.limit)
        // Whoever starts the device again wants it to ask once more.
        guard resuming || isWaiting else { throw .stillPending }
        let left = mayWait ? secondsLeft(until: transaction.nextPoll, cap: configuration.polling.cap) ?? 0 : 0
        move(.undecided(seconds: resuming ? left : configuration.polling.seconds(after: transaction.polls)))
    }
}
