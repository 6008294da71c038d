import Foundation
import LibCrypto

/// Who opens requests and signs replies.
public enum RegistrationAuthority: String, CaseIterable, Sendable, Codable {
    /// The issuing CA itself.
    case none
    /// One RA certificate for both.
    case single
    /// One RA certificate for encryption and another for signatures.
    case split
}

/// What becomes of a request that is in order.
public enum Policy: Sendable, Equatable {
    case automatic
    /// PENDING until somebody approves or refuses it.
    case manual
    /// PENDING, then approved by this many CertPolls.
    case afterPolls(Int)
    case refuse(Refusal)
}

/// A password that admits one request (RFC 8894, section 7.3).
public struct OneTimePassword: Sendable, Codable, Equatable {
    /// The commonName or serialNumber that the request's subject must hold, or empty: any.
    public var device: String
    public var password: String
    public var isUsed = false

    public init(device: String, password: String) {
        self.device = device
        self.password = password
    }
}

/// Which challengePassword an enrolment needs. A renewal needs none, unless the configuration says so.
public enum ChallengePolicy: Sendable, Equatable {
    case none
    /// The same for all, as often as it is used.
    case shared(String)
    /// Each used once; more can be issued while the authority runs.
    case oneTime([OneTimePassword])
}

/// Everything that one authority is told at its start.
public struct CAConfiguration: Sendable {
    /// commonName of the root; the other certificates' names are derived from it.
    public var name = "EmbeddedSCEP Test CA"
    /// The CA identifier (RFC 8894, section 4.2.1) that `message` must hold in GetCACaps, GetCACert and GetNextCACert;
    /// nil: any or none.
    public var identifier: String?
    public var hasIntermediate = false
    public var registrationAuthority = RegistrationAuthority.none
    /// The extended key usage by which RA certificates say that they are one: cmcRA (RFC 6402, 2.10). With nil, whoever
    /// has any certificate of the CA could pose as its RA to a client that does not look for it.
    public var registrationAuthorityMark: String? = "1.3.6.1.5.5.7.3.28"
    /// Of the CA certificates. RA keys are of the same kind, or RSA-2048 where they must decrypt. An EC CA without RA
    /// needs a challenge: its requests are encrypted for it.
    public var key = KeyKind.rsa2048
    /// Whether a next CA waits for rollover from the start.
    public var hasNextCA = false
    /// Whether the next CA has the same name, and differs in the key alone.
    public var nextCAKeepsName = false
    /// How long after it is made the next CA's certificates become valid, in seconds.
    public var nextCABeginsIn: TimeInterval = 0
    public var policy = Policy.automatic
    public var challenge = ChallengePolicy.none
    /// Whether a renewal needs a challengePassword as an enrolment does, as micromdm and step-ca want it.
    public var renewalsNeedChallenge = false
    /// Whether a certificate that has expired can be renewed all the same.
    public var acceptsExpiredRenewals = false
    /// Of issued certificates, in seconds from now; the issuing CA's certificate ends it sooner.
    public var lifetime: TimeInterval = 30 * 86_400
    /// Of CA and RA certificates, in seconds.
    public var authorityLifetime: TimeInterval = 10 * 365 * 86_400
    /// How far before now validity begins, in seconds, for devices whose clocks are behind.
    public var backdating: TimeInterval = 60
    /// From thisUpdate to nextUpdate of a CRL, in seconds.
    public var crlLifetime: TimeInterval = 86_400
    /// Written into issued certificates as cRLDistributionPoints; nil leaves the extension out.
    public var crlDistributionPoint: String?
    /// Extensions that are copied from the request, dotted decimal: subjectAltName, keyUsage, extendedKeyUsage.
    public var copiedExtensions: Set<String> = ["2.5.29.17", "2.5.29.15", "2.5.29.37"]
    /// Whether requests in single DES or MD5 are taken (RFC 8894, section 2.9 forbids both).
    public var acceptsObsoleteAlgorithms = false
    /// Whether messages from and to EC keys are encrypted for the challengePassword (RFC 8894, section 3.1); else they
    /// are refused.
    public var servesPasswordRecipients = true
    /// How long issuing a certificate takes, in seconds: the answer comes that much later.
    public var issuingDelay: TimeInterval = 0
    /// Whether a request that comes again gets what it got before (RFC 8894, section 3.3.1); else it gets another certificate.
    public var repeatsCertificates = true
    public var profile = ServerProfile.rfc8894
    public var faults: [FaultRule] = []
    /// Where keys, certificates and the register of all changes are kept; nil keeps them in memory.
    public var directory: URL?
    public var clock: @Sendable () -> Date = { Date() }
    /// Seconds that the authority's time is ahead of `clock` at its start; behind, when below 0.
    public var clockOffset: TimeInterval = 0
    /// Whether a request that came before, in the same state and at the same time, gets the same answer to the last
    /// byte, with no work done: for simulations that go back to a `Snapshot` many thousand times. Forks share what they
    /// remember. Requests are answered one after the other.
    public var remembersAnswers = false
    /// Where the keys of CAs and RAs come from.
    public var makeKey: @Sendable (KeyKind) throws -> PrivateKey = { try PrivateKey.generate($0) }

    public init() {}

    /// Takes over `profile`, and how such a server is usually set up. The CA's name comes before it.
    public mutating func behave(as profile: ServerProfile) {
        self.profile = profile
        registrationAuthority = profile.setUp.registrationAuthority
        if let mark = profile.setUp.registrationAuthorityMark { registrationAuthorityMark = mark }
        key = profile.setUp.key
        renewalsNeedChallenge = profile.setUp.renewalsNeedChallenge
        acceptsObsoleteAlgorithms = profile.setUp.acceptsObsoleteAlgorithms
        issuingDelay = profile.setUp.issuingDelay
        if profile.setUp.isAskedByName { identifier = name }
    }
}

/// A configuration that cannot work, or a folder that cannot be used.
public struct CAConfigurationError: Error, CustomStringConvertible, Equatable {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }

    static let cannotGoBack = CAConfigurationError(
        "what is on disk is not taken back: snapshots and remembered answers need an authority without a folder")
}
