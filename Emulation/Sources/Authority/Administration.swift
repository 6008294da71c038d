import Foundation
import LibCrypto

/// What an administrator asks cannot be done.
public struct AdministrationError: Error, CustomStringConvertible, Equatable {
    public let description: String
}

extension Authority {
    /// The root's certificate: what a client is told to trust.
    public var trustAnchor: Certificate { state.withLock { $0.current.root.certificate } }

    /// All CA and RA certificates in service, as GetCACert tells them: RAs, the issuing CA, the root.
    public var publishedCertificates: [Certificate] { state.withLock { $0.current.published } }

    /// The certificate whose key signs certificates and CRLs.
    public var issuingCertificate: Certificate { state.withLock { $0.current.issuer.certificate } }

    /// The next CA's root, or nil.
    public var nextTrustAnchor: Certificate? { state.withLock { $0.next?.root.certificate } }

    /// Which requests for certificates came, since the authority was started.
    public var ledger: Ledger { state.withLock { $0.ledger } }

    /// The faults from now on; counts start anew.
    public func setFaults(_ faults: [FaultRule]) {
        state.withLock { $0.faults = faults }
    }

    /// The transactions, oldest first.
    public func transactions() -> [TransactionSummary] {
        state.withLock { $0.database.transactions.values.sorted { $0.received < $1.received } }.map { transaction in
            let text =
                switch transaction.state {
                case .pending: "pending"
                case .issued(let serial): "issued \(serial)"
                case .refused(let refusal): "refused: \(refusal.text)"
                }
            return TransactionSummary(
                transactionID: transaction.id, messageType: transaction.messageType.name,
                subject: transaction.subject, state: text)
        }
    }

    /// The issued certificates, oldest first.
    public func issuedCertificates() -> [IssuedSummary] {
        state.withLock { $0.database.issued.sorted { $0.value.date < $1.value.date } }.map { serial, issued in
            IssuedSummary(serial: serial, subject: issued.subject, isRevoked: issued.revocation != nil)
        }
    }

    /// The issued certificate with this serial number, hexadecimal.
    public func issuedCertificate(serial: String) throws -> Certificate? {
        guard let issued = state.withLock({ $0.database.issued[serial.lowercased()] }) else { return nil }
        return try Certificate(der: [UInt8](issued.certificate))
    }

    /// Issues the certificate of a pending transaction: the next CertPoll gets it. Returns its serial number.
    @discardableResult
    public func approve(_ transactionID: String) throws -> String {
        try state.withLock { state in
            let transaction = try pending(transactionID, in: state)
            let certificate = try issue(for: transaction, state: &state)
            try Storage.save(state, in: configuration.directory)
            return certificate.serialText
        }
    }

    /// Refuses a pending transaction: the next CertPoll is told so.
    public func refuse(_ transactionID: String, _ refusal: Refusal) throws {
        try state.withLock { state in
            _ = try pending(transactionID, in: state)
            state.database.transactions[transactionID]?.state = .refused(refusal)
            try Storage.save(state, in: configuration.directory)
        }
    }

    private func pending(_ transactionID: String, in state: State) throws -> Transaction {
        guard let transaction = state.database.transactions[transactionID] else {
            throw AdministrationError(description: "no transaction has the id \(transactionID)")
        }
        guard case .pending = transaction.state else {
            throw AdministrationError(description: "transaction \(transactionID) is not pending")
        }
        return transaction
    }

    /// Makes a one-time password for `device` (a commonName or serialNumber; empty: any), or takes the one given.
    @discardableResult
    public func addPassword(device: String, password: String? = nil) throws -> String {
        guard case .oneTime = configuration.challenge else {
            throw AdministrationError(description: "this authority was not started with one-time passwords")
        }
        let password = try password ?? randomBytes(12).hexadecimal
        try state.withLock { state in
            state.database.passwords.append(OneTimePassword(device: device, password: password))
            try Storage.save(state, in: configuration.directory)
        }
        return password
    }

    /// Puts an issued certificate on the CRL. `serial` is hexadecimal.
    public func revoke(serial: String, reason: RevocationReason = .unspecified) throws {
        let serial = serial.lowercased()
        try state.withLock { state in
            guard let issued = state.database.issued[serial], let bytes = [UInt8](hexadecimal: serial) else {
                throw AdministrationError(description: "no certificate with serial number \(serial) was issued")
            }
            guard issued.revocation == nil else {
                throw AdministrationError(description: "certificate \(serial) is revoked already")
            }
            state.database.issued[serial]?.revocation = Revocation(
                serial: bytes, date: now, reason: reason)
            try Storage.save(state, in: configuration.directory)
        }
    }

    /// Makes a next CA, unless there is one, and returns its root.
    @discardableResult
    public func prepareNextCA() throws -> Certificate {
        try state.withLock { state in
            if let next = state.next { return next.root.certificate }
            let next = try Hierarchy(configuration, generation: state.generations.count + 1, now: now)
            state.generations.append(next)
            try Storage.save(state, in: configuration.directory)
            return next.root.certificate
        }
    }

    /// Takes the next CA into service.
    public func rollOver() throws {
        try state.withLock { state in
            guard state.next != nil else { throw AdministrationError(description: "there is no next CA") }
            state.database.current += 1
            try Storage.save(state, in: configuration.directory)
        }
    }

    /// The CRL of the issuing CA that is in service.
    public func revocationList() throws -> RevocationList {
        try state.withLock { state in
            let generation = state.database.current
            return try makeList(issuer: state.current.issuer, generation: generation, state: &state)
        }
    }

    /// A fresh CRL of `issuer`: it holds what that generation issued, when the generation issues with it.
    func makeList(
        issuer: Identity, generation: Int, faults: [Fault] = [], state: inout State
    ) throws -> RevocationList {
        let issues = state.generations[generation].issuer.certificate == issuer.certificate
        let entries = state.database.issued.values
            .filter { issues && $0.generation == generation }.compactMap(\.revocation)
        state.database.crlNumber += 1
        let list = try makeList(
            issuer: issuer, entries: entries, number: state.database.crlNumber, faults: faults)
        try Storage.save(state, in: configuration.directory)
        try Storage.save(list: list.der, in: configuration.directory)
        return list
    }
}
