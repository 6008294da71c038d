import LibCrypto

/// How a kind of server behaves, as data: the authority asks the table, never the name.
public struct ServerProfile: Sendable {
    public var name: String
    /// The lines of GetCACaps, GetNextCACert left out: it is listed while there is a next CA.
    public var capabilities: [String]
    public var capabilitySeparator = "\n"
    public var operations = Set(CAOperation.allCases)
    /// What an operation gets that it does not know.
    public var unknownOperation = Rejection.status(400)
    /// What POST gets; nil: it is served.
    public var post: Rejection?
    /// Whether it refuses requests without a Host header.
    public var needsHost = false
    /// Whether GetCACert tells one certificate a time: that whose number `message` is, or the first.
    public var certificatesOneByOne = false
    /// Which of the RA and CA certificates comes first in GetCACert; the others follow, and those before it.
    public var firstCertificate = 0
    /// The requests that it knows.
    public var messageTypes: Set<CAMessageType> = [.pkcsReq, .renewalReq, .certPoll, .getCert, .getCRL]
    /// What a request gets that it does not know; nil: a refusal.
    public var unknownMessageType: Rejection?
    public var mediaTypes = MediaTypes()
    public var refusal = RefusalStyle.certRep
    public var reply = ReplyStyle()
    public var http = HTTPStyle()
    public var setUp = SetUp()

    /// What a server does with a request that it takes for none of its own.
    public enum Rejection: Sendable {
        case status(Int)
        /// Status 200 with no body.
        case empty
        /// The connection closes with no answer.
        case closed
    }

    /// What a pkiMessage gets that is refused.
    public enum RefusalStyle: Sendable {
        case certRep
        /// A CertRep with an HTTP status other than 200.
        case certRepWithStatus(Int)
        /// No CertRep, but a line of text with this HTTP status.
        case text(status: Int)
    }

    /// How such servers are usually set up: `CAConfiguration` has these by the same names, and takes them over with
    /// ``CAConfiguration/behave(as:)``.
    public struct SetUp: Sendable {
        public var registrationAuthority = RegistrationAuthority.none
        public var registrationAuthorityMark: String?
        public var key = KeyKind.rsa2048
        public var renewalsNeedChallenge = false
        public var acceptsObsoleteAlgorithms = false
        /// Seconds.
        public var issuingDelay = 0.0
        /// Whether `message` must hold the CA's name.
        public var isAskedByName = false
    }

    /// Content-Type of each kind of answer.
    public struct MediaTypes: Sendable {
        public var capabilities = "text/plain"
        public var certificate = "application/x-x509-ca-cert"
        public var chain = "application/x-x509-ca-ra-cert"
        public var next = "application/x-x509-next-ca-cert"
        public var message = "application/x-pki-message"
    }
}

/// How a CertRep is made.
public struct ReplyStyle: Sendable {
    /// What stands for eContent in PENDING and FAILURE of a CertRep.
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
    /// Whether eContent of a certificates-only SignedData is an empty octet string; it is absent otherwise.
    public var bundlesHaveEmptyContent = false
    public var hasSenderNonce = true
    /// Whether the signature of an elliptic key is named id-ecPublicKey.
    public var isNamedByKey = false
    /// How many bytes of the request's senderNonce come back.
    public var recipientNonce = 16
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
