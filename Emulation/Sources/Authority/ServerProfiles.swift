import LibCrypto

/// The kinds of servers that there are. What each does is from reports and recordings of the real ones; where a server
/// has a way that others have too, it is left as RFC 8894 has it.
extension ServerProfile {
    public static let all = [
        rfc8894, ndesOld, ndes, ejbca, openXPKI, dogtag, stepCA, micromdm, modSCEP, bouncyCastle, aws, cryptlib,
    ]

    private static func make(
        _ name: String, _ capabilities: [String], _ edit: (inout ServerProfile) -> Void
    ) -> ServerProfile {
        var profile = ServerProfile(name: name, capabilities: capabilities)
        edit(&profile)
        return profile
    }

    /// RFC 8894 as it is written.
    public static let rfc8894 = make(
        "rfc8894",
        ["AES", "DES3", "POSTPKIOperation", "Renewal", "SHA-1", "SHA-256", "SHA-512", "SCEPStandard"]
    ) { _ in }

    private static func behaveAsNDES(_ profile: inout ServerProfile) {
        // To NDES, a renewal is the draft's: PKCSReq signed by the old certificate.
        profile.messageTypes = [.pkcsReq, .certPoll, .getCert, .getCRL]
        profile.operations = [.getCACaps, .getCACert, .pkiOperation]
        profile.unknownOperation = .status(400)
        profile.firstCertificate = 1
        profile.reply.digest = .sha1
        profile.reply.carried = .none
        profile.reply.absentContent = .oneByte
        profile.reply.hasFailInfoText = false
        // An HRESULT as text, and a hash of the server's.
        profile.reply.extraAttributes = [
            SignedAttribute("1.3.6.1.4.1.311.21.33", .printableString, [UInt8]("-2147024809".utf8)),
            SignedAttribute("1.3.6.1.4.1.311.21.38", .octetString, [UInt8](repeating: 0x38, count: 20)),
        ]
        profile.setUp.registrationAuthority = .split
        // Certificate Request Agent.
        profile.setUp.registrationAuthorityMark = "1.3.6.1.4.1.311.20.2.1"
        profile.setUp.acceptsObsoleteAlgorithms = true
    }

    /// NDES before 2019: it closes the connection on GetCACaps, answers POST with nothing, and whatever it is asked in
    /// single DES.
    public static let ndesOld = make("ndes-old", []) {
        behaveAsNDES(&$0)
        $0.operations = [.getCACert, .pkiOperation]
        $0.unknownOperation = .closed
        $0.post = .empty
        $0.reply.cipher = .des
        $0.http.server = "Microsoft-IIS/7.5"
    }

    /// NDES of today: it lists no AES, wraps keys by OAEP with the parameters left out, sends no certificates along,
    /// and takes half a minute to issue one.
    public static let ndes = make("ndes", ["POSTPKIOperation", "Renewal", "SHA-512", "SHA-256", "SHA-1", "DES3"]) {
        behaveAsNDES(&$0)
        $0.capabilitySeparator = "\r\n"
        $0.reply.keyTransport = .oaepWithoutParameters
        $0.http.server = "Microsoft-IIS/10.0"
        $0.setUp.issuingDelay = 30
    }

    /// EJBCA: BER, in chunks even to HTTP/1.0; the CA's name in `message`; HTTP 400 with a line of text in place of a
    /// refusal.
    public static let ejbca = make(
        "ejbca", ["POSTPKIOperation", "Renewal", "SHA-512", "SHA-256", "SHA-1", "DES3", "AES"]
    ) {
        $0.refusal = .text(status: 400)
        $0.reply.encoding = .indefinite
        $0.reply.carried = .chain
        $0.reply.issuedComesWithChain = true
        $0.http.version = .http11
        $0.http.framing = .chunked
        $0.setUp.isAskedByName = true
    }

    /// OpenXPKI: one media type for one certificate and for many, text for a refusal, nothing without a Host header.
    public static let openXPKI = make(
        "openxpki", ["AES", "DES3", "POSTPKIOperation", "Renewal", "SHA-1", "SHA-256", "SHA-512", "SCEPStandard"]
    ) {
        $0.needsHost = true
        $0.mediaTypes.certificate = $0.mediaTypes.chain
        $0.refusal = .text(status: 500)
        $0.http.server = "Apache"
        $0.setUp.registrationAuthority = .single
    }

    /// Dogtag: no GetCACaps, one certificate a GetCACert, of which a number beyond the chain gets the first again, and
    /// replies in SHA-1 and triple DES.
    public static let dogtag = make("dogtag", []) {
        $0.operations = [.getCACert, .pkiOperation]
        $0.unknownOperation = .status(500)
        $0.certificatesOneByOne = true
        $0.reply.digest = .sha1
        $0.reply.cipher = .des3
    }

    /// What step-ca and micromdm's servers have of the Go packages that both are made of: SHA-1 and single DES whatever is
    /// asked, and HTTP 500 for all but requests for certificates; and both want the challenge in renewals too.
    private static func behaveAsGo(_ profile: inout ServerProfile) {
        profile.operations = [.getCACaps, .getCACert, .pkiOperation]
        profile.unknownOperation = .status(500)
        profile.messageTypes = [.pkcsReq, .renewalReq]
        profile.unknownMessageType = .status(500)
        profile.reply.digest = .sha1
        profile.reply.cipher = .des
        profile.setUp.renewalsNeedChallenge = true
    }

    /// step-ca: capabilities in lines that end in CR LF.
    public static let stepCA = make(
        "step-ca", ["Renewal", "SHA-1", "SHA-256", "AES", "DES3", "SCEPStandard", "POSTPKIOperation"]
    ) {
        behaveAsGo(&$0)
        $0.capabilitySeparator = "\r\n"
        $0.http.framing = .close
    }

    /// micromdm up to 2.1.0: encryptedContent in a constructed [0], algorithms without NULL; a refusal has no text.
    public static let micromdm = make(
        "micromdm", ["Renewal", "SHA-1", "SHA-256", "AES", "DES3", "SCEPStandard", "POSTPKIOperation"]
    ) {
        behaveAsGo(&$0)
        $0.reply.encoding = .constructed
        $0.reply.hasFailInfoText = false
        $0.setUp.acceptsObsoleteAlgorithms = true
    }

    /// mod_scep: eContent of certificates-only SignedData is there, and empty.
    public static let modSCEP = make("mod-scep", ["AES", "POSTPKIOperation", "Renewal", "SHA-256", "SHA-512"]) {
        $0.reply.bundlesHaveEmptyContent = true
        $0.reply.absentContent = .empty
        $0.http.server = "Apache"
        $0.setUp.registrationAuthority = .single
    }

    /// A server made with Bouncy Castle: indefinite lengths, octet strings in pieces, SHA-1 and triple DES.
    public static let bouncyCastle = make(
        "bouncy-castle", ["AES", "DES3", "POSTPKIOperation", "Renewal", "SHA-1", "SHA-256", "SHA-512"]
    ) {
        $0.reply.digest = .sha1
        $0.reply.cipher = .des3
        $0.reply.encoding = .chunked
        $0.reply.hasFailInfoText = false
    }

    /// Amazon's connector: a refusal is a CertRep, and its HTTP status 400.
    public static let aws = make("aws", ["AES", "POSTPKIOperation", "Renewal", "SHA-256", "SHA-512", "SCEPStandard"]) {
        $0.operations = [.getCACaps, .getCACert, .pkiOperation]
        $0.messageTypes = [.pkcsReq, .renewalReq]
        $0.refusal = .certRepWithStatus(400)
        $0.setUp.registrationAuthority = .single
    }

    /// cryptlib with an elliptic key, as far as its replies go: what is encrypted, the challenge encrypts, there is no
    /// senderNonce, and its signatures are named id-ecPublicKey. cryptlib itself takes no others, and refuses a request that
    /// is signed by ecdsa-with-SHA256, as RFC 5753 has it; the authority takes it, or there would be no reply to try.
    public static let cryptlib = make("cryptlib", ["AES", "POSTPKIOperation", "Renewal", "SHA-256", "SCEPStandard"]) {
        $0.reply.hasSenderNonce = false
        $0.reply.isNamedByKey = true
        $0.reply.hasFailInfoText = false
        $0.setUp.key = .p256
    }
}
