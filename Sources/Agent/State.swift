/// What an agent is doing. What is valid in one state only is that state's own; ``next(after:)`` is the one table of
/// what follows what, and Docs/Lifecycle.md shows it.
///
/// Where a state says that something failed, ``Agent/failure`` says what: an error is larger than all else
/// that is in a state, and would be copied with it everywhere.
enum State: Equatable {
    /// What is due has to be found out.
    case planning
    /// GetCACaps.
    case capabilities(Goal)
    /// GetCACert, maybe after a request failed, which other certificates of the CA may explain.
    case caCertificates(Goal, Chain, isAfterFailure: Bool)
    /// GetNextCACert.
    case nextCACertificates
    /// A key is to be made.
    case key(Goal)
    /// PKCSReq or RenewalReq of the transaction that is open.
    case request(Goal)
    /// CertPoll.
    case poll
    /// GetCRL or GetCert.
    case lookUp(Goal)
    case storing(Change)
    case waiting(Wait, seconds: Int)
    /// Until this uptime in milliseconds.
    case sleeping(Wait, until: UInt64)
    case ended

    /// What is worked at, where it is asked for.
    var goal: Goal? {
        switch self {
        case .capabilities(let goal), .caCertificates(let goal, _, _), .key(let goal), .request(let goal),
            .lookUp(let goal):
            goal
        case .poll: .resume
        case .nextCACertificates: .nextCA
        case .planning, .storing, .waiting, .sleeping, .ended: nil
        }
    }

    /// What is sent belongs to the transaction that is open.
    var isTransaction: Bool {
        switch self {
        case .request, .poll: true
        default: false
        }
    }
}

/// What a device waits for.
public enum Wait: Equatable, Sendable {
    /// For the CA to decide.
    case poll
    /// For what failed to pass.
    case retry
    /// For something to be due.
    case nextAction
}

/// Certificates of a chain that were fetched one by one, not trusted yet.
struct Chain: Equatable {
    var certificateCount: UInt8 = 0
    /// They lie at the front of ``Agent/caCertificates``.
    var byteCount = 0
}

/// What came: all that an agent goes from one state to another for.
enum Occurrence: Equatable {
    // What is due
    case due(Goal)
    /// The identities change places.
    case takeOver(keepsFormer: Bool)
    /// The transaction is pending, and it is so long until the CA is asked again.
    case undecided(seconds: Int)
    /// What is due failed before, and it is so long until it is tried again.
    case tooEarly(seconds: Int)
    case nothingDue
    /// Nothing is due, and the device stays on.
    case idle(seconds: Int)

    // What the CA says
    case capabilities(isPending: Bool, wantsCACertificates: Bool)
    /// There is none, or nothing that it would say: what was wanted is not needed.
    case notOffered
    /// One more of a chain that comes one by one.
    case certificate(Chain)
    case caCertificates(CAVerdict, isPending: Bool)
    case nextCACertificates
    case pending
    case issued(isEarly: Bool)
    /// The CA's last word: no, or a certificate that is of no use.
    case refused(retry: Int?)
    /// The answer to GetCRL or GetCert.
    case lookedUp

    // What the device did
    case keyMade
    case stored(isPending: Bool)
    case timeCame(hasCapabilities: Bool)

    // What failed
    /// Other certificates of the CA may explain it.
    case unexplained
    /// The other type of renewal is tried.
    case otherRenewalType
    case failed(retry: Int?, givesUp: Bool)
    /// Storage failed, so that nothing can be stored of it.
    case storageFailed(retry: Int)
    /// The run ends without anything to store.
    case failedForGood
}

/// What the certificates of GetCACert are to the device.
enum CAVerdict: Equatable {
    /// Those that it had.
    case same
    case changed
    /// Those of the CA of the identity, which other fingerprints reach.
    case successor
}
