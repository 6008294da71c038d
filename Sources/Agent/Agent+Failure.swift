import DER
import DeviceCrypto

extension Agent where Key: ~Copyable {
    /// Takes note of why a run ends, and forgets the keys, which are stored.
    mutating func end(_ error: AgentError) {
        forgetKeys()
        phase = .ready
        switch event?.outcome {
        case .failed: return
        case .pending: if case .stillPending = error { return }
        default: break
        }
        event = Event(.failed(error), nil)
    }

    /// Wipes the keys: those that are needed again are stored, and are read for each message anew.
    mutating func forgetKeys() {
        key.wipe()
        identityKey.wipe()
    }

    /// Decides what becomes of a failure: a try later, if it may pass; a device that stays on and has its identity goes
    /// on with that; else it ends here.
    mutating func settle(
        _ error: AgentError, of operation: Operation, _ configuration: borrowing Configuration,
        _ random: inout RandomGenerator
    ) throws(AgentError) {
        chainLength = 0
        if goal == .askTime {
            // Nothing but the time was wanted, and nothing depends on it.
            timeWasUnknown = true
            return finish()
        }
        if error.isTemporary, waits, state.failures < configuration.retrying.limit {
            state.failures &+= 1
            tried.remove(Goals(goal))
            let seconds = Backoff.spread(configuration.retrying.seconds(after: state.failures), random: &random)
            state.nextTry = time.later(seconds: seconds)
            event = Event(.failed(error), operation)
            phase = .store(.retry(seconds))
            return
        }
        event = Event(.failed(error), operation)
        state.failures = 0
        guard configuration.stays, waits, held != nil, transaction == nil else { throw error }
        phase = .plan
    }
}
