import Agent
import Board
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

extension Failure {
    /// Why a key could not be used: the reason that its provider has.
    init(_ error: CryptoError, of keys: KeyProvider) {
        var message = Text()
        if let reason = keys.failure {
            reason.write(to: &message)
        } else {
            message.append("the key cannot be used: error ")
            message.append(decimal: Int(error.rawValue))
        }
        self.init(.storage, "key-failed", message)
    }

    /// What an error of the agent's means for who runs the program: its row in the agent's table of errors, in the words
    /// of a gateway where that has better ones (``Output/ErrorWords``), and the URL.
    ///
    /// - Parameters:
    ///   - work: the work buffer, in which the far side's words stand.
    ///   - url: of the CA.
    ///   - isHeld: whether it is about a certificate that there is already, and not an enrolment.
    ///   - knowsCapabilities: whether the same URL answered GetCACaps with what the CA can do.
    ///   - keys: the provider of the agent's keys, which knows more of why one failed.
    init(
        _ error: AgentError, _ work: Span<UInt8>, url: Text = [], isHeld: Bool = false, knowsCapabilities: Bool = false,
        keys: KeyProvider? = nil
    ) {
        if let keys, keys.failure != nil {
            switch error {
            case .key(let reason):
                self.init(reason, of: keys)
                return
            case .storage(.corrupt):
                self.init(.invalidKey, of: keys)
                return
            default: break
            }
        }
        var words = ErrorWords(error, work, isHeld: isHeld, knowsCapabilities: knowsCapabilities)
        if error.isOfPlace, !url.isEmpty {
            words.place.append(" (")
            words.place.append(printable: url.span)
            words.place.append(")")
        }
        self.init(words.exit ?? Self.exit(error), kind: words.kind, message: words.message)
    }

    private static func exit(_ error: AgentError) -> ExitCode {
        switch error {
        case .configuration, .passwordSpent, .passwordNeeded, .cannotRenew: .usage
        case .provisioning, .entropy, .clockStopped: .internal
        case .storage, .key: .storage
        case .exchange(_, .notSecured): .usage
        case .exchange(_, .connecting(let error)): error.isOfTrust ? .trust : .network
        case .exchange: .network
        case .status: .network
        case .scep(_, let error, _): exit(error)
        case .stillPending: .pending
        case .revoked: .trust
        }
    }

    private static func exit(_ error: SCEPError) -> ExitCode {
        switch error {
        case .refused, .crlMissing, .validityNotExtended, .oldCertificate: .refused
        case .request, .passwordMissing: .usage
        // What cannot even be read is no word of the CA's; what cannot be decrypted may be.
        case .reply(let error) where error.kind.cryptoError == nil: .network
        case .notDER: .network
        default: .trust
        }
    }
}

extension AgentError {
    /// Whether it depends on what is at the URL.
    fileprivate var isOfPlace: Bool {
        switch self {
        case .exchange(_, .connecting(.proxyUnreachable)), .status(_, 407, _): false
        case .exchange, .status, .scep(_, .notDER, _), .scep(_, .fingerprintMismatch, _), .scep(_, .noCapabilities, _):
            true
        case .scep(_, .reply(let error), _): error.kind.cryptoError == nil
        default: false
        }
    }
}

extension TransportError {
    /// Whether a server is not who it should be, or does not take this machine for who it should be.
    fileprivate var isOfTrust: Bool {
        switch self {
        case .certificateUntrusted, .certificateOfOtherHost, .certificateExpired, .certificateNotYetValid,
            .certificateWeak, .certificateMisused, .pinMismatch, .identityRefused, .identityFailed,
            .noCommonProtocol, .handshakeFailed, .handshakeRefused:
            true
        default: false
        }
    }
}
