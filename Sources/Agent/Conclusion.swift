import Board
import DER
import DeviceCrypto
import HTTP
import PKIX
import SCEP

/// Writes the last line of a run: `done`, or `error <kind>: <what happened, and what to do>`.
///
/// - Parameters:
///   - error: what ``attend(_:configuration:transport:clock:store:log:random:work:traffic:)`` threw, if it did.
///   - work: the work buffer, in which the far side's words stand.
public func conclude<L: Log & ~Copyable>(_ error: AgentError?, work: Span<UInt8>, log: inout L) {
    var line = Line()
    if let error {
        line.append("error ")
        line.append(error, work)
    } else {
        line.append("done")
    }
    log.write(line: line.span)
}

extension Line {
    fileprivate mutating func append(_ error: AgentError, _ work: Span<UInt8>) {
        switch error {
        case .provisioning(.absent):
            append("not-provisioned: there is no provisioning record; write one")
        case .provisioning(.corrupt):
            append("record-corrupt: the provisioning record is damaged; write it anew")
        case .provisioning(.tooLong):
            append("record-too-long: the provisioning record is too long; shorten it")
        case .provisioning(.storage(let error)): append(error)
        case .configuration(let error): append(error)
        case .entropy(.notProvisioned):
            append("no-seed: there is no random seed; write one at manufacture")
        case .entropy(.failed): append("no-entropy: the random source failed; replace the device")
        case .storage(let error): append(error)
        case .key(.unsupported): append("key-unsupported: not in this firmware; set key=rsa2048")
        case .key(let error):
            append("key-failed: no key could be made; crypto error ")
            append(decimal: Int(error.rawValue))
        case .exchange(let operation, let error):
            append(error, operation, work)
            if operation == .getCACaps, error.isSilence { appendLeniency() }
        case .status(let operation, let status, let text):
            append("http-status: the answer to ")
            append(operation)
            append(" is HTTP ")
            append(decimal: Int(status))
            append("; check url")
            if operation == .getCACaps { appendLeniency() }
            quote(text, work)
        case .scep(let operation, let error, let text): append(error, operation, text, work)
        case .passwordSpent:
            append("password-spent: challenge went into a request that is over; set another")
        case .revoked: append("revoked: the CA has revoked the certificate; ask its operator")
        case .stillPending:
            append("still-pending: the CA has not decided; have it approved, then start again")
        }
    }

    /// What an error is called: the part of its line that programs act upon.
    mutating func append(kindOf error: AgentError, _ work: Span<UInt8>) {
        var line = Line()
        line.append(error, work)
        let text = line.span
        var end = 0
        while end < text.count, text[end] != UInt8(ascii: ":") { end &+= 1 }
        append(text.extracting(first: end))
    }

    mutating func append(_ operation: Operation) {
        switch operation {
        case .getCACaps: append("GetCACaps")
        case .getCACert: append("GetCACert")
        case .getNextCACert: append("GetNextCACert")
        case .pkcsReq: append("PKCSReq")
        case .renewalReq: append("RenewalReq")
        case .certPoll: append("CertPoll")
        case .getCert: append("GetCert")
        case .getCRL: append("GetCRL")
        }
    }

    /// What lets a device enrol where nothing says what the CA can do.
    private mutating func appendLeniency() { append(", or set allow=sha1,3des") }

    /// The far side's words, where there are any, without the end of a line.
    private mutating func quote(_ text: Range<Int>, _ work: Span<UInt8>) {
        guard !text.isEmpty, text.upperBound <= work.count else { return }
        append("; it says: ")
        var end = min(text.upperBound, text.lowerBound &+ 80)
        while end > text.lowerBound, work[end &- 1] < UInt8(ascii: " ") { end &-= 1 }
        append(work.extracting(text.lowerBound..<end))
    }

    private mutating func append(_ error: ConfigurationError) {
        append("configuration: ")
        switch error.kind {
        case .unknownName: append("no known name=value")
        case .duplicate: append("a name set twice")
        case .badValue: append("a value that its name cannot have")
        case .missing: append("url, fingerprint or subject missing")
        }
        append(", at byte ")
        append(decimal: error.offset)
    }

    private mutating func append(_ error: StorageError) {
        switch error {
        case .full: append("storage-full: the identity does not fit; provide more storage")
        case .corrupt:
            append("storage-corrupt: changed or worn; left alone: erase it to start anew")
        case .failed, .powerLost: append("storage-failed: cannot be read or written; check the part")
        case .unknownVersion:
            append("storage-unknown: written by other firmware; left alone: run that, or erase it")
        case .exposed:
            append("storage-exposed: others may read or change the identity's files; allow the owner alone")
        case .outOfRange, .notErased:
            append("storage-misused: a defect of the firmware; report it")
        }
    }

    private mutating func append(_ error: ExchangeError, _ operation: Operation, _ work: Span<UInt8>) {
        switch error {
        case .notSecured:
            append("https-unsupported: not in this firmware; set url to http://")
        case .connecting(let error): append(error, "connecting", operation)
        case .sending(let error): append(error, "sending", operation)
        case .receiving(let error): append(error, "waiting for the reply", operation)
        case .reply(let error): append(error, operation, work)
        }
    }

    private mutating func append(_ error: TransportError, _ phase: StaticString, _ operation: Operation) {
        switch error {
        case .noAddress: append("no-address: no answer from DHCP; check the cable and the network")
        case .nameUnknown: append("name-unknown: DNS does not know the host; check url and DNS")
        case .refused: append("connection-refused: nothing listens at url; is the CA running?")
        case .unreachable: append("unreachable: no route to the CA; check url and the network")
        case .timedOut: append("timed-out: the CA was silent for too long; raise timeout")
        case .reset: append("connection-lost: the connection broke; try again")
        case .exhausted: append("network-exhausted: out of network memory; start again")
        // Where nothing secures a stream, these are not thrown, and an image has no room for their words.
        case _ where TLSSupport.isAvailable: append(secured: error)
        default: append("connection-lost: the connection broke; try again")
        }
        append(" (")
        append(phase)
        append(", ")
        append(operation)
        append(")")
    }

    private mutating func append(secured error: TransportError) {
        switch error {
        case .notTLS: append("not-tls: what answers there does not speak TLS; check url")
        case .noCommonProtocol:
            append("tls-no-common: the server has no TLS 1.2 with ECDHE and AES-GCM; upgrade it")
        case .handshakeRefused: append("tls-refused: the server broke the TLS handshake off; see its log")
        case .handshakeFailed: append("tls-failed: the TLS handshake is wrong; someone may be in between")
        case .certificateUntrusted:
            append("tls-untrusted: no trusted CA issued the server's certificate; check the CA bundle and pins")
        case .certificateOfOtherHost:
            append("tls-wrong-host: the server's certificate is not for the host of url; check url")
        case .certificateExpired: append("tls-expired: the server's certificate is over; check the clock")
        case .certificateNotYetValid:
            append("tls-not-yet-valid: the server's certificate begins later; check the clock")
        case .certificateWeak:
            append("tls-weak: the server's certificate is below SHA-256, RSA-2048 or P-256; replace it")
        case .certificateMisused: append("tls-misused: the server's certificate is not for servers; replace it")
        case .pinMismatch: append("tls-pin-mismatch: the server's certificate is not the pinned one; check the pin")
        case .identityRefused:
            append("tls-identity-refused: the server wants a client certificate, or another one; see its log")
        case .identityFailed: append("tls-identity-failed: the device's key did not sign; check the key")
        case .proxyUnreachable: append("proxy-unreachable: no HTTP proxy answers there; check proxy")
        case .proxyRefused: append("proxy-refused: the proxy refuses, or does not reach the CA; check both")
        case .proxyAuthentication:
            append("proxy-authentication: the proxy asks for a name and password; check them")
        default: break
        }
    }

    private mutating func append(_ error: HTTPError, _ operation: Operation, _ work: Span<UInt8>) {
        switch error.kind {
        case .noReply: append("no-reply: the server closed without a reply; try again")
        case .notHTTP: append("not-http: no HTTP server answers there; check url")
        case .redirected: append("redirected: the CA is elsewhere; correct url")
        case .bodyTooLarge, .headTooLarge:
            append("reply-too-large: it does not fit the device's buffer")
            if error.size > 0 {
                append(", bytes: ")
                append(decimal: error.size)
            }
            append("; have the CA send less")
        case .truncated: append("reply-truncated: the connection ended early; try again")
        case .badField, .badContentLength, .conflictingLengths, .unsupportedCoding, .badChunk:
            append("http-malformed: not proper HTTP; check server and proxies")
        }
        append(" (")
        append(operation)
        append(", byte ")
        append(decimal: error.offset)
        append(")")
        quote(error.text, work)
    }

    private mutating func append(
        _ error: SCEPError, _ operation: Operation, _ text: Range<Int>, _ work: Span<UInt8>
    ) {
        switch error {
        case .request(let error): append(request: error)
        case .reply(let error): append(reply: error, operation)
        case .noCapabilities:
            append("no-capabilities: the CA names none; check url")
            appendLeniency()
        case .digestBelowFloor(.sha1):
            append("weak-digest: the CA uses SHA-1; upgrade it, or set allow=sha1")
        case .digestBelowFloor: append("weak-digest: the CA's is below the floor")
        case .cipherBelowFloor(.desCBC):
            append("weak-cipher: the CA uses single DES; upgrade it, or set allow=des")
        case .cipherBelowFloor(.tripleDESCBC):
            append("weak-cipher: the CA uses triple DES; upgrade it, or set allow=3des")
        case .cipherBelowFloor: append("weak-cipher: the CA's is below the floor")
        case .fingerprintMismatch:
            append("fingerprint-mismatch: not the CA of fingerprint; nothing was sent to it")
        case .pinnedIsNotCA: append("not-a-ca: fingerprint is not of a CA's certificate; use the CA's own")
        case .caCertificateExpired: append("ca-expired: the CA's certificate is over; check the clock")
        case .caCertificateNotYetValid: append("ca-not-yet-valid: the CA's begins later; check the clock")
        case .nextCANotSigned: append("next-ca-unsigned: not signed by the CA; someone may be in between")
        case .nextCAInvalid: append("next-ca-invalid: no new CA certificate in it")
        case .passwordMissing:
            append("no-password: EC keys need a challenge to encrypt with; set challenge, challenge-use=always")
        case .unmarkedRA:
            append("unmarked-ra: nothing marks the RA; add its fingerprint, or set allow=unmarked-ra")
        case .noEncryptionCertificate:
            append("no-encryption: the CA has no RSA key to encrypt to")
        case .tooManyCACertificates:
            append("ca-certificates-too-large: no room; have the CA send less")
        case .unknownSigner: append("unknown-signer: not signed by the CA; someone may be in between")
        case .invalidSignature: append("bad-signature: it is wrong; someone may be in between")
        case .wrongMessageType: append("wrong-message-type: the reply is no CertRep")
        case .wrongTransactionID: append("wrong-transaction: the reply is to another transaction; try again")
        case .wrongRecipientNonce: append("wrong-nonce: the reply is to another request, maybe replayed")
        case .unknownStatus: append("unknown-status: pkiStatus or failInfo not in RFC 8894")
        case .envelopeMissing: append("no-envelope: the CA says SUCCESS and sends nothing")
        case .refused(let failInfo):
            append("refused: the CA says no (")
            append(failInfo)
            append("); check challenge and subject")
            quote(text, work)
        case .certificateForAnotherKey:
            append("wrong-key: no certificate has this device's key; it was not stored")
        case .certificateNotFromCA:
            append("wrong-issuer: not signed by the trusted CA; it was not stored")
        case .certificateExpired: append("expired: the certificate is over; not stored; check the clock")
        case .certificateNotYetValid: append("not-yet-valid: it begins later; not stored; check the clock")
        case .oldCertificate: append("old-certificate: the CA sent the one that was to be renewed")
        case .validityNotExtended: append("not-extended: not valid for longer than the one before; not stored")
        case .wrongCertificate: append("wrong-certificate: not the one that was asked for")
        case .crlMissing: append("no-crl: there is none in the reply")
        case .crlFromAnotherIssuer: append("wrong-crl: it is the list of another CA")
        case .crlInvalidSignature: append("bad-crl-signature: not signed by the trusted CA")
        case .crlStale: append("stale-crl: a newer one was due; tell the CA's operator")
        case .crlNotYetValid: append("early-crl: it begins later; check the clock")
        case .revoked: append("revoked: the CA has revoked this device's certificate")
        }
    }

    private mutating func append(request error: DERError) {
        if let error = error.kind.cryptoError {
            append(error)
        } else if error.kind == .bufferFull {
            append("request-too-large: it does not fit; shorten subject and san")
        } else {
            append("request: cannot be built; check subject and san")
            append(error)
        }
    }

    private mutating func append(reply error: DERError, _ operation: Operation) {
        if error.kind == .crypto(.decryptionFailed) {
            append("cannot-decrypt: not encrypted to this device; tell the CA's operator")
        } else if let error = error.kind.cryptoError {
            append(error)
        } else {
            append("reply-malformed: the reply to ")
            append(operation)
            append(" cannot be read; check url")
            append(error)
        }
    }

    private mutating func append(_ error: CryptoError) {
        if error == .outOfMemory {
            append("out-of-memory: the arena is too small for these keys")
        } else {
            append("crypto-failed: the cryptography failed with error ")
            append(decimal: Int(error.rawValue))
        }
    }

    private mutating func append(_ failInfo: FailInfo) {
        switch failInfo {
        case .badAlg: append("badAlg")
        case .badMessageCheck: append("badMessageCheck")
        case .badRequest: append("badRequest")
        case .badTime: append("badTime")
        case .badCertId: append("badCertId")
        }
    }

    private mutating func append(_ error: DERError) {
        append(" (code ")
        append(decimal: Int(error.kind.rawValue))
        append(" at byte ")
        append(decimal: error.offset)
        append(")")
    }
}
