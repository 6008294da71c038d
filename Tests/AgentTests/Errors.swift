import Board
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

@testable import Agent

/// Every error that an agent can end with, a case at least once. That none is left out is seen by the compiler in the
/// switch below and in the agent's own, and by `ErrorTableTests`, which looks for each row of the table.
enum Errors {
    static let all: [AgentError] =
        [
            .provisioning(.absent), .provisioning(.corrupt), .provisioning(.tooLong(1, capacity: 2)),
            .provisioning(.storage(.failed)),
            .entropy(.notProvisioned), .entropy(.failed), .key(.unsupported), .key(.outOfMemory), .key(.failed),
            .passwordSpent,
            .revoked,
            .stillPending, .cannotRenew, .passwordNeeded,
        ] + configuration + storage + network + statuses + replies

    private static let configuration: [AgentError] =
        [.configuration(ConfigurationError(.unknownName, at: 3))]
        + [ConfigurationError.Kind.duplicate, .badValue, .missing].map {
            .configuration(ConfigurationError($0, .url, at: 3))
        }

    private static let storage: [AgentError] = [
        StorageError.outOfRange, .notErased, .failed, .powerLost, .full, .corrupt, .unknownVersion, .exposed,
    ].map { .storage($0) }

    static let transport: [TransportError] = (1...255).compactMap { TransportError(rawValue: $0) }
    static let http: [HTTPError.Kind] = (1...255).compactMap { HTTPError.Kind(rawValue: $0) }

    private static let network: [AgentError] =
        [.exchange(.getCACaps, .notSecured), .exchange(.getCACaps, .receiving(.reset))]
        + transport.flatMap { (error) -> [AgentError] in
            [.exchange(.pkcsReq, .connecting(error)), .exchange(.getCACert, .sending(error))]
        } + http.map { .exchange(.getCACert, .reply(HTTPError($0, at: 5))) }

    static let operations: [Operation] = (1...255).compactMap { Operation(rawValue: $0) }

    private static let statuses: [AgentError] = operations.flatMap { operation in
        [UInt16(204), 400, 401, 403, 404, 405, 407, 408, 410, 426, 429, 500, 501, 502, 503, 504, 505].map {
            .status(operation, $0, text: 0..<0)
        }
    }

    /// All cases, each by the one before it.
    static let scep: [SCEPError] = Array(sequence(first: .request(DERError(.truncated, at: 0)), next: after))

    static let replies: [AgentError] =
        (scep + [
            .request(DERError(.bufferFull, at: 0)), .request(DERError(.crypto(.outOfMemory), at: 0)),
            .request(DERError(.crypto(.notSeeded), at: 0)), .reply(DERError(.crypto(.decryptionFailed), at: 0)),
            .belowFloor(.des), .belowFloor(Leniency.sha1.union(.tripleDES)), .belowFloor(.lowerFloor),
        ]).map { .scep(.pkcsReq, $0, text: 0..<0) }

    private static func after(_ error: SCEPError) -> SCEPError? {
        switch error {
        case .request: .reply(DERError(.truncated, at: 0))
        case .reply: .notDER(.json)
        case .notDER: .passwordMissing
        case .passwordMissing: .noCapabilities
        case .noCapabilities: .belowFloor(.sha1)
        case .belowFloor: .fingerprintMismatch
        case .fingerprintMismatch: .pinnedIsNotCA
        case .pinnedIsNotCA: .caCertificateExpired
        case .caCertificateExpired: .caCertificateNotYetValid
        case .caCertificateNotYetValid: .unmarkedRA
        case .unmarkedRA: .caWithoutKeyUsage
        case .caWithoutKeyUsage: .caKeyUnusable(.rsaSize(bits: 1024))
        case .caKeyUnusable: .noEncryptionCertificate
        case .noEncryptionCertificate: .caCertificatesTooLarge(2)
        case .caCertificatesTooLarge: .tooManyCACertificates
        case .tooManyCACertificates: .nextCANotSigned
        case .nextCANotSigned: .nextCAInvalid
        case .nextCAInvalid: .unknownSigner
        case .unknownSigner: .signerExpired
        case .signerExpired: .invalidSignature
        case .invalidSignature: .wrongMessageType
        case .wrongMessageType: .wrongTransactionID
        case .wrongTransactionID: .wrongRecipientNonce
        case .wrongRecipientNonce: .unknownStatus
        case .unknownStatus: .envelopeMissing
        case .envelopeMissing: .refused(.badRequest)
        case .refused: .certificateForAnotherKey
        case .certificateForAnotherKey: .issuedCertificateUnreadable(DERError(.invalidTime, at: 9))
        case .issuedCertificateUnreadable: .certificateNotFromCA
        case .certificateNotFromCA: .signatureAlgorithmUnknown
        case .signatureAlgorithmUnknown: .certificateExpired
        case .certificateExpired: .certificateNotYetValid
        case .certificateNotYetValid: .oldCertificate
        case .oldCertificate: .validityNotExtended
        case .validityNotExtended: .wrongCertificate
        case .wrongCertificate: .crlMissing
        case .crlMissing: .crlFromAnotherIssuer
        case .crlFromAnotherIssuer: .crlIncomplete(.delta)
        case .crlIncomplete: .crlInvalidSignature
        case .crlInvalidSignature: .crlStale
        case .crlStale: .crlNotYetValid
        case .crlNotYetValid: .revoked
        case .revoked: nil
        }
    }
}
