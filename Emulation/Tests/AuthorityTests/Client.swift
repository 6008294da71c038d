import Authority
import Foundation
import LibCrypto

/// A SCEP client made with OpenSSL: what the authority's tests send requests with.
struct Client {
    let subject: DistinguishedName
    let key: PrivateKey
    /// Signs the messages: self-signed, or an issued one in a renewal.
    var certificate: Certificate
    var signingKey: PrivateKey
    var digest = Digest.sha256
    var cipher = Cipher.aes128
    /// For messages from and to keys that cannot decrypt.
    var password = ""

    init(
        _ name: String = "device", key: PrivateKey? = nil, kind: KeyKind = .rsa2048,
        usage: String? = "critical,digitalSignature,keyEncipherment"
    ) throws {
        let key = try key ?? (kind == .rsa2048 ? Keys.device(0) : PrivateKey.generate(kind))
        self.key = key
        signingKey = key
        subject = try DistinguishedName([("CN", name)])
        certificate = try CertificateContents(
            subject: subject, publicKey: key.publicKey(), serial: [1], notBefore: Date(timeIntervalSince1970: 0),
            notAfter: Date().addingTimeInterval(86_400),
            extensions: usage.map { [ExtensionText("keyUsage", $0)] } ?? []
        ).signed(with: key, issuer: nil)
    }

    /// A client that renews `certificate` of `old`, with device key 2 unless another is given.
    init(renewing certificate: Certificate, of old: Client, key: PrivateKey? = nil) throws {
        self.init(subject: old.subject, key: try key ?? Keys.device(2), certificate, old.key)
        digest = old.digest
        cipher = old.cipher
        password = old.password
    }

    private init(subject: DistinguishedName, key: PrivateKey, _ certificate: Certificate, _ signingKey: PrivateKey) {
        self.subject = subject
        self.key = key
        self.certificate = certificate
        self.signingKey = signingKey
    }

    func request(challenge: String? = nil, extensions: [ExtensionText] = []) throws -> [UInt8] {
        try CertificationRequest(subject: subject, key: key, challenge: challenge, extensions: extensions).der
    }

    /// A pkiMessage; `edit` corrupts it before it is signed.
    func message(
        _ type: CAMessageType, _ content: [UInt8], transactionID: String,
        nonce: [UInt8] = [UInt8](repeating: 7, count: 16), for recipient: Certificate,
        keyTransport: KeyTransport = .pkcs1, encoding: MessageEncoding = .der,
        edit: (inout SignedMessageContents) -> Void = { _ in }
    ) throws -> [UInt8] {
        let envelope =
            recipient.publicKey.isRSA
            ? try Envelope.seal(content, for: recipient, cipher: cipher, keyTransport: keyTransport, encoding: encoding)
            : try Envelope.seal(content, password: [UInt8](password.utf8), cipher: cipher, encoding: encoding)
        var contents = SignedMessageContents(
            content: envelope,
            attributes: [
                SignedAttribute(AttributeIdentifier.transactionID, .printableString, [UInt8](transactionID.utf8)),
                SignedAttribute(AttributeIdentifier.messageType, .printableString, [UInt8]("\(type.rawValue)".utf8)),
                SignedAttribute(AttributeIdentifier.senderNonce, .octetString, nonce),
            ], certificates: [certificate], digest: digest, encoding: encoding)
        edit(&contents)
        return try contents.signed(by: certificate, key: signingKey)
    }
}

/// A CertRep as a client reads it, nothing of it trusted yet.
struct Reply {
    let encoded: [UInt8]
    let signed: SignedMessage
    let signer: Certificate?

    init(_ encoded: [UInt8]) throws {
        self.encoded = encoded
        signed = try SignedMessage(encoded)
        signer = signed.signer
    }

    private func value(_ identifier: String) -> [UInt8]? {
        signed.attributes.first { $0.identifier == identifier }?.value
    }

    private func text(_ identifier: String) -> String? {
        value(identifier).map { String(decoding: $0, as: UTF8.self) }
    }

    var status: PKIStatus? { text(AttributeIdentifier.pkiStatus).flatMap { Int($0) }.flatMap(PKIStatus.init) }
    var transactionID: String? { text(AttributeIdentifier.transactionID) }
    var recipientNonce: [UInt8]? { value(AttributeIdentifier.recipientNonce) }
    var senderNonce: [UInt8]? { value(AttributeIdentifier.senderNonce) }
    var messageType: String? { text(AttributeIdentifier.messageType) }

    var refusal: Refusal? {
        guard let number = text(AttributeIdentifier.failInfo).flatMap({ Int($0) }),
            let failInfo = FailInfo(rawValue: number)
        else { return nil }
        return Refusal(failInfo, text(AttributeIdentifier.failInfoText) ?? "")
    }

    func opened(by client: Client) throws -> Envelope.Opened? {
        guard let content = signed.content else { return nil }
        let envelope = try Envelope(content)
        return try envelope.open(with: [(client.certificate, client.signingKey)])
            ?? envelope.open(withPasswords: [[UInt8](client.password.utf8)])
    }

    func certificates(for client: Client) throws -> [Certificate] {
        guard let opened = try opened(by: client) else { return [] }
        return try CertificatesOnly.decode(opened.content).certificates
    }

    func lists(for client: Client) throws -> [RevocationList] {
        guard let opened = try opened(by: client) else { return [] }
        return try CertificatesOnly.decode(opened.content).lists
    }
}

extension Authority {
    /// Asks as a POST, and reads the CertRep.
    func exchange(_ message: [UInt8]) throws -> Reply {
        let answer = answer(
            Request(
                method: "POST", query: "operation=PKIOperation", mediaType: "application/x-pki-message", body: message))
        guard answer.status == 200 else {
            throw Refused(description: "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
        }
        return try Reply(answer.body)
    }

    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    func get(_ operation: String) -> Answer {
        answer(Request(method: "GET", query: "operation=\(operation)"))
    }

    /// The certificate that requests are encrypted for.
    var recipient: Certificate { publishedCertificates[0] }

    func enrol(
        _ client: Client, _ type: CAMessageType = .pkcsReq, transactionID: String = "1", challenge: String? = nil,
        extensions: [ExtensionText] = []
    ) throws -> Reply {
        try exchange(
            client.message(
                type, client.request(challenge: challenge, extensions: extensions), transactionID: transactionID,
                for: recipient))
    }

    func poll(_ client: Client, transactionID: String = "1") throws -> Reply {
        let names = IssuerAndSubject(issuer: issuingCertificate.subject, subject: client.subject)
        return try exchange(
            client.message(.certPoll, names.der(), transactionID: transactionID, for: recipient))
    }
}

/// The log, from whatever thread.
final class LogBook: Sendable {
    private let lines = Lines()

    var events: [LogEvent] { lines.all }

    @Sendable func write(_ event: LogEvent) { lines.append(event) }

    private final class Lines: @unchecked Sendable {
        private let lock = NSLock()
        private var events: [LogEvent] = []

        var all: [LogEvent] { lock.withLock { events } }
        func append(_ event: LogEvent) { lock.withLock { events.append(event) } }
    }
}

/// An authority with an RSA-2048 root, changed by `edit`.
func makeAuthority(
    from snapshot: Snapshot? = nil, log: LogBook = LogBook(), _ edit: (inout CAConfiguration) -> Void = { _ in }
) throws -> Authority {
    var configuration = CAConfiguration()
    configuration.makeKey = Keys.issuers()
    edit(&configuration)
    return try Authority(configuration, from: snapshot, log: log.write)
}

/// RSA keys that many tests use, since making them takes most of the time.
enum Keys {
    private static let store = Store()

    /// One of the devices' keys; the same number is the same key.
    static func device(_ number: Int) throws -> PrivateKey { try store.key("device", number) }

    /// What gives one authority its keys, none of them twice.
    static func issuers() -> @Sendable (KeyKind) throws -> PrivateKey {
        let counter = Counter()
        return { kind in
            guard kind == .rsa2048 else { return try PrivateKey.generate(kind) }
            return try store.key("issuer", counter.next())
        }
    }

    private final class Store: @unchecked Sendable {
        private let lock = NSLock()
        private var keys: [String: PrivateKey] = [:]

        func key(_ role: String, _ number: Int) throws -> PrivateKey {
            try lock.withLock {
                if let key = keys["\(role) \(number)"] { return key }
                let key = try PrivateKey.generate(.rsa2048)
                keys["\(role) \(number)"] = key
                return key
            }
        }
    }

    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private var count = 0

        func next() -> Int {
            lock.withLock {
                count += 1
                return count
            }
        }
    }
}
