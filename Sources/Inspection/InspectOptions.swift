import Agent
import Output
import PKIX
import SCEP

/// What a message is inspected with; all of it may be missing.
package struct InspectOptions: ~Copyable {
    /// The private key that opens envelopes, and that an issued certificate has to carry; see ``hasKey``. Wiped after use.
    package var key = SoftwareKey()
    package var hasKey = false
    /// The challengePassword, which opens envelopes to a password (RFC 8894, 3.1). Wiped after use.
    package var password = Text()
    /// Files of the CA's certificates, PEM or DER, also as GetCACert has them. Wiped after use: a key may stand beside them.
    package var ca: [UInt8] = []
    /// As ``PKIX/Fingerprints`` has them: what a GetCACert reply is held against.
    package var fingerprints = Text()
    /// The file of the request that a reply has to answer.
    package var request: [UInt8] = []
    package var moment = Moment.unknown
    /// Whether the device's key can decrypt, as RSA keys do.
    package var canDecrypt = true
    /// What the client would take.
    package var policy = Policy()
    /// Whether a challengePassword is shown in a request, and not only its length.
    package var showsChallenge = false

    package init() {}
}

/// How many checks came out how.
package struct InspectSummary: Equatable {
    package var passed = 0
    package var failed = 0
    package var unknown = 0
    /// Files and parts of files that could not be recognised.
    package var unrecognized = 0
}
