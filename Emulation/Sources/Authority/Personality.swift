import LibCrypto

/// How a kind of server behaves, as data: the authority asks the table, never the name.
public struct Personality: Sendable {
    public var name: String
    /// The lines of GetCACaps, GetNextCACert left out: it is listed while there is a next CA.
    public var capabilities: [String]
    public var capabilitySeparator = "\n"
    public var operations = Set(Operation.allCases)
    /// HTTP status for an operation that it does not know.
    public var unknownOperationStatus = 400
    /// Whether GetCACert tells one certificate a time: that whose number `message` is, or the first.
    public var certificatesOneByOne = false
    /// The requests that it knows.
    public var messageTypes: Set<MessageType> = [.pkcsReq, .renewalReq, .certPoll, .getCert, .getCRL]
    public var mediaTypes = MediaTypes()
    public var reply = ReplyStyle()
    public var http = HTTPStyle()

    /// Content-Type of each kind of answer.
    public struct MediaTypes: Sendable {
        public var capabilities = "text/plain"
        public var certificate = "application/x-x509-ca-cert"
        public var chain = "application/x-x509-ca-ra-cert"
        public var next = "application/x-x509-next-ca-cert"
        public var message = "application/x-pki-message"
    }

    /// RFC 8894 as it is written.
    public static let rfc8894 = Personality(
        name: "rfc8894",
        capabilities: ["AES", "DES3", "POSTPKIOperation", "Renewal", "SHA-1", "SHA-256", "SHA-512", "SCEPStandard"])

    /// Dogtag: no GetCACaps, one certificate a GetCACert, of which a number beyond the chain gets the first again, and
    /// replies in SHA-1 and triple DES.
    public static let dogtag = {
        var personality = Personality(name: "dogtag", capabilities: [])
        personality.operations = [.getCACert, .pkiOperation]
        personality.unknownOperationStatus = 500
        personality.certificatesOneByOne = true
        personality.reply.digest = .sha1
        personality.reply.cipher = .des3
        return personality
    }()

    public static let all = [rfc8894, dogtag]
}

/// How a CertRep is made.
public struct ReplyStyle: Sendable {
    /// What stands for eContent in PENDING and FAILURE.
    public enum AbsentContent: Sendable {
        case absent
        case empty
        case oneByte
    }

    /// The certificates in the CertRep's own SignedData.
    public enum Carried: Sendable {
        case none
        case signer
        /// The signer and the CA certificates above it.
        case chain
    }

    public var encoding = MessageEncoding.der
    public var keyTransport = KeyTransport.pkcs1
    /// nil: the digest of the request.
    public var digest: Digest?
    /// nil: the cipher of the request.
    public var cipher: Cipher?
    /// Of PBKDF2, in replies that are encrypted for a password.
    public var passwordIterations = 2048
    public var absentContent = AbsentContent.absent
    public var carried = Carried.signer
    /// Whether the CA certificates come along with an issued one.
    public var issuedComesWithChain = false
    public var hasFailInfoText = true
    /// Attributes beyond those of RFC 8894.
    public var extraAttributes: [SignedAttribute] = []

    public init() {}
}

/// How answers are put on the wire.
public struct HTTPStyle: Sendable {
    public enum Version: Sendable {
        /// That of the request.
        case same
        case http10
        case http11
    }

    public enum Framing: Sendable {
        case contentLength
        /// Even to HTTP/1.0.
        case chunked
        /// Neither length nor chunks: the connection's end is the body's.
        case close
    }

    /// What the Date header says: devices without a clock take their time from it.
    public enum DateField: Sendable, Equatable {
        /// The authority's time.
        case clock
        /// There is no such header.
        case absent
        /// This, whatever it is.
        case text(String)
    }

    public var version = Version.same
    public var framing = Framing.contentLength
    public var date = DateField.clock
    public var server = "scep-authority (test)"

    public init() {}
}
