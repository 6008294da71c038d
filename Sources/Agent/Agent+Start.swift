import Board
import DER
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Reads what the device has: nothing, a transaction that was begun, an identity, and the next one.
    ///
    /// - Throws: ``AgentError/storage(_:)``.
    public mutating func start<S: SnapshotStorage & ~Copyable>(
        configuration: borrowing Configuration, store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>
    ) throws(AgentError) {
        // A firmware that stays on calls this now and then; nothing of the run before may count.
        phase = .plan
        tried = Goals()
        (held, nextHeld, transaction) = (nil, nil, nil)
        (caCount, nextCACount, chainLength) = (0, 0, 0)
        state = StateRecord()
        policy = configuration.policy
        cannotRenew = configuration.needsPassword && !configuration.challengeIsShared
        do throws(StorageError) {
            try store.open()
            try restore(configuration, &store, &work)
        } catch {
            throw .storage(error)
        }
        time.raiseFloor(to: max(state.floor, configuration.time))
        if held != nil { event = Event(.held, nil) }
    }

    private mutating func restore<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        do {
            var bytes = InlineArray<77, UInt8>(repeating: 0)
            var room = bytes.mutableSpan
            if let size = try store.read(.state, into: &room) {
                guard size == StateRecord.size else { throw .corrupt }
                state = StateRecord(room.span)
            }
        }
        if state.failures >= configuration.retrying.limit { state.failures = 0 }
        let origin = configuration.origin
        // Told to trust another CA, the device has nothing to do with what it had from the one before: it keeps its
        // identity, unused, until it has one from the other.
        if constantTimeEqual(state.origin.span, origin.span) {
            try loadTrusted(withNext: false, &store)
            try restoreTransaction(&store)
        } else {
            state.failures = 0
        }
        guard constantTimeEqual(state.identityOrigin.span, origin.span) else { return }
        nextHeld = try readHeld(.nextCertificate, &store, &work)
        held = try readHeld(.certificate, &store, &work)
        guard caCount > 0 || held == nil else { throw .corrupt }
    }

    /// Reads the CA's certificates, and those of the next CA in front of them.
    mutating func loadTrusted<S: SnapshotStorage & ~Copyable>(
        withNext: Bool, _ store: inout IdentityStore<S>
    ) throws(StorageError) {
        hasNextCA = store.size(of: .nextCACertificates) != nil
        var room = caCertificates.mutableSpan
        nextCACount = withNext ? try store.read(.nextCACertificates, into: &room) ?? 0 : 0
        var rest = room._mutatingExtracting(droppingFirst: nextCACount)
        caCount = try store.read(.caCertificates, into: &rest) ?? 0
    }

    private mutating func restoreTransaction<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>
    ) throws(StorageError) {
        var bytes = InlineArray<78, UInt8>(repeating: 0)
        var room = bytes.mutableSpan
        defer { wipe(&room) }
        guard let size = try store.read(.transaction, into: &room) else { return }
        guard size == TransactionRecord.size else { throw .corrupt }
        transaction = TransactionRecord(room.span)
    }

    /// Reads a certificate into the front of `work`.
    mutating func readHeld<S: SnapshotStorage & ~Copyable>(
        _ record: IdentityStore<S>.Record, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) -> HeldCertificate? {
        guard let size = try store.read(record, into: &work) else { return nil }
        certificate = 0..<size
        guard let parsed = try? Certificate(work.span.extracting(certificate)) else { throw .corrupt }
        return HeldCertificate(parsed)
    }

    /// Reads a stored key.
    static func load<S: SnapshotStorage & ~Copyable>(
        _ record: IdentityStore<S>.Record, into key: inout Key, from store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        guard let size = try store.read(record, into: &work) else { throw .corrupt }
        var secret = work._mutatingExtracting(first: size)
        defer { wipe(&secret) }
        do throws(CryptoError) {
            try key.load(secret.span)
        } catch {
            throw .corrupt
        }
    }
}
