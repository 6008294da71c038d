import Board
import Bytes
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Takes note of why a run ends, and forgets the keys, which are stored. For a main loop of one's own: once
    /// ``step(configuration:clock:uptime:store:work:random:)`` or what it wanted has thrown.
    public mutating func end(_ error: AgentError) {
        stop()
        // It was told when it happened.
        if Footprint.isUnconstrained, error == unanswered { return }
        switch event?.outcome {
        case .failed, .refused: return
        case .pending: if case .stillPending = error { return }
        default: break
        }
        note(error, of: nil)
    }

    /// Takes note of what failed.
    ///
    /// One copy in flash: an error is many words.
    @inline(never)
    mutating func note(_ error: AgentError, of operation: Operation?) {
        failure = error
        event = Happening(error.isTemporary ? .failed : .refused, operation)
    }

    /// Decides what becomes of a failure, whatever failed: GetCACert, if other certificates of the CA may explain it;
    /// another try later; or the end of the run (Docs/Lifecycle.md, "When something fails").
    ///
    /// - Throws: the failure, if the run ends with it.
    mutating func handleFailure(
        _ error: AgentError, of operation: Operation?, _ configuration: borrowing Configuration,
        _ random: inout RandomGenerator
    ) throws(AgentError) {
        let goal = state.goal
        // Nothing but the time was wanted, and nothing depends on it.
        if goal == .askTime {
            timeWasUnknown = true
            return move(.notOffered)
        }
        if Footprint.isUnconstrained, error == unanswered, case .planning = state {
            move(.failedForGood)
            throw error
        }
        if case .storage = error { return try handleStorageFailure(error, configuration) }
        let tries = transaction.tries
        if state.isTransaction {
            // What a replaced registration authority cannot decrypt, for one, is sent to its successor.
            if error.mayBeOldCACertificates, !caIsFresh, !transaction.flags.contains(.forNextCA) {
                failure = error.withoutText
                return move(.unexplained)
            }
            if isRefusedRenewal(error, operation, configuration) { return try renewOtherwise(configuration, &random) }
            if case .scep(_, .refused, _) = error { return refuse(error, configuration, &random) }
            if error.isUselessAnswer { transaction.countUselessAnswer() }
        }
        if case .caCertificates(_, _, isAfterFailure: true) = state, let failure, failure.isUselessAnswer {
            transaction.countUselessAnswer()
        }
        note(error, of: operation)
        let isOfIdentity = goal?.isOfIdentity ?? true
        if mayWait, mayRetry(error, isOfIdentity, configuration) {
            if let goal { tried.remove(Goals(goal)) }
            let seconds = schedule(error, configuration, &random)
            return move(.failed(retry: seconds, givesUp: isUseless(configuration)))
        }
        // A question that has no answer is left until the next time.
        if mayWait, configuration.stays, current != nil, !isOfIdentity { return move(.notOffered) }
        // Nor does it keep from what else is due: the run ends with it after that. On a small board its event says it. That
        // the certificate is revoked is an answer.
        if requestedGoal == nil, !isOfIdentity, error != .revoked, nextGoal(configuration) != nil {
            if mayWait { stored.failures = 0 }
            if Footprint.isUnconstrained { unanswered = error.withoutText }
            return move(.notOffered)
        }
        if defers, isOfIdentity {
            _ = schedule(error, configuration, &random)
        } else if mayWait || transaction.tries == tries {
            move(.failedForGood)
            throw error
        }
        move(.failed(retry: nil, givesUp: isUseless(configuration)))
    }

    /// Whether another try comes: what may pass is tried as often as was configured. A device that stays on goes on
    /// for as long as it takes, with an identity whatever happens, without one for all that nobody signed.
    private func mayRetry(_ error: AgentError, _ isOfIdentity: Bool, _ configuration: borrowing Configuration) -> Bool {
        if configuration.stays, isOfIdentity {
            // By a Date, which nobody signs, nothing has expired for certain.
            return error.isTemporary || error.isUnsigned || current != nil || error.isOfTime && !time.moment.isExact
        }
        return error.isTemporary && stored.failures < configuration.retrying.limit
    }

    /// - Returns: seconds until the next try, which is noted.
    private mutating func schedule(
        _ error: AgentError, _ configuration: borrowing Configuration, _ random: inout RandomGenerator
    ) -> Int {
        // Goes on to change in its second bit, by which the current CA and the next one take turns.
        stored.failures = stored.failures < 255 ? stored.failures &+ 1 : 252
        var backoff = configuration.retrying
        // What would fail again is left longer: the CA may have made a certificate for each try.
        if !error.isTemporary, !error.isUnsigned {
            backoff = Backoff(first: backoff.cap, cap: max(backoff.cap, configuration.checkSeconds), limit: 0)
        }
        let seconds = Backoff.spread(backoff.seconds(after: stored.failures), random: &random)
        stored.nextTry = time.later(seconds: seconds)
        return seconds
    }

    /// Takes the CA's last word to the transaction that is open: no, or a certificate that is of no use.
    @inline(never)
    mutating func refuse(
        _ error: AgentError, _ configuration: borrowing Configuration, _ random: inout RandomGenerator
    ) {
        failure = error
        var retry: Int?
        if mayWait, configuration.stays, current != nil {
            tried.remove(Goals(.enrol).union(Goals(.rollOver)).union(Goals(.renew)).union(Goals(.resume)))
            retry = schedule(error, configuration, &random)
        } else if defers {
            _ = schedule(error, configuration, &random)
        }
        move(.refused(retry: retry))
    }

    /// Whether a request that the server goes on refusing to take, or to answer, is made anew: where that is safe, since
    /// no password for one request is in it.
    private func isUseless(_ configuration: borrowing Configuration) -> Bool {
        transaction.isOpen && transaction.isUseless
            && (!sendsPassword(configuration, inRenewal: transaction.flags.contains(.renewal))
                || isPasswordFree(configuration))
    }

    /// Storage that fails cannot keep what is to be done about it.
    private mutating func handleStorageFailure(
        _ error: AgentError, _ configuration: borrowing Configuration
    ) throws(AgentError) {
        note(error, of: nil)
        // Where power is gone in a simulation, nothing goes on.
        guard mayWait, configuration.stays, current != nil, error != .storage(.powerLost) else {
            move(.failedForGood)
            throw error
        }
        tried = Goals()
        move(.storageFailed(retry: configuration.retrying.cap))
    }

    // MARK: The other type of renewal

    /// Whether a renewal was refused that the server may take as the other messageType: where it says Renewal, and not
    /// that it is a server of RFC 8894, some want a PKCSReq that the old certificate signs, and some a RenewalReq.
    func isRefusedRenewal(
        _ error: AgentError, _ operation: Operation?, _ configuration: borrowing Configuration
    ) -> Bool {
        guard operation == .pkcsReq, transaction.flags.contains(.renewal), !transaction.flags.contains(.otherType),
            configuration.renewalType == nil, let capabilities, capabilities.contains(.renewal),
            !capabilities.contains(.scepStandard)
        else { return false }
        switch error {
        case .scep(_, .refused, _): return true
        case .status(_, let status, _): return status < 500 && status != 429 || status == 500 || status == 501
        default: return false
        }
    }

    /// Begins the renewal again, as the other type, with the key that there is.
    private mutating func renewOtherwise(
        _ configuration: borrowing Configuration, _ random: inout RandomGenerator
    ) throws(AgentError) {
        let keepsKey = transaction.flags.contains(.keepsKey)
        move(.otherRenewalType)
        try open(configuration, keepsKey: keepsKey, &random)
        transaction.flags.insert(.otherType)
    }
}

extension AgentError {
    /// Whether this may be since the CA, or its registration authority, has other certificates by now.
    ///
    /// This and the like: not inlined, which would take every word of the error into a register.
    @inline(never)
    var mayBeOldCACertificates: Bool {
        switch self {
        case .scep(_, .unknownSigner, _), .scep(_, .signerExpired, _), .scep(_, .invalidSignature, _),
            .scep(_, .refused(.badMessageCheck), _):
            true
        case .status(_, let status, _): status != 429 && status != 503
        default: false
        }
    }

    /// Whether it was decided by the time.
    @inline(never)
    var isOfTime: Bool {
        switch self {
        case .scep(_, .certificateExpired, _), .scep(_, .certificateNotYetValid, _): true
        default: false
        }
    }

    /// The same, for when the work buffer has something else in it.
    @inline(never)
    var withoutText: AgentError {
        switch self {
        case .scep(let operation, let error, _): .scep(operation, error, text: 0..<0)
        case .status(let operation, let status, _): .status(operation, status, text: 0..<0)
        default: self
        }
    }

    /// Whether the server answered, and could have been expected to answer better.
    @inline(never)
    var isUselessAnswer: Bool {
        switch self {
        case .scep: true
        case .status(_, let status, _): status < 502 || status > 504
        default: false
        }
    }
}
