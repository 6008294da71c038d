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
        state.withLock { $0.database.transactions }.values.sorted { $0.received < $1.received }.map { transaction in
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
        let database = state.withLock { $0.database }
        return database.issued.values.sorted { $0.date < $1.date }.map { issued in
            IssuedSummary(
                serial: issued.serial, subject: issued.subject,
                isRevoked: database.revocations[issued.serial] != nil)
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
        let certificate = try turns.take(transactionID) {
            try issue(for: state.withLock { state in try pending(transactionID, in: state) })
        }
        try folder?.register.synchronize()
        return certificate.serialText
    }

    /// Refuses a pending transaction: the next CertPoll is told so.
    public func refuse(_ transactionID: String, _ refusal: Refusal) throws {
        try turns.take(transactionID) {
            try change { state in
                _ = try pending(transactionID, in: state)
                enter([.refused(transactionID: transactionID, refusal)], in: &state)
            }
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
        try change { state in
            enter([.passwordAdded(OneTimePassword(device: device, password: password))], in: &state)
        }
        return password
    }

    /// Puts an issued certificate on the CRL. `serial` is hexadecimal.
    public func revoke(serial: String, reason: RevocationReason = .unspecified) throws {
        let serial = serial.lowercased()
        try change { state in
            guard state.database.issued[serial] != nil, let bytes = [UInt8](hexadecimal: serial) else {
                throw AdministrationError(description: "no certificate with serial number \(serial) was issued")
            }
            guard state.database.revocations[serial] == nil else {
                throw AdministrationError(description: "certificate \(serial) is revoked already")
            }
            enter([.revoked(Revocation(serial: bytes, date: now, reason: reason))], in: &state)
        }
    }

    /// Makes a next CA, unless there is one, and returns its root.
    @discardableResult
    public func prepareNextCA() throws -> Certificate {
        try state.withLock { state in
            if let next = state.next { return next.root.certificate }
            let next = try Hierarchy(configuration, generation: state.generations.count + 1, now: now)
            try folder?.save(next, generation: state.generations.count)
            state.generations.append(next)
            return next.root.certificate
        }
    }

    /// Takes the next CA into service.
    public func rollOver() throws {
        try change { state in
            guard state.next != nil else { throw AdministrationError(description: "there is no next CA") }
            enter([.rolledOver], in: &state)
        }
        try folder?.publish(root: trustAnchor.pem())
    }

    /// The CRL of the issuing CA that is in service.
    public func revocationList() throws -> RevocationList {
        let (issuer, generation) = state.withLock { ($0.current.issuer, $0.database.current) }
        return try makeList(issuer: issuer, generation: generation)
    }

    /// A fresh CRL of `issuer`: it holds what that generation issued, when the generation issues with it.
    func makeList(issuer: Identity, generation: Int, faults: [Fault] = []) throws -> RevocationList {
        let (entries, number) = try change { state in
            enter([.listed], in: &state)
            let database = state.database
            let issues = state.generations[generation].issuer.certificate == issuer.certificate
            let entries = database.revocations.filter { serial, _ in
                issues && database.issued[serial]?.generation == generation
            }
            return (Array(entries.values), database.crlNumber)
        }
        let list = try makeList(issuer: issuer, entries: entries, number: number, faults: faults)
        try folder?.publish(list: list.der, number: number)
        return list
    }
}
