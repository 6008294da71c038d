extension Attempt {
    /// The attempt after a step: what follows what, decided for the shared ledger and for a station that is cut off from it.
    ///
    /// - Returns: nil if it has that step already, or has gone on from it: a client that is run again tells it again.
    func after(_ step: AttemptStep, by actor: Actor, at moment: Timestamp) throws(StepError) -> Attempt? {
        guard !has(step) else { return nil }
        if case .issued(let other) = step, let live = fingerprint { throw .secondCertificate(live: live, other: other) }
        guard state.mayBecome(step.state) else { throw .outOfOrder(self, step.state) }
        var next = self
        next.state = step.state
        if !step.state.isOpen { next.finishedAt = moment }
        switch step {
        case .key(let publicKey, let isHere):
            next.publicKey = publicKey
            next.keyStation = isHere ? actor.station : nil
        case .requested(let transactionID):
            if let begun = self.transactionID, begun != transactionID {
                throw .otherTransaction(begun: begun, now: transactionID)
            }
            next.transactionID = transactionID
            next.mayHaveCertificate = true
        case .pending, .delivered: break
        case .issued(let certificate):
            next.fingerprint = certificate.fingerprint
            next.mayHaveCertificate = true
        case .verified(let fingerprint, _):
            guard let expected = self.fingerprint, expected == fingerprint else {
                throw .otherCertificate(expected: self.fingerprint ?? "none", found: fingerprint)
            }
        case .failed(let cause):
            next.cause = cause.kind
            next.sentence = cause.sentence
            if cause.excludesCertificate, self.fingerprint == nil { next.mayHaveCertificate = false }
        }
        return next
    }

    private func has(_ step: AttemptStep) -> Bool {
        switch step {
        case .key(let publicKey, _): self.publicKey == publicKey
        case .requested(let transactionID): self.transactionID == transactionID
        case .pending: state == .pending
        case .issued(let certificate): fingerprint == certificate.fingerprint
        case .delivered: state == .delivered || state == .verified
        case .verified(let fingerprint, _): state == .verified && self.fingerprint == fingerprint
        case .failed(let cause): state == .failed && self.cause == cause.kind && sentence == cause.sentence
        }
    }
}

extension AttemptStep {
    /// What the audit trail has of it.
    var detail: [String: JSON] {
        switch self {
        case .key(let publicKey, let isHere):
            ["publicKey": .text(publicKey), "madeBy": .text(isHere ? "station" : "device")]
        case .requested(let transactionID): ["transactionID": .text(transactionID)]
        case .pending: [:]
        case .issued(let certificate):
            ["fingerprint": .text(certificate.fingerprint), "serialNumber": .text(certificate.serialNumber)]
        case .delivered(let place): ["to": .text(place)]
        case .verified(let fingerprint, let means): ["fingerprint": .text(fingerprint), "by": .text(means)]
        case .failed(let cause): ["cause": .text(cause.kind), "sentence": .text(cause.sentence)]
        }
    }
}
