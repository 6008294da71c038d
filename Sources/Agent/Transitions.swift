extension State {
    /// The table: the state that follows when something came. Docs/Lifecycle.md shows it, `TransitionTests` holds the two
    /// together. Whatever has no row leaves the state as it is.
    func next(after occurrence: Occurrence) -> State {
        switch (self, occurrence) {
        // What is due
        case (.planning, .nothingDue): .ended
        case (.planning, .idle(let seconds)): .waiting(.nextAction, seconds: seconds)
        case (.planning, .tooEarly(let seconds)): .waiting(.retry, seconds: seconds)
        case (.planning, .undecided(let seconds)): .waiting(.poll, seconds: seconds)
        case (.planning, .due(.giveUp)): .storing(.giveUp)
        case (.planning, .takeOver(let keepsFormer)): .storing(.takeOver(keepsFormer: keepsFormer))
        case (.planning, .due(let goal)): .capabilities(goal)

        // GetCACaps
        case (.capabilities(.askTime), .capabilities): .planning
        case (.capabilities(.nextCA), .capabilities): .nextCACertificates
        case (.capabilities(.rollOver), .capabilities): .key(.rollOver)
        case (.capabilities(.revocationList), .capabilities): .lookUp(.revocationList)
        case (.capabilities(.certificate), .capabilities): .lookUp(.certificate)
        case (.capabilities(.resume), .capabilities(let isPending, wantsCACertificates: false)):
            isPending ? .poll : .request(.resume)
        case (.capabilities(let goal), .capabilities): .caCertificates(goal, Chain(), isAfterFailure: false)
        case (.capabilities, .notOffered): .planning

        // GetCACert
        case (.caCertificates(let goal, _, let isAfterFailure), .certificate(let chain)):
            .caCertificates(goal, chain, isAfterFailure: isAfterFailure)
        case (.caCertificates(.resume, _, _), .caCertificates(.same, let isPending)):
            isPending ? .poll : .request(.resume)
        case (.caCertificates(.resume, _, _), .caCertificates): .storing(.caCertificates(.resume))
        case (.caCertificates(let goal, _, _), .caCertificates(.successor, _)): .storing(.caCertificates(goal))
        case (.caCertificates(let goal, _, _), .caCertificates): .key(goal)

        // GetNextCACert
        case (.nextCACertificates, .nextCACertificates): .storing(.nextCA)
        case (.nextCACertificates, .notOffered): .planning

        case (.key(let goal), .keyMade): .storing(.begin(goal))

        // PKCSReq, RenewalReq, CertPoll
        case (.request, .issued(let isEarly)), (.poll, .issued(let isEarly)):
            .storing(isEarly ? .nextIdentity : .identity)
        case (.request, .pending), (.poll, .pending): .storing(.pending)
        case (.request, .refused(let retry)), (.poll, .refused(let retry)): .storing(.end(retry: retry))
        case (.request(let goal), .otherRenewalType): .storing(.begin(goal))
        case (.request, .unexplained), (.poll, .unexplained): .caCertificates(.resume, Chain(), isAfterFailure: true)

        // GetCRL, GetCert
        case (.lookUp, .lookedUp): .planning

        // What is stored
        case (.storing(.begin(let goal)), .stored): .request(goal)
        case (.storing(.pending), .undecided(let seconds)): .waiting(.poll, seconds: seconds)
        case (.storing(.caCertificates(.resume)), .stored(let isPending)): isPending ? .poll : .request(.resume)
        case (.storing(.failure(let seconds?, _)), .stored): .waiting(.retry, seconds: seconds)
        case (.storing(.failure(nil, _)), .stored): .ended
        case (.storing(.end(let seconds?)), .stored): .waiting(.retry, seconds: seconds)
        case (.storing(.end(nil)), .stored): .ended
        case (.storing, .stored): .planning

        // What failed
        case (_, .failed(let retry, let givesUp)): .storing(.failure(retry: retry, givesUp: givesUp))
        case (_, .storageFailed(let seconds)): .waiting(.retry, seconds: seconds)
        case (_, .notOffered): .planning
        case (_, .failedForGood): .ended

        // What time it is
        case (.sleeping(.poll, _), .timeCame(let hasCapabilities)): hasCapabilities ? .poll : .capabilities(.resume)
        case (.sleeping, .timeCame): .planning

        default: self
        }
    }
}
