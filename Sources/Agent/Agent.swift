import Board
import CMS
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

/// One device's way to its certificate, as a state machine: it is given bytes, time and randomness, and says what to
/// do next. It does no input or output.
///
/// It holds the key, the CA's certificates and the state of the transaction; messages are built and read in the one
/// work buffer that the caller lends to every call, and which has to keep its content from one call to the next.
///
/// `caCapacity` is the room for the CA's certificates in bytes.
public struct Agent<Key: DeviceKey & ~Copyable, let caCapacity: Int>: ~Copyable {
    enum Phase: Equatable {
        case capabilities, caCertificates, key, request, poll, storePending, storeIdentity, ready
        /// The CA refused what it had left pending; its words stand at `text` of the work buffer.
        case storeRefusal(FailInfo, text: Range<Int>)
    }

    var phase = Phase.capabilities
    var capabilities = Capabilities()
    var key = Key()
    var transaction: Transaction?
    var caCertificates = InlineArray<caCapacity, UInt8>(repeating: 0)
    var caCount = 0
    /// Where the issued certificate stands in the work buffer until it is stored.
    var issued = 0..<0
    var polls = 0
    var nextPoll: UInt64 = 0

    /// What was decided by which floor, and the leniencies that were used.
    public internal(set) var policy = Policy()
    /// Whether some validity could not be checked for want of the time.
    public internal(set) var timeWasUnknown = false

    public init() {}

    /// Reads what the device has: nothing, a request that waits for approval, or an identity.
    ///
    /// - Throws: ``AgentError/storage(_:)``.
    public mutating func start<S: SnapshotStorage & ~Copyable>(
        configuration: borrowing Configuration, store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>
    ) throws(AgentError) {
        policy = configuration.policy
        do throws(StorageError) {
            try store.open()
            if store.size(of: .certificate) != nil {
                phase = .ready
            } else if try restorePending(configuration, &store, &work) {
                polls = 1
                // Due at once: how long the device was off is not known.
                nextPoll = 1
            }
        } catch {
            throw .storage(error)
        }
    }

    /// Bytes of the largest snapshot: the CA's certificates, a key, a certificate and the headers of the records.
    public static var snapshotCapacity: Int { caCapacity &+ 3072 }

    /// - Returns: whether there was a pending transaction of the CA that the device is to trust.
    private mutating func restorePending<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) -> Bool {
        var identifier = InlineArray<16, UInt8>(repeating: 0)
        do {
            var room = identifier.mutableSpan
            guard try store.read(.transaction, into: &room) == 16 else { return false }
        }
        do {
            var room = caCertificates.mutableSpan
            caCount = try store.read(.caCertificates, into: &room) ?? 0
        }
        guard caCount > 0 else { throw .corrupt }
        // The device may have been given another fingerprint since.
        guard let fingerprints = Fingerprints(configuration.fingerprint),
            CACertificates(caCertificates.span.extracting(first: caCount)).include(oneOf: fingerprints)
        else { return false }
        guard let keySize = try store.read(.transactionKey, into: &work) else { throw .corrupt }
        defer {
            var secret = work._mutatingExtracting(first: keySize)
            wipe(&secret)
        }
        do throws(CryptoError) {
            try key.load(work.span.extracting(first: keySize))
        } catch {
            throw .corrupt
        }
        transaction = Transaction(identifier: identifier)
        return true
    }

    /// Says what to do next. Requests are built here, at the end of `work`.
    ///
    /// - Parameters:
    ///   - uptime: milliseconds since start-up.
    public mutating func step(
        configuration: borrowing Configuration, uptime: UInt64, work: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(AgentError) -> AgentAction {
        switch phase {
        case .capabilities: return .exchange(.getCACaps, .none)
        case .caCertificates: return .exchange(.getCACert, .none)
        case .key: return .generateKey(configuration.key)
        case .request: return try build(.pkcsReq, configuration, &work, &random)
        case .poll:
            guard polls <= configuration.polls else { throw .stillPending }
            if nextPoll == 0 { nextPoll = uptime &+ widened(UInt32(configuration.pollSeconds)) &* 1000 }
            guard uptime >= nextPoll else { return .sleep(milliseconds: nextPoll &- uptime) }
            return try build(.certPoll, configuration, &work, &random)
        case .storePending, .storeIdentity, .storeRefusal: return .store
        case .ready: return .ready
        }
    }

    public mutating func generateKey(_ algorithm: KeyAlgorithm, random: inout RandomGenerator) throws(AgentError) {
        do throws(CryptoError) {
            try key.generate(algorithm, random: &random)
        } catch {
            throw .key(error)
        }
        phase = .request
    }

    /// Writes what the device has to keep: a pending transaction, its identity, or that a transaction is over. It
    /// takes over at once.
    ///
    /// - Throws: ``AgentError/storage(_:)``; the CA's refusal, once it is stored that the transaction is over.
    public mutating func store<S: SnapshotStorage & ~Copyable>(
        in store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>
    ) throws(AgentError) {
        do throws(StorageError) {
            try writeSnapshot(&store, &work)
        } catch {
            throw .storage(error)
        }
        switch phase {
        case .storeRefusal(let failInfo, let text):
            phase = .capabilities
            throw .scep(.certPoll, .refused(failInfo), text: text)
        case .storeIdentity: phase = .ready
        default: phase = .poll
        }
    }

    private mutating func writeSnapshot<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        // Of a transaction that is over, nothing is kept.
        guard let transaction else {
            try store.begin(bodySize: 0)
            return try store.commit()
        }
        // Behind the certificate there is room for the key.
        let secret = (work.count &- key.keptSize)..<work.count
        guard secret.lowerBound >= issued.upperBound else { throw .full }
        let isIdentity = phase == .storeIdentity
        let identifier = transaction.identifier
        let bodySize =
            IdentityStore<S>.recordSize(secret.count) &+ IdentityStore<S>.recordSize(caCount)
            &+ IdentityStore<S>.recordSize(isIdentity ? issued.count : identifier.count)
        try store.begin(bodySize: bodySize)
        do {
            var room = work._mutatingExtracting(secret)
            defer { wipe(&room) }
            do throws(CryptoError) {
                _ = try key.keep(into: &room)
            } catch {
                throw StorageError.failed
            }
            try store.append(isIdentity ? .privateKey : .transactionKey, room.span)
        }
        try store.append(.caCertificates, caCertificates.span.extracting(first: caCount))
        if isIdentity {
            try store.append(.certificate, work.span.extracting(issued))
        } else {
            try store.append(.transaction, identifier.span)
        }
        try store.commit()
    }
}
