import Agent
import PKIX
import SCEP

/// What a message is inspected with; all of it may be missing.
struct InspectOptions: ~Copyable {
    /// The private key that opens envelopes, and that an issued certificate has to carry; see ``hasKey``. Wiped after use.
    var key = SoftwareKey()
    var hasKey = false
    /// The challengePassword, which opens envelopes to a password (RFC 8894, 3.1). Wiped after use.
    var password = Text()
    /// Files of the CA's certificates, PEM or DER, also as GetCACert has them.
    var ca: [UInt8] = []
    /// As ``PKIX/Fingerprints`` has them: what a GetCACert reply is held against.
    var fingerprints = Text()
    /// The file of the request that a reply has to answer.
    var request: [UInt8] = []
    var moment = Moment.unknown
    /// Whether the device's key can decrypt, as RSA keys do.
    var canDecrypt = true
    /// What the client would take.
    var policy = Policy()
    /// Whether a challengePassword is shown in a request, and not only its length.
    var showsChallenge = false
}

/// How many checks came out how.
struct InspectSummary: Equatable {
    var passed = 0
    var failed = 0
    var unknown = 0
    /// Files and parts of files that could not be recognised.
    var unrecognized = 0
}
