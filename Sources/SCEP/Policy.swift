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

    public init(
        digestFloor: DigestAlgorithm = .sha256, cipherFloor: CipherAlgorithm = .aes128CBC,
        allowsUnmarkedRA: Bool = false
    ) {
        self.digestFloor = digestFloor
        self.cipherFloor = cipherFloor
        self.allowsUnmarkedRA = allowsUnmarkedRA
    }

    public func allows(_ digest: DigestAlgorithm) -> Bool { digest.rawValue >= digestFloor.rawValue }

    public func allows(_ cipher: CipherAlgorithm) -> Bool { cipher.strength >= cipherFloor.strength }
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
    /// - Throws: ``SCEPError/digestBelowFloor(_:)``, ``SCEPError/cipherBelowFloor(_:)`` with what the CA offers.
    public init(_ capabilities: Capabilities, _ policy: Policy) throws(SCEPError) {
        if capabilities.contains(.sha256), policy.allows(.sha256) {
            digest = .sha256
        } else if capabilities.contains(.sha512), policy.allows(.sha512) {
            digest = .sha512
        } else if policy.allows(.sha1) {
            digest = .sha1
        } else {
            throw .digestBelowFloor(capabilities.contains(.sha256) ? .sha256 : .sha1)
        }
        if capabilities.contains(.aes) {
            cipher = policy.allows(.aes128CBC) ? .aes128CBC : policy.cipherFloor
        } else if policy.allows(.tripleDESCBC) {
            cipher = .tripleDESCBC
        } else {
            throw .cipherBelowFloor(.tripleDESCBC)
        }
    }
}
