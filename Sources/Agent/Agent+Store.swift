import Board
import DeviceCrypto
import PKIX
import SCEP

extension Agent where Key: ~Copyable {
    /// What a snapshot changes.
    enum Change: Equatable {
        /// A transaction is begun, or left pending.
        case transaction
        /// The identity is new.
        case identity
        /// There is an identity of the next CA, whose time has not come.
        case nextIdentity
        /// The next identity's time has come.
        case handOver
        case nextCA
        /// Another try comes after so many seconds.
        case retry(Int)
        /// The transaction is over, and this is why.
        case end(Operation, SCEPError)
    }

    /// What becomes of a record.
    private enum Content {
        case none, kept, key, certificate, currentCA, transaction, state
        case formerNextKey, formerNextCertificate, formerNextCA
    }

    /// Bytes of the largest snapshot.
    public static var snapshotCapacity: Int { 2 &* caCapacity &+ 6144 }

    /// Writes what the device has to keep, as one step.
    ///
    /// - Throws: ``AgentError/storage(_:)``; why a transaction is over, once that is stored;
    ///   ``AgentError/stillPending``.
    public mutating func store<S: SnapshotStorage & ~Copyable>(
        configuration: borrowing Configuration, in store: inout IdentityStore<S>, work: inout MutableSpan<UInt8>
    ) throws(AgentError) {
        guard case .store(let change) = phase else { return }
        let origin = configuration.origin
        if change == .transaction {
            // Of another CA's next one nothing is kept.
            dropsNext = !constantTimeEqual(state.origin.span, origin.span)
            state.origin = origin
        }
        if change == .identity { state.identityOrigin = origin }
        state.floor = time.floor
        do throws(StorageError) {
            try write(change, &store, &work)
            try adopt(change, &store, &work)
        } catch {
            throw .storage(error)
        }
        try proceed(after: change, configuration)
    }

    private mutating func write<S: SnapshotStorage & ~Copyable>(
        _ change: Change, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        // The same records twice: for their size, and for their bytes.
        var size = 0
        var number: UInt8 = 1
        while let record = IdentityStore<S>.Record(rawValue: number) {
            size &+= sizeInSnapshot(content(of: number, change), record, store)
            number &+= 1
        }
        try store.begin(bodySize: size)
        number = 1
        while let record = IdentityStore<S>.Record(rawValue: number) {
            try append(content(of: number, change), record, &store, &work)
            number &+= 1
        }
        try store.commit()
    }

    /// What a record holds after `change`.
    private func content(of record: UInt8, _ change: Change) -> Content {
        let transaction = self.transaction ?? TransactionRecord()
        switch (change, record) {
        case (_, 7): return .state
        case (.handOver, 1): return .formerNextKey
        case (.handOver, 2): return .formerNextCertificate
        case (.handOver, 3): return .formerNextCA
        case (.handOver, _): return .none
        case (.transaction, 6), (.transaction, 8), (.transaction, 9): return dropsNext ? .none : .kept
        case (.transaction, 3): return transaction.isPending ? .kept : .currentCA
        case (.transaction, 4): return .transaction
        case (.transaction, 5): return transaction.isPending ? .kept : transaction.keepsKey ? .none : .key
        case (.identity, 1): return transaction.keepsKey ? .kept : .key
        case (.identity, 2): return .certificate
        case (.identity, 3): return transaction.isForNextCA ? .formerNextCA : .kept
        case (.identity, 6): return transaction.isForNextCA || !transaction.isRenewal ? .none : .kept
        case (.identity, _): return .none
        case (.nextIdentity, 8): return .key
        case (.nextIdentity, 9): return .certificate
        case (.nextIdentity, 4), (.nextIdentity, 5), (.end, 4), (.end, 5): return .none
        case (.nextCA, 6): return .certificate
        default: return .kept
        }
    }

    private func sizeInSnapshot<S: SnapshotStorage & ~Copyable>(
        _ content: Content, _ record: IdentityStore<S>.Record, _ store: borrowing IdentityStore<S>
    ) -> Int {
        switch content {
        case .none: 0
        case .kept: store.keptSize(of: record)
        case .key: IdentityStore<S>.recordSize(key.keptSize)
        case .certificate: IdentityStore<S>.recordSize(certificate.count)
        case .currentCA: IdentityStore<S>.recordSize(caCount)
        case .transaction: IdentityStore<S>.recordSize(TransactionRecord.size)
        case .state: IdentityStore<S>.recordSize(StateRecord.size)
        case .formerNextKey: store.keptSize(of: .nextPrivateKey)
        case .formerNextCertificate: store.keptSize(of: .nextCertificate)
        case .formerNextCA: store.keptSize(of: .nextCACertificates)
        }
    }

    private mutating func append<S: SnapshotStorage & ~Copyable>(
        _ content: Content, _ record: IdentityStore<S>.Record, _ store: inout IdentityStore<S>,
        _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        switch content {
        case .none: break
        case .kept: try store.keep(record)
        case .key: try appendKey(record, &store, &work)
        case .certificate: try store.append(record, work.span.extracting(certificate))
        case .currentCA:
            try store.append(record, caCertificates.span.extracting(currentCA))
        case .transaction:
            var bytes = InlineArray<78, UInt8>(repeating: 0)
            var room = bytes.mutableSpan
            defer { wipe(&room) }
            transaction?.write(to: &room)
            try store.append(record, room.span)
        case .state:
            var bytes = InlineArray<77, UInt8>(repeating: 0)
            var room = bytes.mutableSpan
            state.write(to: &room)
            try store.append(record, room.span)
        case .formerNextKey: try store.keep(.nextPrivateKey, as: record)
        case .formerNextCertificate: try store.keep(.nextCertificate, as: record)
        case .formerNextCA: try store.keep(.nextCACertificates, as: record)
        }
    }

    private mutating func appendKey<S: SnapshotStorage & ~Copyable>(
        _ record: IdentityStore<S>.Record, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        // Behind the certificate there is room for the key.
        let secret = (work.count &- key.keptSize)..<work.count
        guard secret.lowerBound >= certificate.upperBound else { throw .full }
        var room = work._mutatingExtracting(secret)
        defer { wipe(&room) }
        do throws(CryptoError) {
            _ = try key.keep(into: &room)
        } catch {
            throw .failed
        }
        try store.append(record, room.span)
    }

    /// Takes over what is stored now.
    private mutating func adopt<S: SnapshotStorage & ~Copyable>(
        _ change: Change, _ store: inout IdentityStore<S>, _ work: inout MutableSpan<UInt8>
    ) throws(StorageError) {
        switch change {
        case .identity, .nextIdentity, .handOver:
            if change == .handOver { event = Event(.handedOver, nil) }
            nextHeld = try readHeld(.nextCertificate, &store, &work)
            // The identity last, so that it stands in the buffer for whoever tells of it.
            if change != .nextIdentity { held = try readHeld(.certificate, &store, &work) }
            endTransaction()
        case .end: endTransaction()
        case .transaction, .nextCA, .retry: break
        }
        if change != .transaction { try loadTrusted(withNext: false, &store) }
    }

    private mutating func endTransaction() {
        transaction = nil
        forgetKeys()
    }

    private mutating func proceed(after change: Change, _ configuration: borrowing Configuration) throws(AgentError) {
        phase = .plan
        switch change {
        case .transaction:
            phase = .request
            if transaction?.isPending ?? false { try waitForDecision(configuration, resuming: false) }
        case .retry(let seconds): phase = .wait(.retry, seconds: seconds)
        case .end(let operation, let error):
            let failure = AgentError.scep(operation, error, text: failureText)
            event = Event(.failed(failure), operation)
            guard configuration.stays, held != nil else { throw failure }
        case .identity, .nextIdentity, .handOver, .nextCA: break
        }
    }
}
