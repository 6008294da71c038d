import Agent
import Board
import DER
import DeviceCrypto
import PKIX
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
    /// - Parameters:
    ///   - work: the work buffer, in which the far side's words stand.
    ///   - url: of the CA.
    ///   - isHeld: whether there is a certificate already.
    init(_ error: AgentError, _ work: Span<UInt8>, url: Text = [], isHeld: Bool = false) {
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
        var line = LastLine()
        conclude(error, work: work, log: &line)
        // `error kind: sentence`
        var text = line.text
        text.removeFirst(min(6, text.count))
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
        let kind = Text(text[..<colon])
        // Of leniencies, one comes to another.
        let sentence = Text(text[min(colon + 1, text.count)...]).trimmed.replacing("set allow=", "add to allow: ")
        switch error {
        case .status(_, 407, _):
            self.init(.network, "proxy-authentication", "the proxy wants to know who asks; set proxy-password-file")
        case .passwordSpent:
            self.init(
                .usage, "password-spent",
                """
                the password went into a request that is over, and is not sent again: put a new one into the file of \
                challenge-file, or set challenge-use = always if it is a secret that all requests share
                """)
        case .scep(_, .passwordMissing, _):
            self.init(
                .usage, kind: kind,
                message: Text(
                    """
                    replies to an EC key are encrypted with the password: set challenge-file, and challenge-use = always
                    """))
        case .scep(_, .noCapabilities, let body) where isWebPage(body, work),
            .scep(_, .reply, let body) where isWebPage(body, work), .status(_, _, let body) where isWebPage(body, work):
            var message = Text("a web page came in place of a reply")
            if case .status(_, let status, _) = error {
                message.append(", with HTTP status ")
                message.append(decimal: Int(status))
            }
            message.append("; check the path of the URL")
            self.init(.network, kind: Text("not-scep"), message: message + place(url))
        case .scep(_, .reply, let body) where body.isEmpty:
            self.init(
                .network, kind: Text("not-scep"), message: Text("the reply was empty; check the URL") + place(url))
        case .scep(let operation, .refused(let failInfo), _):
            let advice = advice(operation, failInfo, isHeld)
            self.init(.refused, kind: kind, message: sentence.replacing("check challenge and subject", advice))
        // Where capabilities and certificates came from, the URL is right.
        case .status(let operation, let status, let body) where operation.isOfDevice && (status < 500 || !body.isEmpty):
            let advice = advice(operation, .badRequest, isHeld)
            let exit = status == 503 || status == 429 ? ExitCode.network : .refused
            self.init(exit, kind: kind, message: sentence.replacing("check url", advice))
        case .status(.getCACaps, _, _), .status(.getCACert, _, _):
            self.init(
                .network, kind: kind, message: sentence.replacing("check url", "check url and message") + place(url))
        case .scep(_, .certificateNotYetValid, _):
            self.init(
                .trust, kind: kind,
                message: Text(
                    """
                    the certificate that the CA sent begins later than it is here, and was not stored: compare the clocks; \
                    the next run asks for it again, and a new password in challenge-file for another
                    """))
        case .scep(_, .noEncryptionCertificate, _) where isHeld:
            self.init(
                .trust, kind: kind,
                message: Text(
                    "there is no certificate of a CA with this fingerprint, to which something could be encrypted"))
        case .scep(_, .fingerprintMismatch, _):
            self.init(.trust, kind: kind, message: sentence + Text("; scep ca shows what it sends") + place(url))
        case .scep(_, .validityNotExtended, _):
            self.init(
                .refused, kind: kind,
                message: Text(
                    """
                    the new certificate is over no later than the one before, and was not stored; ask the CA's operator
                    """))
        case .exchange(_, .connecting(.proxyUnreachable)):
            self.init(.network, kind: kind, message: sentence)
        case .exchange, .status:
            self.init(Self.exit(error), kind: kind, message: sentence + place(url))
        default: self.init(Self.exit(error), kind: kind, message: sentence)
        }
    }

    private static func exit(_ error: AgentError) -> ExitCode {
        switch error {
        case .configuration, .passwordSpent: .usage
        case .provisioning, .entropy: .internal
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
        default: .trust
        }
    }
}

/// ` (http://ca.example/scep)`; nothing where it is not known.
private func place(_ url: Text) -> Text {
    guard !url.isEmpty else { return [] }
    var text = Text(" (")
    text.append(printable: url.span)
    text.append(")")
    return text
}

/// What to do about a refusal.
private func advice(_ operation: Operation, _ failInfo: FailInfo, _ isHeld: Bool) -> StaticString {
    switch (operation, failInfo) {
    case (.getCRL, _), (.getCert, _): "the CA may not answer this question at all: see its log"
    case (_, .badTime): "compare this machine's clock with the CA's"
    case (_, .badAlg): "the CA does not take the key or an algorithm: try another key, or see its log"
    default:
        isHeld
            ? """
            it may have revoked the certificate (scep crl asks) or want the password (challenge-use = always); \
            scep enroll --again asks for a new one
            """ : "check challenge-file and subject, and see the CA's log"
    }
}

extension Operation {
    /// Whether it is a PKIOperation.
    fileprivate var isOfDevice: Bool { rawValue >= Operation.pkcsReq.rawValue }
}

/// Whether the far side's words are HTML: from a proxy, a portal, or a server whose SCEP service is elsewhere.
private func isWebPage(_ body: Range<Int>, _ work: Span<UInt8>) -> Bool {
    guard body.upperBound <= work.count else { return false }
    var start = body.lowerBound
    while start < body.upperBound, isBlank(work[start]) || work[start] == UInt8(ascii: "\n") { start += 1 }
    // No DER begins with this.
    return start < body.upperBound && work[start] == UInt8(ascii: "<")
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
