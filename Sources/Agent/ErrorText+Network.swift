import Board
import HTTP

extension ErrorText {
    /// Why there was no reply.
    ///
    /// - Parameter capacity: of the work buffer.
    init(_ error: ExchangeError, _ operation: Operation, _ capacity: Int) {
        switch error {
        case .notSecured:
            self.init(.httpsUnsupported)
        case .connecting(let error):
            self.init(error.cause)
            place = .connecting
        case .sending(let error):
            self.init(error.cause)
            place = .sending
        case .receiving(let error):
            self.init(error.cause)
            place = .receiving
        case .reply(let error) where error.kind == .bodyTooLarge && error.size >= capacity:
            // A byte more shows that nothing is missing.
            self.init(.replyTooLarge, needs: error.size &+ 1, has: capacity)
        case .reply(let error):
            self.init(error.cause)
            (place, number) = error.size > 0 ? (.size, error.size) : (.byte, 0)
            offset = error.offset
            quoted = error.text
        }
        self.operation = operation
        if operation == .getCACaps, error.isSilence { cure = .allowIfOld }
    }
}

extension TransportError {
    fileprivate var cause: Cause {
        switch self {
        case .noAddress: .noAddress
        case .nameUnknown: .nameUnknown
        case .nameUnresolved: .nameUnresolved
        case .refused: .connectionRefused
        case .unreachable: .unreachable
        case .timedOut: .timedOut
        case .reset: .connectionLost
        case .exhausted: .networkExhausted
        case .notTLS: .notTLS
        case .noCommonProtocol: .tlsNoCommon
        case .handshakeRefused: .tlsRefused
        case .handshakeFailed: .tlsFailed
        case .certificateUntrusted: .tlsUntrusted
        case .certificateOfOtherHost: .tlsWrongHost
        case .certificateExpired: .tlsExpired
        case .certificateNotYetValid: .tlsNotYetValid
        case .certificateWeak: .tlsWeak
        case .certificateMisused: .tlsMisused
        case .pinMismatch: .tlsPinMismatch
        case .identityRefused: .tlsIdentityRefused
        case .identityFailed: .tlsIdentityFailed
        case .proxyUnreachable: .proxyUnreachable
        case .proxyRefused: .proxyRefused
        case .proxyAuthentication: .proxyAuthentication
        }
    }
}

extension HTTPError {
    fileprivate var cause: Cause {
        switch kind {
        case .noReply: .noReply
        case .notHTTP: .notHTTP
        case .redirected: .redirected
        case .bodyTooLarge, .headTooLarge: .replyTooLargeForAny
        case .truncated: .replyTruncated
        case .badField, .badContentLength, .conflictingLengths, .unsupportedCoding, .badChunk: .httpMalformed
        }
    }
}

extension Operation {
    /// What to do about an HTTP status that is not success (RFC 9110, 15).
    ///
    /// `allow=sha1,3des` is what lets a device enrol at a server from before GetCACaps. Such a server answers as one does
    /// that does not know what it is asked (RFC 8894, 3.5.2): HTTP 400, 404, 405 or 501, and no web page. So does one whose
    /// URL is wrong, but only the former answers GetCACert. Any other status is no sign of age.
    ///
    /// - Parameter isPage: whether the body is a web page.
    func cure(of status: UInt16, isPage: Bool) -> Cure {
        switch status {
        case 407: return .authenticateToProxy
        case 408, 429, 503: return .tryLater
        case 426, 505: return .askForHTTP
        case 502, 504: return .seeWhatIsBefore
        case 501 where self == .getCACaps: break
        // Few servers answer these questions.
        case 500... where self == .getCert || self == .getCRL: return .askWhetherAnswered
        case 500...: return .seeLog
        case 401 where !isPKIOperation, 403 where !isPKIOperation: return .askForAccess
        default: break
        }
        switch self {
        case .getCACaps:
            let isUnknown = status == 400 || status == 404 || status == 405 || status == 501
            return isUnknown && !isPage ? .checkURLOrAllow : .checkURL
        case .getCACert, .getNextCACert: return .checkURLAndMessage
        case .pkcsReq, .certPoll: return .checkRequest
        case .renewalReq: return .checkRenewal
        case .getCert, .getCRL: return .askWhetherAnswered
        }
    }
}

/// Whether the far side's words are HTML: from a proxy, a portal, or a server whose SCEP service is elsewhere.
///
/// - Parameter body: where they stand in `work`.
public func isWebPage(_ work: Span<UInt8>, _ body: Range<Int>) -> Bool {
    guard body.upperBound <= work.count else { return false }
    // No DER begins with this, nor does a capability.
    for index in body where work[index] > UInt8(ascii: " ") { return work[index] == UInt8(ascii: "<") }
    return false
}
