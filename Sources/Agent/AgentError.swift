import Board
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

/// What a device asks of a CA (RFC 8894, 3.3 and 4).
public enum Operation: UInt8, Equatable, Sendable {
    case getCACaps = 1
    case getCACert
    case getNextCACert
    case pkcsReq
    case renewalReq
    case certPoll
    case getCert
    case getCRL

    /// Whether it is a PKIOperation, which a CertRep answers.
    var isPKIOperation: Bool { rawValue >= Operation.pkcsReq.rawValue }
}

/// Why a device has no certificate, or no newer one. Ranges lie in the work buffer: words of the far side, any bytes.
public enum AgentError: Error, Equatable, Sendable {
    case provisioning(ProvisioningError)
    case configuration(ConfigurationError)
    case entropy(EntropyError)
    case storage(StorageError)
    /// The key could not be made.
    case key(CryptoError)
    /// The board's uptime stands still, so that no wait would end.
    case clockStopped
    /// The CA could not be asked, or gave no reply.
    case exchange(Operation, ExchangeError)
    /// The server answered with an HTTP status that is not success, and with no SCEP message.
    case status(Operation, UInt16, text: Range<Int>)
    /// The reply, whose body is given, is not what it has to be; or it is a refusal with this failInfoText.
    case scep(Operation, SCEPError, text: Range<Int>)
    /// The CA was asked as often as was configured, and has not decided.
    case stillPending
    /// The password went into another transaction, which has ended.
    case passwordSpent
    /// The device would have no password left to renew with, which its EC key needs.
    case cannotRenew
    /// The request that is under way has a password in it, which is not there any more.
    case passwordNeeded
    /// The CA has revoked the device's certificate.
    case revoked

    /// Whether the same may succeed later, with nothing changed on the device: the network failed, the server was
    /// busy, or somebody else answered. Whatever nobody signed is none of the CA's last words.
    ///
    /// Not inlined, which would take every word of the error into a register.
    @inline(never)
    public var isTemporary: Bool {
        switch self {
        case .exchange(_, .notSecured): false
        case .exchange, .status: true
        case .scep(_, let error, _): error.isTemporary
        default: false
        }
    }

    /// What was asked.
    var operation: Operation? {
        switch self {
        case .exchange(let operation, _), .status(let operation, _, _), .scep(let operation, _, _): operation
        default: nil
        }
    }

    /// Whether nobody signed what it was decided by: capabilities, and certificates that the fingerprints do not reach.
    @inline(never)
    var isUnsigned: Bool {
        switch self {
        case .scep(.getCACaps, _, _), .scep(.getCACert, _, _): true
        default: false
        }
    }
}

extension SCEPError {
    /// A reply that is not the CA's proves nothing but that somebody is in between, now.
    fileprivate var isTemporary: Bool {
        switch self {
        case .reply(let error): error.kind != .bufferFull && error.kind.cryptoError != .outOfMemory
        case .notDER, .unknownSigner, .signerExpired, .invalidSignature, .wrongMessageType, .wrongTransactionID,
            .wrongRecipientNonce:
            true
        default: false
        }
    }
}
