import Board
import DER
import DeviceCrypto
import SCEP

/// What a device waits for.
enum Wait: Equatable {
    /// For the CA to decide.
    case poll
    /// For what failed to pass.
    case retry
    /// For something to be due.
    case duty
}

/// The life of one device's certificate, as a state machine: it is given bytes, time and randomness, and says what to
/// do next. It does no input or output.
///
/// It holds keys, the CA's certificates and the state of the transaction; messages are built and read in the one work
/// buffer that the caller lends to every call, and which has to keep its content from one call to the next.
///
/// `caCapacity` is the room in bytes for the certificates of the CA and of the next CA.
public struct Agent<Key: DeviceKey & ~Copyable, let caCapacity: Int>: ~Copyable {
    enum Phase: Equatable {
        /// Nothing is begun: what is due has to be found out.
        case plan
        case capabilities, caCertificates, key, request, poll, nextCACertificate, certificate, revocationList
        case store(Change)
        case wait(Wait, seconds: Int)
        /// Until this uptime in milliseconds.
        case waiting(Wait, UInt64)
        case ready
    }

    private let inPlace = InPlace()
    /// What an operator asks for: this alone is done, whatever is due, after a transaction that is under way. With
    /// ``Goal/resume`` nothing else is begun. Nil: what is due.
    public var demand: Goal?
    /// Whether the device may wait for the CA to decide, for another try, or for something to be due. One that may
    /// not ends its run in place of a wait: whoever starts it again decides when.
    public var waits = true
    var phase = Phase.plan
    var goal = Goal.enrol
    /// What was tried since the agent last woke up, and is not begun twice.
    var tried = Goals()
    var capabilities = Capabilities()
    /// Whether the server takes no POST, whatever it says.
    var takesNoPost = false

    /// The key of the certificate that is asked for.
    var key = Key()
    /// The key of the certificate that there is, while it is needed.
    var identityKey = Key()
    /// The certificates that are trusted: the next CA's, and behind them the CA's.
    var caCertificates = InlineArray<caCapacity, UInt8>(repeating: 0)
    var nextCACount = 0
    var caCount = 0
    /// Whether the next CA's certificates are stored, and whether they are those of another CA's.
    var hasNextCA = false
    var dropsNext = false
    /// How many certificates of a chain were fetched one by one; they lie in ``caCertificates``, not trusted yet.
    var chainLength: UInt8 = 0
    /// Their bytes.
    var chainCount = 0

    var held: HeldCertificate?
    var nextHeld: HeldCertificate?
    var transaction: TransactionRecord?
    var state = StateRecord()
    /// What the reply to the last message has to match.
    var exchanged: Transaction?
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
    /// What happened and was not told yet.
    var event: Event?

    public init() {}

    /// Whether the board's clock shows a time that is proven to be over, so that nothing was decided by it.
    public var clockIsBehind: Bool { time.isClockBehind }

    /// Where the CA's certificates stand in ``caCertificates``.
    var currentCA: Range<Int> { nextCACount..<(nextCACount &+ caCount) }

    /// Says what to do next. Requests are built here, at the end of `work`.
    ///
    /// - Parameters:
    ///   - clock: seconds since 1970, if the board knows.
    ///   - uptime: milliseconds since start-up.
    public mutating func step<S: SnapshotStorage & ~Copyable>(
        configuration: borrowing Configuration, clock: Int64?, uptime: UInt64, store: inout IdentityStore<S>,
        work: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(AgentError) -> AgentAction {
        time.update(clock: clock, uptime: uptime)
        // Every turn but the last settles a phase in which there is nothing to do for the caller; none comes twice.
        while true {
            switch phase {
            case .plan:
                try plan(configuration)
            case .capabilities:
                return .exchange(.getCACaps, .none)
            case .caCertificates:
                return .exchange(.getCACert, chainLength == 0 ? .none : .number(chainLength))
            case .nextCACertificate:
                return .exchange(.getNextCACert, .none)
            case .key:
                guard goal != .enrol, configuration.keepsKey else { return .generateKey(configuration.key) }
                try begin(configuration, keepingKeyIn: &store, &work, &random)
            case .request, .poll, .certificate, .revocationList:
                return try build(configuration, &store, &work, &random)
            case .store:
                return .store
            case .wait(let reason, let seconds):
                forgetKeys()
                phase = .waiting(reason, uptime &+ widened(UInt32(truncatingIfNeeded: seconds)) &* 1000)
            case .waiting(let reason, let due):
                guard uptime >= due else { return .sleep(milliseconds: due &- uptime) }
                resume(after: reason)
            case .ready:
                forgetKeys()
                return .ready
            }
        }
    }

    private mutating func resume(after reason: Wait) {
        switch reason {
        // Who began the transaction in this run knows what the CA can do, be it nothing.
        case .poll: phase = goal == .resume && capabilities == Capabilities() ? .capabilities : .poll
        case .retry: phase = .plan
        case .duty:
            tried = Goals()
            phase = .plan
        }
    }

    /// Makes the key of the next certificate.
    public mutating func generateKey(
        _ algorithm: KeyAlgorithm, configuration: borrowing Configuration, random: inout RandomGenerator
    ) throws(AgentError) {
        do throws(CryptoError) {
            try key.generate(algorithm, random: &random)
            try begin(configuration, keepsKey: false, &random)
        } catch {
            throw .key(error)
        }
    }

    private mutating func begin<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, keepingKeyIn store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>, _ random: inout RandomGenerator
    ) throws(AgentError) {
        do throws(StorageError) {
            try Self.load(.privateKey, into: &key, from: &store, &work)
        } catch {
            throw .storage(error)
        }
        do throws(CryptoError) {
            try begin(configuration, keepsKey: true, &random)
        } catch {
            throw .key(error)
        }
    }

    /// Begins a transaction, which is stored before any of it is sent: the password may go into no other.
    private mutating func begin(
        _ configuration: borrowing Configuration, keepsKey: Bool, _ random: inout RandomGenerator
    ) throws(CryptoError) {
        var record = TransactionRecord()
        record.isRenewal = goal != .enrol
        record.isForNextCA = goal == .rollOver
        record.keepsKey = keepsKey
        record.identifier = try Transaction(random: &random).identifier
        do {
            var room = record.seed.mutableSpan
            try random.fill(&room)
        }
        record.request = configuration.requestDigest
        if sendsPassword(configuration, record) { state.spend(configuration.challenge, in: record.identifier) }
        transaction = record
        phase = .store(.transaction)
    }
}
