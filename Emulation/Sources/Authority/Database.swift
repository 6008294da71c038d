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
    var password: String?
    var state: State
}

/// A certificate that was issued.
struct Issued: Codable, Sendable {
    /// Certificate, DER.
    let certificate: Data
    let subject: String
    let generation: Int
    let date: Date
    /// The last challengePassword that its owner sent.
    var password: String?
    var revocation: Revocation?
}

/// Everything that changes while the authority runs.
struct Database: Codable, Sendable {
    /// Index of the generation that is in service.
    var current = 0
    var transactions: [String: Transaction] = [:]
    /// By serial number, hexadecimal.
    var issued: [String: Issued] = [:]
    var passwords: [OneTimePassword] = []
    var crlNumber = 0
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
