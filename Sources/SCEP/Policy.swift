import DER
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

    /// What was taken below the default, for the record.
    public private(set) var used = Leniency()

    /// Whether a digest is not below the floor; if it is weak and allowed all the same, that is noted.
    public mutating func permits(_ digest: DigestAlgorithm) -> Bool {
        guard digest.rawValue >= digestFloor.rawValue else { return false }
        if digest == .sha1 { used.insert(.sha1) }
        return true
    }

    /// Whether a cipher is not below the floor; if it is weak and allowed all the same, that is noted.
    public mutating func permits(_ cipher: CipherAlgorithm) -> Bool {
        guard cipher.strength >= cipherFloor.strength else { return false }
        if cipher == .tripleDESCBC { used.insert(.tripleDES) }
        if cipher == .desCBC { used.insert(.des) }
        return true
    }

    /// Whether an RA without a mark is taken; if so, that is noted.
    mutating func permitsUnmarkedRA() -> Bool {
        if allowsUnmarkedRA { used.insert(.unmarkedRA) }
        return allowsUnmarkedRA
    }
}

/// What a policy can allow beyond the default.
public struct Leniency: BitSet {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static var sha1: Leniency { Leniency(rawValue: 1) }
    public static var tripleDES: Leniency { Leniency(rawValue: 1 << 1) }
    public static var des: Leniency { Leniency(rawValue: 1 << 2) }
    public static var unmarkedRA: Leniency { Leniency(rawValue: 1 << 3) }
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
    public init(_ capabilities: Capabilities, _ policy: inout Policy) throws(SCEPError) {
        if capabilities.contains(.sha256), policy.permits(.sha256) {
            digest = .sha256
        } else if capabilities.contains(.sha512), policy.permits(.sha512) {
            digest = .sha512
        } else if policy.permits(.sha1) {
            digest = .sha1
        } else {
            throw .digestBelowFloor(capabilities.contains(.sha256) ? .sha256 : .sha1)
        }
        if capabilities.contains(.aes) {
            cipher = policy.permits(.aes128CBC) ? .aes128CBC : policy.cipherFloor
        } else if policy.permits(.tripleDESCBC) {
            cipher = .tripleDESCBC
        } else {
            throw .cipherBelowFloor(.tripleDESCBC)
        }
    }
}
