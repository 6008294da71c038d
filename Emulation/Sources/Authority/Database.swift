import Foundation
import LibCrypto

/// What was asked under one transactionID, and what became of it.
struct Transaction: Codable, Sendable {
    enum State: Codable, Sendable, Equatable {
        /// Waiting; how many CertPolls came.
        case pending(polls: Int)
        /// The certificate's serial number, hexadecimal.
        case issued(String)
        case refused(Refusal)
    }

    let id: String
    let messageType: CAMessageType
    let received: Date
    /// CertificationRequest, DER.
    let request: Data
    let subject: String
    /// SubjectPublicKeyInfo of the requested key, DER.
    let publicKey: Data
    /// SubjectPublicKeyInfo of the key that signed the message, DER.
    let signerKey: Data
    /// Serial number of the certificate that a renewal is signed with.
    let renews: String?
    /// Which generation of the CA it was addressed to.
    let generation: Int
    /// challengePassword, which replies to a key that cannot decrypt are encrypted for.
    let password: String?
    var state: State
}

/// A certificate that was issued.
struct Issued: Codable, Sendable {
    /// Hexadecimal.
    let serial: String
    /// Certificate, DER.
    let certificate: Data
    let subject: String
    let generation: Int
    let date: Date
    /// The last challengePassword that its owner sent.
    let password: String?
}

/// What changes while the authority runs. It changes by ``Change``s alone, so that it is their result, wherever they
/// are kept.
struct Database: Sendable {
    enum Change: Codable, Sendable {
        /// A new transaction, or another in the place of one whose certificate has expired.
        case requested(Transaction)
        /// A CertPoll came for a pending transaction.
        case polled(transactionID: String)
        case refused(transactionID: String, Refusal)
        case issued(transactionID: String, Issued)
        case revoked(Revocation)
        case passwordAdded(OneTimePassword)
        /// By its place among all that were added.
        case passwordUsed(Int)
        /// A CRL was made.
        case listed
        /// The next CA was taken into service.
        case rolledOver
    }

    /// Index of the generation that is in service.
    private(set) var current = 0
    private(set) var transactions: [String: Transaction] = [:]
    /// By serial number, hexadecimal.
    private(set) var issued: [String: Issued] = [:]
    /// By serial number, hexadecimal.
    private(set) var revocations: [String: Revocation] = [:]
    /// In the order in which they were added.
    private(set) var passwords: [OneTimePassword] = []
    /// Where in `passwords` one stands that is spelled so.
    private(set) var places: [String: [Int]] = [:]
    private(set) var crlNumber = 0

    var isBlank: Bool { transactions.isEmpty && passwords.isEmpty && crlNumber == 0 && current == 0 }

    /// Whether such a password was added, used or not.
    func has(_ password: OneTimePassword) -> Bool {
        places[password.password, default: []].contains { passwords[$0].device == password.device }
    }

    mutating func apply(_ change: Change) {
        switch change {
        case .requested(let transaction): transactions[transaction.id] = transaction
        case .polled(let id):
            guard case .pending(let polls) = transactions[id]?.state else { return }
            transactions[id]?.state = .pending(polls: polls + 1)
        case .refused(let id, let refusal): transactions[id]?.state = .refused(refusal)
        case .issued(let id, let certificate):
            issued[certificate.serial] = certificate
            transactions[id]?.state = .issued(certificate.serial)
        case .revoked(let revocation): revocations[revocation.serial.hexadecimal] = revocation
        case .passwordAdded(let password):
            places[password.password, default: []].append(passwords.count)
            passwords.append(password)
        case .passwordUsed(let place): if passwords.indices.contains(place) { passwords[place].isUsed = true }
        case .listed: crlNumber += 1
        case .rolledOver: current += 1
        }
    }
}

/// A transaction as people see it.
public struct TransactionSummary: Sendable, Codable, Equatable {
    public let transactionID: String
    public let messageType: String
    public let subject: String
    /// `pending`, `issued SERIAL` or `refused: TEXT`.
    public let state: String
}

/// An issued certificate as people see it.
public struct IssuedSummary: Sendable, Codable, Equatable {
    /// Hexadecimal.
    public let serial: String
    public let subject: String
    public let isRevoked: Bool
}
