import Board
import Bytes
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// Bytes of the largest snapshot.
    public static var snapshotCapacity: Int { 2 &* caCapacity &+ 6144 }

    /// Writes what the device has to keep, as one step.
    ///
    /// - Throws: ``AgentError``, if the run ends with it: what failed, or why a transaction ended, once that is stored;
    ///   ``AgentError/stillPending``.
    public mutating func store<S: SnapshotStorage & ~Copyable>(
        configuration: borrowing Configuration, in store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(AgentError) {
        guard case .storing(let change) = state else { return }
        prepare(change, configuration)
        do throws(StorageError) {
            try write(change, &store, &work)
            try adopt(change, configuration, &store, &work)
        } catch {
            return try handleFailure(.storage(error), of: nil, configuration, &random)
        }
        switch change {
        case .pending:
            do throws(AgentError) {
                try waitForDecision(configuration, resuming: false)
            } catch {
                move(.failedForGood)
                throw error
            }
        case .failure(let retry, _), .end(let retry):
            if case .end = change, let failure { note(failure, of: failure.operation) }
            move(.stored(isPending: false))
            if retry == nil, let failure { throw failure }
        default: move(.stored(isPending: transaction.flags.contains(.pending)))
        }
    }

    /// Brings the state record up to date.
    private mutating func prepare(_ change: Change, _ configuration: borrowing Configuration) {
        stored.floor = time.floor
        switch change {
        case .identity, .nextIdentity, .pending: stored.failures = 0
        default: break
        }
        if change == .identity || change == .takeOver(keepsFormer: false) { stored.issuedAt = time.certain }
        switch change.content(of: .caCertificates, transaction, hasFormer: hasFormer) {
        case .currentCA: rememberAnchor(configuration, isOfSameCA: current != nil)
        case .moved(.transactionCACertificates): rememberAnchor(configuration, isOfSameCA: false)
        default: break
        }
    }

    /// Remembers the certificate that vouches for the CA whose certificates are stored for the identity. Of the same CA
    /// the one before is remembered, too: its fingerprint may be configured again.
    private mutating func rememberAnchor(_ configuration: borrowing Configuration, isOfSameCA: Bool) {
        var anchor = Anchor()
        if let fingerprints = Fingerprints(configuration.fingerprint) {
            anchor = Anchor(CACertificates(caCertificates.span.extracting(currentCA)), fingerprints)
        }
        if isOfSameCA {
            guard anchor != Anchor(), anchor != stored.anchor else { return }
            stored.formerAnchor = stored.anchor
        } else {
            stored.formerAnchor = Anchor()
        }
        stored.anchor = anchor
    }

    private mutating func write<S: SnapshotStorage & ~Copyable>(
        _ change: Change, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        // The same records twice: for their size, and for their bytes.
        var size = 0
        var number: UInt8 = 1
        while let record = StoredRecord(rawValue: number) {
            size &+= sizeInSnapshot(change.content(of: record, transaction, hasFormer: hasFormer), record, store)
            number &+= 1
        }
        try store.begin(bodySize: size)
        number = 1
        while let record = StoredRecord(rawValue: number) {
            try append(change.content(of: record, transaction, hasFormer: hasFormer), record, &store, &work)
            number &+= 1
        }
        try store.commit()
    }

    private func sizeInSnapshot<S: SnapshotStorage & ~Copyable>(
        _ content: RecordContent, _ record: StoredRecord, _ store: borrowing IdentityStore<S>
    ) -> Int {
        switch content {
        case .none: 0
        case .kept: store.copiedSize(of: record)
        case .moved(let other): store.copiedSize(of: other)
        case .key: IdentityStore<S>.recordSize(key.serializedSize)
        case .received: IdentityStore<S>.recordSize(certificate.count)
        case .currentCA: IdentityStore<S>.recordSize(caByteCount)
        case .transaction: IdentityStore<S>.recordSize(TransactionRecord.size)
        case .state: IdentityStore<S>.recordSize(StateRecord.size)
        }
    }

    private mutating func append<S: SnapshotStorage & ~Copyable>(
        _ content: RecordContent, _ record: StoredRecord, _ store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        switch content {
        case .none: break
        case .kept: try store.copy(record)
        case .moved(let other): try store.copy(other, as: record)
        case .key: try appendKey(record, &store, &work)
        case .received: try store.append(record, work.span.extracting(certificate))
        case .currentCA: try store.append(record, caCertificates.span.extracting(currentCA))
        case .transaction:
            var bytes = InlineArray<79, UInt8>(repeating: 0)
            var output = bytes.mutableSpan
            defer { wipe(&output) }
            transaction.write(to: &output)
            try store.append(record, output.span)
        case .state:
            var bytes = InlineArray<119, UInt8>(repeating: 0)
            var output = bytes.mutableSpan
            stored.write(to: &output)
            try store.append(record, output.span)
        }
    }

    private mutating func appendKey<S: SnapshotStorage & ~Copyable>(
        _ record: StoredRecord, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        // Behind the certificate there is space for the key.
        let secret = (work.count &- key.serializedSize)..<work.count
        guard secret.lowerBound >= certificate.upperBound else { throw .full }
        var output = work._mutatingExtracting(secret)
        defer { wipe(&output) }
        do throws(CryptoError) {
            _ = try key.serialize(into: &output)
        } catch {
            throw .failed
        }
        try store.append(record, output.span)
    }

    /// Takes over what is stored now.
    private mutating func adopt<S: SnapshotStorage & ~Copyable>(
        _ change: Change, _ configuration: borrowing Configuration, _ store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        if change.endsTransaction {
            transaction.close()
            isTransactionStored = false
            forgetKeys()
        }
        switch change {
        case .identity, .nextIdentity, .takeOver:
            if case .takeOver = change { event = Happening(.takenOver, nil) }
            next = try readHeld(.nextCertificate, &store, &work)
            // The identity last, so that it stands in the buffer for whoever tells of it.
            if change != .nextIdentity { current = try readHeld(.certificate, &store, &work) }
            if change == .identity { isOtherCA = false }
        case .begin:
            isTransactionStored = true
            return
        case .pending, .caCertificates: return
        // In the former one's place.
        case .nextCA: if hasFormer { next = nil }
        case .failure, .end, .giveUp: break
        }
        if transaction.flags.contains(.forOtherCA) { return try loadTransactionCA(configuration, &store) }
        try loadTrusted(withNext: false, configuration, &store)
    }
}
