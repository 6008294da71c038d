import Board
import Bytes
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
        reset()
        policy = configuration.policy
        cannotRenew = configuration.needsPassword && !configuration.challengeIsShared
        configuredRequest = requestDigest(configuration, &work)
        do throws(StorageError) {
            try store.open()
            try restore(configuration, &store, &work)
        } catch {
            throw .storage(error)
        }
        time.raiseFloor(to: max(stored.floor, configuration.time))
        if current != nil { event = Happening(.current, nil) }
    }

    private mutating func restore<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        try restoreState(&store)
        let text = configuration.digest
        // Whoever changes the configuration wants what failed to be tried again.
        if text != stored.configuration || !defers && stored.failures >= configuration.retrying.limit {
            stored.failures = 0
        }
        stored.configuration = text
        try restoreTransaction(configuration, &store)
        try restoreCA(configuration, &store)
        next = try readHeld(.nextCertificate, &store, &work)
        current = try readHeld(.certificate, &store, &work)
        guard store.size(of: .caCertificates) != nil || current == nil else { throw .corrupt }
    }

    private mutating func restoreState<S: SnapshotStorage & ~Copyable>(
        _ store: inout IdentityStore<S>
    ) throws(StorageError) {
        var bytes = InlineArray<119, UInt8>(repeating: 0)
        var output = bytes.mutableSpan
        guard let size = try store.read(.state, into: &output) else { return }
        guard size == StateRecord.size || size == StateRecord.sizeInVersion2 else { throw .corrupt }
        stored = StateRecord(output.span)
        stored.isOfVersion2 = size == StateRecord.sizeInVersion2
    }

    private mutating func restoreTransaction<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>
    ) throws(StorageError) {
        var bytes = InlineArray<79, UInt8>(repeating: 0)
        var output = bytes.mutableSpan
        defer { wipe(&output) }
        guard let size = try store.read(.transaction, into: &output) else { return }
        guard size == TransactionRecord.size || size == TransactionRecord.sizeInVersion2 else { throw .corrupt }
        transaction = TransactionRecord(output.span)
        isTransactionStored = true
        // Version 2 took another digest, of what was asked for as it was spelled.
        if size == TransactionRecord.sizeInVersion2 { transaction.request = configuredRequest }
    }

    /// Finds out which CA the configured fingerprints reach: that of the identity, or that of a transaction with
    /// another one. What is begun with a CA that they do not reach is not gone on with.
    private mutating func restoreCA<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>
    ) throws(StorageError) {
        let hasIdentity = store.size(of: .certificate) != nil
        // Of several fingerprints one may reach the identity's CA, and another the one that is asked.
        if transaction.flags.contains(.forOtherCA), hasIdentity {
            try loadTransactionCA(configuration, &store)
            isOtherCA = reaches(configuration)
            guard !isOtherCA else { return }
            transaction.close()
        }
        let isDivided = hasIdentity && stored.isDividedInVersion2
        if stored.isOfVersion2 { takeOverOrigin(configuration) }
        try loadTrusted(withNext: true, configuration, &store)
        let isReached = reaches(configuration) && !isDivided || reachesAnchor(configuration)
        try loadTrusted(withNext: false, configuration, &store)
        guard !isReached else { return }
        // The identity's CA is still looked at, to see whether the other one is its successor.
        isOtherCA = hasIdentity
        transaction.close()
        if !hasIdentity || stored.isOfVersion2 { caByteCount = 0 }
    }

    /// Whether one of the configured fingerprints, however they are written, is that of a certificate of the CA that
    /// was read.
    private func reaches(_ configuration: borrowing Configuration) -> Bool {
        guard let fingerprints = Fingerprints(configuration.fingerprint) else { return false }
        return CACertificates(caCertificates.span.extracting(allCAs)).includes(oneOf: fingerprints)
    }

    /// Whether one is that of the certificate which vouched for the identity's CA, and which the CA's successor has
    /// taken the place of.
    private func reachesAnchor(_ configuration: borrowing Configuration) -> Bool {
        guard let fingerprints = Fingerprints(configuration.fingerprint) else { return false }
        return fingerprints.contains(stored.anchor) || fingerprints.contains(stored.formerAnchor)
    }

    /// Of the fingerprints under which the identity was issued, version 2 remembers the text: if it is the configured one,
    /// the certificate that has the first of them vouched for the CA.
    private mutating func takeOverOrigin(_ configuration: borrowing Configuration) {
        let origin = StateRecord.digest(Span(), configuration.fingerprint)
        let isSame = constantTimeEqual(origin.span, stored.anchor.sha512.span)
        stored.anchor = Anchor()
        guard isSame, let fingerprints = Fingerprints(configuration.fingerprint) else { return }
        stored.anchor = Anchor(firstOf: fingerprints)
    }

    /// Reads the CA's certificates, and those of the next CA in front of them.
    @inline(never)
    mutating func loadTrusted<S: SnapshotStorage & ~Copyable>(
        withNext: Bool, _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>
    ) throws(StorageError) {
        hasNextCA = store.size(of: .nextCACertificates) != nil
        var output = caCertificates.mutableSpan
        nextCAByteCount = withNext ? try store.read(.nextCACertificates, into: &output) ?? 0 : 0
        var rest = output._mutatingExtracting(droppingFirst: nextCAByteCount)
        caByteCount = try store.read(.caCertificates, into: &rest) ?? 0
        if Footprint.isUnconstrained { keepTrusted(configuration) }
    }

    /// Drops those of the CA's certificates that were read which do not count under this configuration any more.
    private mutating func keepTrusted(_ configuration: borrowing Configuration) {
        guard let fingerprints = Fingerprints(configuration.fingerprint) else { return }
        let kept = CACertificates.stillTrusted(
            caCertificates.span, in: currentCA, fingerprints, configuration.policy)
        var end = nextCAByteCount
        for number in kept.indices {
            for index in kept[number] {
                caCertificates[end] = caCertificates[index]
                end &+= 1
            }
        }
        caByteCount = end &- nextCAByteCount
    }

    /// Reads the certificates of the CA that the transaction asks.
    @inline(never)
    mutating func loadTransactionCA<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>
    ) throws(StorageError) {
        var output = caCertificates.mutableSpan
        nextCAByteCount = 0
        caByteCount = try store.read(.transactionCACertificates, into: &output) ?? 0
        if Footprint.isUnconstrained { keepTrusted(configuration) }
    }

    /// Reads the CA's certificates again, if something else came in their place and was of no use.
    @inline(never)
    mutating func reloadCA<S: SnapshotStorage & ~Copyable>(
        _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>
    ) throws(AgentError) {
        if caByteCount == 0, current != nil || transaction.isOpen { try loadAskedCA(.resume, configuration, &store) }
    }

    /// Reads the certificates that are known of the CA that is asked: what it sends is compared with them.
    @inline(never)
    mutating func loadAskedCA<S: SnapshotStorage & ~Copyable>(
        _ goal: Goal, _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>
    ) throws(AgentError) {
        do throws(StorageError) {
            if goal == .resume, transaction.flags.contains(.forOtherCA) {
                return try loadTransactionCA(configuration, &store)
            }
            try loadTrusted(withNext: false, configuration, &store)
        } catch {
            throw .storage(error)
        }
        // Those of a transaction that is not gone on with count for nothing; nor do those of version 2, where they took
        // the place of the identity's CA.
        if current == nil && !transaction.isOpen || isOtherCA && stored.isOfVersion2 { caByteCount = 0 }
    }

    /// Reads a certificate into the front of `work`.
    mutating func readHeld<S: SnapshotStorage & ~Copyable>(
        _ record: StoredRecord, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) -> KeptCertificate? {
        guard let size = try store.read(record, into: &work) else { return nil }
        certificate = 0..<size
        guard let parsed = try? Certificate(work.span.extracting(certificate)) else { throw .corrupt }
        return KeptCertificate(parsed)
    }

    /// Reads a stored key.
    @inline(never)
    static func load<S: SnapshotStorage & ~Copyable>(
        _ record: StoredRecord, into key: inout Key, from store: inout IdentityStore<S>,
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
