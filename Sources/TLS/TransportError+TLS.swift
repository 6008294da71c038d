import Board
import CMbedTLSSSL
import PKIX

extension TransportError {
    /// What the server's alert says (RFC 5246, 7.2.2).
    ///
    /// - Parameters:
    ///   - isGreeting: whether it is the answer to the ClientHello.
    ///   - isLate: whether all of the client's part was sent, its certificate too if it was asked for one.
    init(alert: UInt8, isGreeting: Bool, isLate: Bool) {
        switch Int32(alert) {
        case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, MBEDTLS_SSL_ALERT_MSG_INSUFFICIENT_SECURITY:
            self = .noCommonProtocol
        case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE where isGreeting: self = .noCommonProtocol
        // Of a client without a certificate OpenSSL says no more than that.
        case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE where isLate: self = .identityRefused
        // From bad_certificate to certificate_unknown.
        case 42...46, MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED: self = .identityRefused
        default: self = .handshakeRefused
        }
    }

    /// The alert that tells the server why its certificate is refused.
    var alert: UInt8 {
        let alert =
            switch self {
            case .certificateUntrusted: MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA
            case .certificateExpired, .certificateNotYetValid: MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED
            case .certificateWeak: MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT
            default: MBEDTLS_SSL_ALERT_MSG_BAD_CERT
            }
        return UInt8(truncatingIfNeeded: alert)
    }
}

extension cmbedtls_ssl_facts {
    /// What a validity period says to the time.
    func error(at moment: Moment) -> TransportError? {
        // There is no such certificate.
        guard end.year != 0 else { return nil }
        if moment.isPast(end.seconds) { return .certificateExpired }
        if moment.isBefore(begin.seconds) { return .certificateNotYetValid }
        return nil
    }
}

extension cmbedtls_ssl_date {
    fileprivate var seconds: Int64 {
        secondsSince1970(
            year: Int(year), month: Int(month), day: Int(day), hour: Int(hour), minute: Int(minute),
            second: Int(second))
    }
}
