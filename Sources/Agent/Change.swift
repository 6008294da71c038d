import Bytes

/// What a snapshot changes of what a device keeps.
enum Change: Equatable {
    /// A transaction is begun, before any of it is sent.
    case begin(Goal)
    /// The CA leaves the transaction to a person.
    case pending
    /// The certificates of the CA that is asked were replaced by others that can be trusted.
    case caCertificates(Goal)
    /// The identity is new.
    case identity
    /// There is an identity of the next CA, whose time has not come.
    case nextIdentity
    /// The next identity's time has come. Without a certain time the former one is kept, in the place of the next.
    case takeOver(keepsFormer: Bool)
    case nextCA
    /// A try failed (``Agent/failure``): the next one comes after so many seconds; nil where the run ends with it.
    case failure(retry: Int?, givesUp: Bool)
    /// The transaction has ended, and ``Agent/failure`` is why. What was wanted is tried anew after so many seconds; nil where the
    /// run ends with it.
    case end(retry: Int?)
    /// The transaction is given up, as the operator wants it.
    case giveUp
}

/// What a change makes of one record.
enum RecordContent: Equatable {
    case none
    /// As it is.
    case kept
    /// What another record holds now.
    case moved(StoredRecord)
    /// The key that was made for the transaction, or stays in use.
    case key
    /// The bytes at ``Agent/certificate``: what the reply brought.
    case received
    /// The certificates of the CA that is asked.
    case currentCA
    case transaction
    case state
}

extension Change {
    /// Whether a transaction that was open ends by it.
    var endsTransaction: Bool {
        switch self {
        case .identity, .nextIdentity, .end, .giveUp: true
        case .failure(_, let givesUp): givesUp
        case .begin, .pending, .caCertificates, .takeOver, .nextCA: false
        }
    }

    /// The matrix of changes and records: what each record holds once the change is stored.
    ///
    /// - Parameter hasFormer: whether the other identity that is stored is the former one.
    func content(
        of record: StoredRecord, _ transaction: borrowing TransactionRecord, hasFormer: Bool
    ) -> RecordContent {
        let (keepsKey, isForNextCA, isForOtherCA) = (
            transaction.flags.contains(.keepsKey), transaction.flags.contains(.forNextCA),
            transaction.flags.contains(.forOtherCA)
        )
        let (isRenewal, isOpen) = (transaction.flags.contains(.renewal), transaction.isOpen)
        return switch (self, record) {
        case (_, .state): .state

        case (.begin, .transaction): .transaction
        case (.begin, .transactionKey): keepsKey ? .none : .key
        case (.begin, .caCertificates): isForOtherCA ? .kept : .currentCA
        case (.begin, .transactionCACertificates): isForOtherCA ? .currentCA : .none
        case (.begin, _): .kept

        case (.pending, .transaction): .transaction
        case (.pending, _): .kept

        case (.caCertificates, .caCertificates): isForOtherCA ? .kept : .currentCA
        case (.caCertificates, .transactionCACertificates): isForOtherCA ? .currentCA : .none
        case (.caCertificates, _): .kept

        case (.identity, .privateKey): keepsKey ? .kept : .key
        case (.identity, .certificate): .received
        case (.identity, .caCertificates):
            isForOtherCA
                ? .moved(.transactionCACertificates) : isForNextCA ? .moved(.nextCACertificates) : .kept
        // A renewal leaves alone what is known of the next CA, and what it issued; and the former one, as long as it may
        // come back.
        case (.identity, .nextCACertificates), (.identity, .nextPrivateKey), (.identity, .nextCertificate):
            isForNextCA || !isRenewal ? .none : .kept
        case (.identity, _): .none

        case (.nextIdentity, .nextPrivateKey): .key
        case (.nextIdentity, .nextCertificate): .received
        case (.nextIdentity, .transaction), (.nextIdentity, .transactionKey): .none
        case (.nextIdentity, _): .kept

        case (.takeOver, .privateKey): .moved(.nextPrivateKey)
        case (.takeOver, .certificate): .moved(.nextCertificate)
        case (.takeOver, .caCertificates): .moved(.nextCACertificates)
        case (.takeOver(true), .nextPrivateKey): .moved(.privateKey)
        case (.takeOver(true), .nextCertificate): .moved(.certificate)
        case (.takeOver(true), .nextCACertificates): .moved(.caCertificates)
        case (.takeOver, _): .none

        case (.nextCA, .nextCACertificates): .received
        case (.nextCA, .nextPrivateKey), (.nextCA, .nextCertificate): hasFormer ? .none : .kept
        case (.nextCA, _): .kept

        case (.failure(_, false), .transaction): isOpen ? .transaction : .kept
        case (.failure(_, false), _): .kept

        case (.failure, .transaction), (.end, .transaction), (.giveUp, .transaction): .none
        case (.failure, .transactionKey), (.end, .transactionKey), (.giveUp, .transactionKey): .none
        case (_, .transactionCACertificates): .none
        case (.failure, _), (.end, _), (.giveUp, _): .kept
        }
    }
}
