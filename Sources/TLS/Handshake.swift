import Board
import CMbedTLSSSL
import DeviceCrypto
import PKIX

extension TLSTransport where Lower: ~Copyable {
    /// Makes mbedTLS's connection to `host`, a name or an address.
    mutating func open(_ host: Span<UInt8>) throws(TransportError) {
        var options = unsafe cmbedtls_ssl_options()
        unsafe options.anchors = trust.anchors
        if identity != nil {
            unsafe options.identity = identity?.certificates
            unsafe options.sign = identity?.sign
            unsafe options.key = identity?.key
            unsafe options.signature_size = identity?.signatureSize ?? 0
            if case .rsa = identity?.algorithm { unsafe options.is_rsa = 1 }
        }
        var status: Int32 = 0
        if let address = IPAddress(host) {
            unsafe address.bytes.withUnsafeBufferPointer { bytes in
                unsafe options.address = bytes.baseAddress
                unsafe options.address_count = bytes.count
                unsafe session = cmbedtls_ssl_open(&options, &status)
            }
        } else {
            unsafe host.withUnsafeBufferPointer { bytes in
                unsafe options.name = bytes.baseAddress
                unsafe options.name_count = bytes.count
                unsafe session = cmbedtls_ssl_open(&options, &status)
            }
        }
        guard unsafe session != nil else { throw isOutOfMemory(status) ? .exhausted : .handshakeFailed }
    }

    mutating func shakeHands(_ deadline: UInt64) throws(TransportError) {
        guard let session = unsafe session else { throw .handshakeFailed }
        while true {
            let status = unsafe try step(session, deadline) { unsafe cmbedtls_ssl_handshake(session, $0) }
            if status == 0 { return }
            // The server's certificate is there, and nothing of ours was sent but the ClientHello.
            if let error = unsafe verdict(on: session) {
                if unsafe cmbedtls_ssl_refuse(session, error.alert) == Status.send {
                    unsafe try? flush(session, deadline)
                }
                throw error
            }
            unsafe cmbedtls_ssl_accept(session)
        }
    }

    /// Makes a call of mbedTLS until it has done something, and moves the bytes that it asks for.
    ///
    /// - Returns: what it returned: a count, or ``Status/check``.
    mutating func step(
        _ session: OpaquePointer, _ deadline: UInt64,
        _ call: (UnsafeMutablePointer<cmbedtls_generator>) -> Int32
    ) throws(TransportError) -> Int {
        var silence = 0
        while silence < silenceLimit {
            let status = unsafe random.withContext { unsafe call($0) }
            switch status {
            case Status.send: unsafe try flush(session, deadline)
            case Status.receive: unsafe silence &+= try fetch(session, deadline)
            case 0..., Status.check: return Int(status)
            default:
                // What mbedTLS tells the server of it.
                unsafe try? flush(session, deadline)
                throw unsafe failure(status, session)
            }
        }
        throw .reset
    }

    /// Sends what mbedTLS has to send.
    mutating func flush(_ session: OpaquePointer, _ deadline: UInt64) throws(TransportError) {
        var count = 0
        guard let bytes = unsafe cmbedtls_ssl_outgoing(session, &count) else { return }
        try lower.send(unsafe Span(_unsafeStart: bytes, count: count), deadline: deadline)
        unsafe cmbedtls_ssl_sent(session)
    }

    /// Receives what mbedTLS waits for.
    ///
    /// - Returns: by how much the server's patience was tried, in bytes.
    private mutating func fetch(_ session: OpaquePointer, _ deadline: UInt64) throws(TransportError) -> Int {
        var capacity = 0
        // An alert that is a warning, or an empty record: five bytes of header and more.
        guard let bytes = unsafe cmbedtls_ssl_incoming(session, &capacity) else { return 8 }
        var buffer = unsafe MutableSpan(_unsafeStart: bytes, count: capacity)
        let count = try lower.receive(into: &buffer, deadline: deadline)
        guard count > 0 else { throw .reset }
        unsafe cmbedtls_ssl_received(session, count)
        return count
    }

    /// What speaks against the server's certificate, if anything does.
    private func verdict(on session: OpaquePointer) -> TransportError? {
        guard let verdict = unsafe cmbedtls_ssl_certificate(session)?.pointee else { return .certificateUntrusted }
        return check(verdict)
    }

    func check(_ verdict: cmbedtls_ssl_verdict) -> TransportError? {
        let byIssuer = unsafe trust.anchors != nil
        if trust.pinCount > 0 {
            guard trust.hasPin(verdict.sha256Digest) || trust.hasPin(verdict.sha512Digest) else { return .pinMismatch }
        } else if !byIssuer {
            return .certificateUntrusted
        }
        if byIssuer {
            let flags = verdict.server.flags | verdict.issuers.flags
            guard flags & ~weaknesses == 0 else { return .certificateUntrusted }
            guard flags == 0 else { return .certificateWeak }
            guard verdict.names_host != 0 else { return .certificateOfOtherHost }
        } else if verdict.server.flags & UInt32(MBEDTLS_X509_BADCERT_BAD_KEY) != 0 {
            // Of a certificate that is known by its digest, who issued it and how proves nothing more.
            return .certificateWeak
        }
        return verdict.server.error(at: moment) ?? (byIssuer ? verdict.issuers.error(at: moment) : nil)
    }

    /// What a status of mbedTLS means.
    private func failure(_ status: Int32, _ session: OpaquePointer) -> TransportError {
        if isOutOfMemory(status) { return .exhausted }
        if unsafe cmbedtls_ssl_key_failed(session) != 0 { return .identityFailed }
        let phase = unsafe cmbedtls_ssl_phase(session)
        let isGreeting = phase == CMBEDTLS_SSL_GREETING
        switch status {
        case _ where phase == CMBEDTLS_SSL_OPEN: return .reset
        case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
            return TransportError(
                alert: unsafe cmbedtls_ssl_alert(session), isGreeting: isGreeting,
                isLate: phase == CMBEDTLS_SSL_FINISHED)
        case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY: return .handshakeRefused
        case MBEDTLS_ERR_SSL_INVALID_RECORD where isGreeting: return .notTLS
        case _ where isGreeting: return .noCommonProtocol
        case _ where phase == CMBEDTLS_SSL_CERTIFYING: return unsafe refusal(session)
        default: return .handshakeFailed
        }
    }

    /// Why mbedTLS itself refused the server's certificate: it cannot be read, or, after it was noted down, its key or
    /// its use is wrong.
    private func refusal(_ session: OpaquePointer) -> TransportError {
        guard let verdict = unsafe cmbedtls_ssl_certificate(session)?.pointee else { return .certificateUntrusted }
        if let error = check(verdict) { return error }
        let isKey = unsafe cmbedtls_ssl_flags(session) & UInt32(MBEDTLS_X509_BADCERT_BAD_KEY) != 0
        return isKey ? .certificateWeak : .certificateMisused
    }
}

/// What stands in mbedTLS's way.
enum Status {
    static var send: Int32 { Int32(CMBEDTLS_SSL_SEND) }
    static var receive: Int32 { Int32(CMBEDTLS_SSL_RECEIVE) }
    static var check: Int32 { Int32(CMBEDTLS_SSL_VERIFY) }
}

private var weaknesses: UInt32 {
    UInt32(MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY)
}

/// What a server sends before its handshake has ended, or without any data: more is an attack.
private var silenceLimit: Int { 131_072 }

extension cmbedtls_ssl_verdict {
    fileprivate var sha256Digest: Digest? {
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        unsafe withUnsafeBytes(of: sha256) { source in for index in 0..<32 { unsafe bytes[index] = source[index] } }
        return Digest(.sha256, bytes: bytes.span)
    }

    fileprivate var sha512Digest: Digest? {
        var bytes = InlineArray<64, UInt8>(repeating: 0)
        unsafe withUnsafeBytes(of: sha512) { source in for index in 0..<64 { unsafe bytes[index] = source[index] } }
        return Digest(.sha512, bytes: bytes.span)
    }
}
