import TestSupport

/// A CA as RFC 8894 has it: whatever a device sends is verified, decrypted and read by openssl, and whatever it is
/// answered is issued and encrypted by openssl.
final class OpenSSLAuthority {
    /// What a device asked by PKIOperation, as openssl reads it.
    struct Asked {
        let message: [UInt8]
        /// RFC 8894, 3.2.1.2
        let messageType: String
        let transactionID: String
        let senderNonce: [UInt8]
        /// The certificate that the message is signed with, in PEM.
        let signer: [UInt8]
        /// What was encrypted to the CA.
        let content: [UInt8]

        /// The certification request in openssl's words.
        func requestText() throws -> String {
            String(
                decoding: try OpenSSL.run(["req", "-inform", "DER", "-noout", "-text", "-verify"], input: content),
                as: UTF8.self)
        }
    }

    /// Nobody can decrypt what was sent.
    struct Unreadable: Error {}

    enum Answer {
        case issue
        case pending
        case refuse
        /// SUCCESS with this in its envelope.
        case envelope([UInt8])
        /// An HTTP status with nothing of SCEP's.
        case status(Int)
        /// The connection ends without a byte.
        case silence
    }

    struct Reply {
        var status = 200
        var mediaType = "application/octet-stream"
        var body: [UInt8] = []
    }

    /// Signs replies and issues; it can decrypt, too.
    var identity: OpenSSLIdentity
    var capabilities = ["AES", "SHA-256", "POSTPKIOperation", "Renewal", "SCEPStandard", "GetNextCACert"]
    /// The one that comes after ``identity``, which signs for it.
    var next: OpenSSLIdentity?
    /// From when what ``next`` issues is valid, in seconds since 1970.
    var nextBegins: Int64 = 0
    /// In seconds since 1970.
    var time: Int64 = AgentBench.epoch
    /// Of what is issued, in days.
    var lifetime: Int64 = 100
    /// How long before it is issued what is issued begins, in days.
    var age: Int64 = 0
    /// Whether it takes messages by POST.
    var takesPost = true
    /// What it says to a POST that it does not take; to 200 belongs nothing.
    var statusOfPost = 405
    /// The HTTP status of its messages.
    var statusOfMessages = 200
    /// The list that it gave last.
    private(set) var lastList: [UInt8] = []
    /// Who issues, where it is not who signs the replies.
    var issuer: OpenSSLIdentity?
    /// Serial numbers, hexadecimal, that are on its list.
    var revoked: [String] = []
    /// What it says to each message, by its number among all, from 1 on.
    var answer: (_ number: Int, Asked) throws -> Answer = { _, _ in .issue }
    private(set) var asked: [Asked] = []
    private(set) var issued: [OpenSSLIdentity] = []
    /// What a person was to decide on.
    private var undecided: [UInt8] = []

    init(_ identity: OpenSSLIdentity) { self.identity = identity }

    /// A CA of four years, of which six months have passed at ``AgentBench/epoch``.
    static var shared: OpenSSLIdentity { get throws { try made.get() } }

    private static let made = Result {
        try OpenSSLIdentity(
            authority: "/O=Example/CN=Example CA", from: "20250701000000Z", until: "20290701000000Z")
    }

    /// - Returns: nil where the connection is to end without a byte.
    func reply(to operation: String, _ message: [UInt8], isPost: Bool) throws -> Reply? {
        switch operation {
        case "GetCACaps":
            let text = capabilities.map { $0 + "\n" }.joined()
            return Reply(mediaType: "text/plain", body: Array(text.utf8))
        case "GetCACert": return Reply(mediaType: "application/x-x509-ca-cert", body: identity.der)
        case "GetNextCACert":
            guard let next else { return Reply(status: 404) }
            return Reply(
                mediaType: "application/x-x509-next-ca-cert",
                body: try identity.sign(OpenSSLIdentity.bundle([next]), ["-nosmimecap"]))
        default:
            guard takesPost || !isPost else { return Reply(status: statusOfPost) }
            return try answer(message)
        }
    }

    private func answer(_ message: [UInt8]) throws -> Reply? {
        let asked = try read(message)
        self.asked.append(asked)
        switch try answer(self.asked.count, asked) {
        case .issue: return try wrapped(status: "0", envelope(content(asked), asked), asked)
        case .pending:
            if asked.messageType != "20" { undecided = asked.content }
            return try wrapped(status: "3", [], asked)
        case .refuse: return try wrapped(status: "2", [], asked)
        case .envelope(let content): return try wrapped(status: "0", envelope(content, asked), asked)
        case .status(let status): return Reply(status: status, mediaType: "text/plain", body: Array("no".utf8))
        case .silence: return nil
        }
    }

    // MARK: Reading

    private func read(_ message: [UInt8]) throws -> Asked {
        // To the next CA, where there is one that it was encrypted to.
        let envelope = try OpenSSL.run(["cms", "-verify", "-noverify", "-binary", "-inform", "DER"], input: message)
        let recipients = [identity] + (next.map { [$0] } ?? [])
        var content: [UInt8]?
        for recipient in recipients where content == nil {
            content = try? recipient.open(envelope)
            if content != nil { asksNext = recipient.der != identity.der }
        }
        guard let content else { throw Unreadable() }
        func text(_ number: UInt8) -> String { String(decoding: Self.attribute(number, of: message), as: UTF8.self) }
        return Asked(
            message: message, messageType: text(2), transactionID: text(7),
            senderNonce: Self.attribute(5, of: message),
            signer: try OpenSSL.run(["pkcs7", "-inform", "DER", "-print_certs"], input: message), content: content)
    }

    /// Whether the last message was for the next CA.
    private(set) var asksNext = false

    /// The value of an attribute of SCEP's, by its last number; empty if there is none.
    private static func attribute(_ number: UInt8, of message: [UInt8]) -> [UInt8] {
        let identifier: [UInt8] = [0x06, 0x0A, 0x60, 0x86, 0x48, 0x01, 0x86, 0xF8, 0x45, 0x01, 0x09, number]
        guard let place = message.firstRange(of: identifier) else { return [] }
        // A SET of one string.
        let value = place.upperBound + 2
        return Array(message[(value + 2)..<(value + 2 + Int(message[value + 1]))])
    }

    // MARK: Issuing

    private func content(_ asked: Asked) throws -> [UInt8] {
        switch asked.messageType {
        case "20": return try issue(undecided)
        case "21": return try OpenSSLIdentity.bundle(Array(issued.suffix(1)))
        case "22": return try list()
        default: return try issue(asked.content)
        }
    }

    private func issue(_ request: [UInt8]) throws -> [UInt8] {
        let pem = try OpenSSL.run(["req", "-inform", "DER", "-outform", "PEM"], input: request)
        let issuer = issuer ?? (asksNext ? next ?? identity : identity)
        let begin = asksNext ? max(nextBegins, time) : time - age * 86_400
        let certificate = try OpenSSLIdentity.certify(
            pem, by: issuer, from: OpenSSLIdentity.date(begin), until: OpenSSLIdentity.date(begin + lifetime * 86_400))
        let identity = try OpenSSLIdentity(key: [], pem: certificate)
        issued.append(identity)
        return try OpenSSLIdentity.bundle([identity, issuer])
    }

    private func list() throws -> [UInt8] {
        let der = try identity.revocationList(
            of: revoked,
            options: [
                "-crl_lastupdate", OpenSSLIdentity.date(time), "-crl_nextupdate",
                OpenSSLIdentity.date(time + 7 * 86_400),
            ])
        lastList = der
        return try withTemporaryDirectory { directory in
            let pem = try OpenSSL.run(["crl", "-inform", "DER"], input: der)
            return try OpenSSL.run(["crl2pkcs7", "-outform", "DER", "-in", directory.write(pem, to: "crl")])
        }
    }

    // MARK: Answering

    private func envelope(_ content: [UInt8], _ asked: Asked) throws -> [UInt8] {
        try OpenSSLIdentity(key: [], pem: asked.signer, der: []).envelope(content)
    }

    private func wrapped(status: String, _ envelope: [UInt8], _ asked: Asked) throws -> Reply {
        Reply(
            status: statusOfMessages, mediaType: "application/x-pki-message",
            body: try CertRepMaker.reply(
                by: asksNext ? next ?? identity : identity, status: status, envelope: envelope,
                recipientNonce: asked.senderNonce, transactionID: Array(asked.transactionID.utf8)))
    }
}
