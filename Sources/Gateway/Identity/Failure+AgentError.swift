import Agent
import Board
import DeviceCrypto
import SCEP

/// Why a key could not be used.
func keyFailure(_ error: CryptoError) -> Failure {
    guard let reason = unsafe GatewayKey.provider.failure else {
        var message = Text("the key cannot be used: error ")
        message.append(decimal: Int(error.rawValue))
        return Failure(.storage, "key-failed", message)
    }
    var message = Text()
    reason.write(to: &message)
    return Failure(.storage, "key-failed", message)
}

extension Failure {
    /// What an error of the agent's means for who runs the program.
    ///
    /// - Parameter work: the work buffer, in which the far side's words stand.
    init(_ error: AgentError, _ work: Span<UInt8>) {
        // A key fails with few words; its provider has the rest.
        if unsafe GatewayKey.provider.failure != nil {
            switch error {
            case .key(let reason):
                self = keyFailure(reason)
                return
            case .storage(.corrupt):
                self = keyFailure(.invalidKey)
                return
            default: break
            }
        }
        if case .status(_, 407, _) = error {
            self.init(.network, "proxy-authentication", "the proxy wants to know who asks; set proxy-password-file")
            return
        }
        var line = LastLine()
        conclude(error, work: work, log: &line)
        // `error kind: sentence`
        var text = line.text
        text.removeFirst(min(6, text.count))
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
        self.init(
            Self.exit(error), kind: Text(text[..<colon]), message: Text(text[min(colon + 1, text.count)...]).trimmed)
    }

    private static func exit(_ error: AgentError) -> ExitCode {
        switch error {
        case .configuration, .passwordSpent: .usage
        case .provisioning, .entropy: .internal
        case .storage, .key: .storage
        case .exchange(_, .notSecured): .usage
        case .exchange(_, .connecting(let error)): error.isOfTrust ? .trust : .network
        case .exchange: .network
        // Some servers refuse a request by a status, with words in place of a message.
        case .status(_, let status, _): status >= 400 && status < 500 && status != 404 ? .refused : .network
        case .scep(_, let error, _): exit(error)
        case .stillPending: .pending
        case .revoked: .trust
        }
    }

    private static func exit(_ error: SCEPError) -> ExitCode {
        switch error {
        case .refused, .crlMissing, .validityNotExtended, .oldCertificate: .refused
        case .request, .passwordMissing: .usage
        default: .trust
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

/// Keeps the last line that was written to it.
private struct LastLine: Log {
    var text = Text()

    mutating func write(line: Span<UInt8>) { text = Text(line) }
}
