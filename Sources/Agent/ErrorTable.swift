import DeviceCrypto

// The table of errors: a row for each ``Cause``, in its order, `kind: what happened; what to do`. In a row `$` is the
// operation, `#` a number, `%` words, `&` what would have to be allowed, or a name can have, and `~` the CA's operator.
//
// The kind is what programs act upon, and does not change. What a row says to do cures what it says happened: it does not
// blame what is known to be right, and speaks of a leniency only where the CA is known to be weak. Whatever anybody could
// have put into the network is not to be trusted on the word of this table.

extension Cause {
    var row: Span<UInt8> {
        @_lifetime(immortal)
        get {
            let first = Cause.notTLS.rawValue
            guard rawValue >= first else { return tableRow(rawValue, of: table) }
            // An image without TLS has no space for these.
            return TLSSupport.isAvailable ? tableRow(rawValue &- first, of: securedTable) : Cause.connectionLost.row
        }
    }
}

private let table: StaticString =
    """
    not-provisioned: there is no provisioning record; write one
    record-corrupt: the provisioning record is damaged; write it anew
    record-too-long: the provisioning record does not fit the text buffer; enlarge that
    configuration: line # has no known name=value; correct it
    configuration: line # sets % again; take one out
    configuration: line # has a wrong %, which takes: &; correct it
    configuration: % is missing; add it
    no-seed: there is no random seed; write one at manufacture
    no-entropy: the random source failed; replace the device
    storage-full: the identity does not fit; provide more storage
    storage-corrupt: the storage is changed or worn; left alone: erase it to start anew
    storage-failed: the storage cannot be read or written; check the part
    storage-unknown: other firmware wrote the storage; left alone: run that, or erase it
    storage-exposed: others may read or change the identity's files; allow the owner alone
    storage-misused: the firmware used the storage wrongly; report it
    key-unsupported: this key is not in this firmware; set key=rsa2048
    key-failed: no key could be made, crypto error #; start again
    out-of-memory: mbedTLS's arena is too small for these keys; enlarge it
    crypto-failed: the cryptography failed with error #; report it
    password-spent: challenge went into a request that has ended; set another
    no-password: EC keys need a challenge to encrypt with; set challenge, challenge-use=always
    cannot-renew: an EC key is renewed only with a shared challenge; set challenge-use=always
    password-needed: the request under way has a challenge in it; set it again
    request-too-large: the request does not fit the work buffer; enlarge that, or shorten subject and san
    request: the request cannot be built; check subject and san
    https-unsupported: https is not in this firmware; set url to http://
    no-address: no answer from DHCP; check the cable and the network
    name-unknown: DNS does not know the host; check url and DNS
    name-unresolved: DNS gave no answer; check the network, or try again
    connection-refused: nothing listens at url; is the CA running?
    unreachable: no route to the CA; check url and the network
    timed-out: the CA was silent for too long; raise timeout
    connection-lost: the connection broke; try again
    network-exhausted: the network is out of memory; start again
    no-reply: the server closed without a reply; try again
    not-http: no HTTP server answers there; check url
    redirected: the server points elsewhere; is the CA there? correct url
    reply-too-large: the reply does not fit the work buffer; enlarge that, or have the CA send less
    reply-too-large: the reply does not fit the limits of HTTP here; check server and proxies
    reply-truncated: the connection ended early; try again
    http-malformed: the reply is not proper HTTP; check server and proxies
    http-status: the answer to $ is HTTP #
    no-capabilities: the CA names none that is known
    no-capabilities: a web page came instead; check url
    weak-digest: the CA uses %; upgrade it, or set allow=&
    weak-digest: the CA is below the floor; upgrade it
    weak-cipher: the CA uses %; upgrade it, or set allow=&
    weak-algorithms: the CA uses %; upgrade it, or set allow=&
    fingerprint-mismatch: the CA is not that of fingerprint; nothing was sent to it: ask ~
    not-a-ca: fingerprint is not of a CA's certificate; use the CA's own
    ca-expired: the CA's certificate has expired; check the clock, or ask ~
    ca-not-yet-valid: the CA's certificate begins later; check the clock
    next-ca-unsigned: the CA did not sign the next CA; someone may be in between
    next-ca-invalid: the next CA is none, or the same; tell ~
    unmarked-ra: nothing marks the RA, which anyone may be; ask ~ for its fingerprint
    ca-without-key-usage: a CA below the pinned one has no key usage; ask ~ for its fingerprint
    ca-key: a key of the CA or its RA is of no use here, being %; ask ~
    no-encryption: the CA has no RSA key to encrypt to; tell ~
    ca-certificates-too-large: the CA's certificates do not fit caCapacity; enlarge that, or have the CA send less
    ca-certificates-too-large: the CA has more than 8 certificates; have it send less
    reply-malformed: the reply to $ cannot be read; tell ~
    not-scep: the reply to $ %
    cannot-decrypt: the reply is not encrypted to the device; tell ~
    unknown-signer: the reply is not the CA's; its certificates were replaced, or someone may be in between: try again
    signer-expired: the certificate that signed the reply has expired; tell ~
    bad-signature: the reply's signature is wrong; someone may be in between
    wrong-message-type: the reply is no CertRep; tell ~
    wrong-transaction: the reply is to another transaction; try again
    wrong-nonce: the reply is to another request, maybe replayed; try again
    unknown-status: the reply's pkiStatus is not in RFC 8894; tell ~
    no-envelope: the CA says SUCCESS and sends nothing; tell ~
    refused: the CA says no (%)
    still-pending: the CA has not decided; have it approved, then start again
    wrong-key: no certificate has this device's key; it was not stored: tell ~
    wrong-issuer: the certificate is not the trusted CA's; it was not stored: ask ~
    unreadable: the certificate that the CA sent cannot be read; it was not stored: tell ~
    unknown-signature: the signature is of a kind not known here; tell ~
    expired: the certificate has expired; not stored: check the clock
    not-yet-valid: the certificate begins later; not stored: check the clock
    old-certificate: the CA sent the one that was to be renewed; ask ~
    not-extended: the new certificate expires sooner than the old; not stored: ask ~
    wrong-certificate: the CA sent another certificate than was asked for; tell ~
    no-crl: there is no CRL in the reply; ask ~
    wrong-crl: the CRL is another CA's; tell ~
    bad-crl-signature: the CRL is not signed by the trusted CA; tell ~
    partial-crl: the CRL covers only a part, %; tell ~
    stale-crl: the CRL has expired, a newer one was due; tell ~
    early-crl: the CRL begins later; check the clock
    revoked: the CA has revoked the certificate; ask ~
    """

private let securedTable: StaticString =
    """
    not-tls: what answers there does not speak TLS; check url
    tls-no-common: the server has no TLS 1.2 with ECDHE and AES-GCM; upgrade it
    tls-refused: the server broke the TLS handshake off; see its log
    tls-failed: the TLS handshake is wrong; see the server's log: if it has nothing, someone may be in between
    tls-untrusted: no trusted CA issued the server's certificate; check the CA bundle and pins
    tls-wrong-host: the server's certificate is not for the host of url; check url
    tls-expired: the server's certificate has expired; check the clock, or have it renewed
    tls-not-yet-valid: the server's certificate begins later; check the clock
    tls-weak: the server's certificate is below SHA-256, RSA-2048 or P-256; replace it
    tls-misused: the server's certificate is not for servers; replace it
    tls-pin-mismatch: the server's certificate is not the pinned one; ask its operator whether it was replaced
    tls-identity-refused: the server wants a client certificate, or another one; see its log
    tls-identity-failed: the device's key did not sign; check the key
    proxy-unreachable: no HTTP proxy answers there; check proxy
    proxy-refused: the proxy refuses, or does not reach the CA; check both
    proxy-authentication: the proxy asks for a name and password; check them
    """

/// What to do where that depends on more than the cause; it stands behind what the row has.
enum Cure: UInt8 {
    case allowIfOld
    case checkURL
    case checkURLOrAllow
    case checkURLAndMessage
    case tryLater
    case seeLog
    case seeWhatIsBefore
    case askForAccess
    case authenticateToProxy
    case askForHTTP
    case checkRequest
    case checkRenewal
    case askWhetherAnswered

    var row: Span<UInt8> {
        @_lifetime(immortal) get { tableRow(rawValue, of: cures) }
    }
}

private let cures: StaticString =
    """
    if GetCACert is answered, set allow=sha1,3des
    check url
    check url and message; if GetCACert is answered, set allow=sha1,3des
    check url and message
    try again later: the server is busy
    see the CA's log: it is in trouble
    see the log of the CA, and of what stands before it
    ask ~: the server lets only some in
    ask a proxy's operator: it wants to know who asks
    ask ~: the server wants another HTTP version
    check challenge and subject
    check challenge, subject and renewal-type
    see the CA's log: it may not answer this
    """
