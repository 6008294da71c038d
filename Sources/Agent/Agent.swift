import Board
import Bytes
import DeviceCrypto
import PKIX
import SCEP

/// The life of one device's certificate, as a state machine: it is given bytes, time and randomness, and says what to
/// do next. It does no input or output.
///
/// It holds keys, the CA's certificates and the state of the transaction; messages are built and read in the one work
/// buffer that the caller lends to every call, and which has to keep its content from one call to the next.
///
/// `caCapacity` is the space in bytes for the certificates of the CA and of the next CA.
public struct Agent<Key: DeviceKey & ~Copyable, let caCapacity: Int>: ~Copyable {
    private let inPlace = InPlace()
    /// What an operator asks for: this alone is done, whatever is due, after a transaction that is under way. With
    /// ``Goal/resume`` nothing else is begun. Nil: what is due.
    public var requestedGoal: Goal?
    /// Whether the device may wait for the CA to decide, for another try, or for something to be due. One that may
    /// not ends its run in place of a wait: whoever starts it again decides when.
    public var mayWait = true
    /// Whether a run that may not wait leaves what failed before until its time has come, which is stored; for runs
    /// that a timer starts.
    public var defers = false
    /// Whether a password is configured that cannot be had in this run: it goes on with what needs none.
    public var passwordIsUnavailable = false
    /// When what was left will be tried, in seconds since 1970; 0 if nothing was.
    public internal(set) var deferredUntil: Int64 = 0

    /// Changed by ``move(_:)`` alone.
    private(set) var state = State.planning
    /// What failed, where the state says that something did.
    var failure: AgentError?
    /// Why a question has no answer, with which the run ends once nothing else is due. Not on a small image (``DeviceCrypto/Footprint``).
    var unanswered: AgentError?
    /// What was tried since the agent last woke up, and is not begun twice.
    var tried = Goals()
    /// What the server said it can do, in this run; nil before it did.
    var capabilities: Capabilities?
    /// Whether the server takes no POST, whatever it says.
    var takesNoPost = false
    /// Whether the CA's certificates were fetched since the agent last woke up.
    var caIsFresh = false
    /// Whether there is a part of the next certificate's key.
    public private(set) var isKeyBegun = false
    /// Whether the transaction that is open was begun in this run.
    var isBegunInRun = false
    /// Whether what was begun last is an enrolment, and not about the certificate that there is.
    public internal(set) var isEnrolling = false
    /// Whether a transaction is stored, gone on with or not.
    var isTransactionStored = false

    var nextCAByteCount = 0
    var caByteCount = 0
    /// Whether the next CA's certificates are stored.
    var hasNextCA = false
    /// Whether the configured fingerprints do not reach the CA of the identity: it stays in use, and nothing is asked
    /// of its CA.
    var isOtherCA = false

    var current: KeptCertificate?
    /// The identity that changes places with the current one: the next CA's, or the former one's.
    var next: KeptCertificate?
    var transaction = TransactionRecord()
    var stored = StateRecord()
    /// What the reply to the last message has to match.
    var lastRequest: Transaction?
    /// Of the request that the configuration asks for: see ``requestDigest(_:_:)``.
    var configuredRequest: UInt32 = 0
    /// Where certificates that came, or are this device's, stand in the work buffer; empty when none do.
    var certificate = 0..<0
    /// Where the list stands in the work buffer that the CA gave last, in DER; empty when it gave none.
    public internal(set) var revocationList = 0..<0
    /// Where the words of a refusal stand.
    var failureText = 0..<0

    var time = Timekeeper()
    /// What was decided by which floor, and the leniencies that were used.
    public internal(set) var policy = Policy()
    /// Whether some validity could not be checked for want of the time.
    public internal(set) var timeWasUnknown = false
    /// Whether the device can enrol, but will have no password to renew with, which its EC key needs.
    var cannotRenew = false
    /// What came with the CA's certificates last and is not trusted; not kept on a small image (``DeviceCrypto/Footprint``). Its ranges lie in the
    /// work buffer only until that is used for something else.
    public internal(set) var passedOver = PassedOver.List()
    /// Whether it was not told yet.
    var hasPassedOver = false
    /// The fingerprint of a CA that has none of the configured ones, by the algorithm of the first of them.
    var unknownCA: Digest?
    /// What happened and was not told yet.
    var event: Happening?

    // What is large stands last: an instruction reaches the first 124 bytes of a struct with half the code that it takes
    // to reach the others, and none reaches beyond 4095.
    /// The key of the certificate that is asked for.
    var key: Key
    /// The key of the certificate that there is, while it is needed.
    var identityKey: Key
    /// The certificates that are trusted: the next CA's, and behind them the CA's.
    var caCertificates = InlineArray<caCapacity, UInt8>(repeating: 0)

    /// - Parameter context: what its keys need: see ``DeviceKey``.
    public init(context: Key.Context) {
        key = Key(context: context)
        identityKey = Key(context: context)
    }

    /// Whether the board's clock shows a time that is proven to be over, so that nothing was decided by it.
    public var clockIsBehind: Bool { time.isClockBehind }

    /// What is known of the time, by which a TLS server's certificate is checked: what ``Board/Transport/note(time:isExact:)`` takes.
    public var knownTime: (time: Int64?, isExact: Bool) { (time.moment.lowest, time.moment.isExact) }

    /// Where the CA's certificates stand in ``caCertificates``.
    var currentCA: Range<Int> { nextCAByteCount..<(nextCAByteCount &+ caByteCount) }

    /// Where those of the next CA and the CA stand there together.
    var allCAs: Range<Int> { 0..<(nextCAByteCount &+ caByteCount) }

    /// Goes on as the table has it.
    @inline(never)
    mutating func move(_ occurrence: Occurrence) { state = state.next(after: occurrence) }

    /// Says what to do next. Requests are built here, at the end of `work`.
    ///
    /// - Parameters:
    ///   - clock: seconds since 1970, if the board knows.
    ///   - uptime: milliseconds since start-up.
    ///   - work: as large as the largest message and reply, 8 KiB for RSA-2048 and a CA of a few certificates; what does not
    ///     fit is `bufferFull`, or a reply that is too large.
    /// - Throws: ``AgentError``, if the run ends with it.
    public mutating func step<S: SnapshotStorage & ~Copyable>(
        configuration: borrowing Configuration, clock: Int64?, uptime: UInt64, store: inout IdentityStore<S>,
        work: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(AgentError) -> AgentAction {
        time.update(clock: clock, uptime: uptime)
        // Every turn but the last leaves a state in which there is nothing to do for the caller; none comes twice.
        while true {
            do throws(AgentError) {
                if let action = try act(configuration, uptime, &store, &work, &random) { return action }
            } catch {
                try handleFailure(error, of: nil, configuration, &random)
            }
        }
    }

    /// - Returns: what the caller has to do; nil if the state changed instead.
    private mutating func act<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ uptime: UInt64, _ store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(AgentError) -> AgentAction? {
        switch state {
        case .planning:
            try reloadCA(configuration, &store)
            try plan(configuration)
        case .capabilities: return .exchange(.getCACaps, .none)
        case .caCertificates(let goal, let chain, _):
            if chain.certificateCount == 0 { try loadAskedCA(goal, configuration, &store) }
            return .exchange(.getCACert, chain.certificateCount == 0 ? .none : .number(chain.certificateCount))
        case .nextCACertificates: return .exchange(.getNextCACert, .none)
        case .key(let goal):
            if goal == .enrol { try checkPassword(goal, configuration) }
            guard goal != .enrol, configuration.keepsKey else { return .generateKey(configuration.key) }
            // It is read for each message.
            try begin(configuration, keepsKey: true, &random)
        case .request, .poll, .lookUp:
            try reloadCA(configuration, &store)
            return try build(configuration, &store, &work, &random)
        case .storing: return .store
        case .waiting(let wait, let seconds):
            forgetKeys()
            sleep(wait, until: uptime &+ widened(UInt32(truncatingIfNeeded: seconds)) &* 1000)
        case .sleeping(let wait, let due):
            guard uptime >= due else { return .sleep(milliseconds: due &- uptime) }
            wakeUp(from: wait)
        case .ended:
            forgetKeys()
            return .ready
        }
        return nil
    }

    private mutating func sleep(_ wait: Wait, until due: UInt64) { state = .sleeping(wait, until: due) }

    private mutating func wakeUp(from wait: Wait) {
        (caIsFresh, takesNoPost) = (false, false)
        if wait == .nextAction { tried = Goals() }
        // What fails for ever does not keep the certificate that came in between from being renewed in its turn.
        if wait == .retry { tried.remove(Goals(.renew)) }
        move(.timeCame(hasCapabilities: capabilities != nil))
    }

    /// Begins a run anew, whatever came of the one before.
    mutating func reset() {
        state = .planning
        failure = nil
        (tried, capabilities, takesNoPost, caIsFresh) = (Goals(), nil, false, false)
        (isBegunInRun, isTransactionStored, unanswered) = (false, false, nil)
        (current, next, deferredUntil) = (nil, nil, 0)
        (caByteCount, nextCAByteCount, isOtherCA) = (0, 0, false)
        (transaction, stored) = (TransactionRecord(), StateRecord())
    }

    /// Ends the run.
    mutating func stop() {
        forgetKeys()
        state = .ended
    }

    /// Makes the key of the next certificate, or a part of one: until there is all of it, ``step(configuration:clock:uptime:store:work:random:)``
    /// says the same again. A part of an RSA key is one test by Miller and Rabin; an EC key has one part.
    ///
    /// - Throws: ``AgentError``, if the run ends with it.
    public mutating func generateKey(
        _ algorithm: KeyAlgorithm, configuration: borrowing Configuration, random: inout RandomGenerator
    ) throws(AgentError) {
        do throws(AgentError) {
            do throws(CryptoError) {
                isKeyBegun = try !key.generatePart(algorithm, random: &random)
            } catch {
                throw .key(error)
            }
            if isKeyBegun { return }
            try begin(configuration, keepsKey: false, &random)
        } catch {
            try handleFailure(error, of: nil, configuration, &random)
        }
    }

    /// Wipes the keys: those that are needed again are stored, and are read for each message anew. For whoever gives up a run
    /// before its end.
    @inline(never)
    public mutating func forgetKeys() {
        isKeyBegun = false
        key.wipe()
        identityKey.wipe()
    }
}

extension Agent where Key: ~Copyable, Key.Context == Void {
    public init() { self.init(context: ()) }
}
