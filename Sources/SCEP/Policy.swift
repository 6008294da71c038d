import Bytes
import DeviceCrypto

/// The weakest algorithms that a device uses or accepts.
///
/// Lowering a floor is the named leniency towards old servers; the default is what RFC 8894, 2.9 demands of all.
public struct Policy: Equatable, Sendable {
    public var digestFloor: DigestAlgorithm
    public var cipherFloor: CipherAlgorithm
    /// Whether a registration authority's certificate is taken that nothing marks as one: no pin of its own, and no
    /// extended key usage for it. Without such a mark, whoever has any certificate of this CA could pose as its RA.
    public var allowsUnmarkedRA: Bool
    /// Whether a device enrols that will have no password to renew with, which its EC key needs.
    public var allowsNoRenewal = false
    /// Whether a CA's certificate is taken that has no keyUsage, and no pin of its own. RFC 5280, 4.2.1.3 asks for one.
    /// There are CAs that write cA into every certificate: the holder of any of theirs could pose as a CA.
    public var allowsCAWithoutKeyUsage: Bool
    /// Whether a device whose key can decrypt encrypts its requests with the password where no certificate of the CA
    /// has an RSA key.
    public var allowsPasswordEncryption: Bool

    public init(
        digestFloor: DigestAlgorithm = .sha256, cipherFloor: CipherAlgorithm = .aes128CBC,
        allowsUnmarkedRA: Bool = false, allowsCAWithoutKeyUsage: Bool = false, allowsPasswordEncryption: Bool = false
    ) {
        self.digestFloor = digestFloor
        self.cipherFloor = cipherFloor
        self.allowsUnmarkedRA = allowsUnmarkedRA
        self.allowsCAWithoutKeyUsage = allowsCAWithoutKeyUsage
        self.allowsPasswordEncryption = allowsPasswordEncryption
    }

    /// What was taken below the default, for the record.
    public private(set) var used = Leniency()

    /// Whether a digest is not below the floor; if it is weak and allowed all the same, that is noted.
    public mutating func permits(_ digest: DigestAlgorithm) -> Bool { weakness(of: digest) == Leniency() }

    /// Whether a cipher is not below the floor; if it is weak and allowed all the same, that is noted.
    public mutating func permits(_ cipher: CipherAlgorithm) -> Bool { weakness(of: cipher) == Leniency() }

    /// What would have to be allowed for a digest; empty if it is not below the floor. If it is weak and allowed all the
    /// same, that is noted.
    mutating func weakness(of digest: DigestAlgorithm) -> Leniency {
        weakness(digest == .sha1 ? .sha1 : Leniency(), isBelow: digest.rawValue < digestFloor.rawValue)
    }

    /// The same for a cipher.
    mutating func weakness(of cipher: CipherAlgorithm) -> Leniency {
        var word = Leniency()
        if cipher == .tripleDESCBC { word = .tripleDES }
        if cipher == .desCBC { word = .des }
        return weakness(word, isBelow: cipher.strength < cipherFloor.strength)
    }

    @inline(never)
    private mutating func weakness(_ word: Leniency, isBelow: Bool) -> Leniency {
        guard isBelow else {
            used.insert(word)
            return Leniency()
        }
        return word == Leniency() ? .lowerFloor : word
    }

    /// Notes a form that is not the standard's, and that is taken all the same since nothing depends on it.
    mutating func note(_ form: Leniency) { used.insert(form) }

    /// Whether an RA without a mark is taken; if so, that is noted.
    mutating func permitsUnmarkedRA() -> Bool {
        if allowsUnmarkedRA { used.insert(.unmarkedRA) }
        return allowsUnmarkedRA
    }

    /// Whether a CA's certificate without keyUsage is taken; if so, that is noted.
    mutating func permitsCAWithoutKeyUsage() -> Bool {
        if allowsCAWithoutKeyUsage { used.insert(.caWithoutKeyUsage) }
        return allowsCAWithoutKeyUsage
    }

    /// Whether the password encrypts where it need not; if so, that is noted.
    mutating func permitsPasswordEncryption() -> Bool {
        if allowsPasswordEncryption { used.insert(.passwordEncryption) }
        return allowsPasswordEncryption
    }
}

/// What a policy can allow beyond the default, and what is taken without being allowed, but told.
public struct Leniency: BitSet {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static var sha1: Leniency { Leniency(rawValue: 1) }
    public static var tripleDES: Leniency { Leniency(rawValue: 1 << 1) }
    public static var des: Leniency { Leniency(rawValue: 1 << 2) }
    public static var unmarkedRA: Leniency { Leniency(rawValue: 1 << 3) }
    public static var caWithoutKeyUsage: Leniency { Leniency(rawValue: 1 << 4) }
    public static var passwordEncryption: Leniency { Leniency(rawValue: 1 << 5) }
    /// A floor that was set above the default, which no word allows to pass.
    public static var lowerFloor: Leniency { Leniency(rawValue: 1 << 7) }

    // MARK: Taken, and told

    /// A body in PEM or base64, or with white space behind it, in place of DER.
    public static var textBody: Leniency { Leniency(rawValue: 1 << 8) }
    /// The content type of what is enclosed in place of data, which RFC 8894, 3.2 and 4.7.1 have.
    public static var contentType: Leniency { Leniency(rawValue: 1 << 9) }
    /// A signature that is named by its key's algorithm, id-ecPublicKey, in place of its own (RFC 5753, 2.1.1).
    public static var signatureName: Leniency { Leniency(rawValue: 1 << 10) }
}

extension CipherAlgorithm {
    fileprivate var strength: Int {
        switch self {
        case .desCBC: 0
        case .tripleDESCBC: 1
        case .aes128CBC: 2
        case .aes192CBC: 3
        case .aes256CBC: 4
        }
    }
}

/// The algorithms of a request.
public struct Algorithms: Equatable, Sendable {
    public let digest: DigestAlgorithm
    public let cipher: CipherAlgorithm

    /// Chooses what the CA can do and the policy allows; SHA-256 and AES-128, the universal standards
    /// (RFC 8894, 3.5.2), or a higher floor, rather than more.
    ///
    /// A CA that says nothing is taken at SHA-1 and triple DES, as RFC 8894, 3.5.2 has it.
    ///
    /// - Throws: ``SCEPError/belowFloor(_:)`` with all that would have to be allowed.
    @inline(never)
    public init(_ capabilities: Capabilities, _ policy: inout Policy) throws(SCEPError) {
        var weakness = Leniency()
        if capabilities.contains(.sha256), policy.permits(.sha256) {
            digest = .sha256
        } else if capabilities.contains(.sha512), policy.permits(.sha512) {
            digest = .sha512
        } else {
            digest = .sha1
            weakness = policy.weakness(of: capabilities.contains(.sha256) ? .sha256 : .sha1)
        }
        if capabilities.contains(.aes) {
            cipher = policy.permits(.aes128CBC) ? .aes128CBC : policy.cipherFloor
        } else {
            cipher = .tripleDESCBC
            weakness.insert(policy.weakness(of: .tripleDESCBC))
        }
        guard weakness == Leniency() else { throw .belowFloor(weakness) }
    }
}
