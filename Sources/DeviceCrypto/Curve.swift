import CMbedTLS

/// The curves of the core (SP 800-186): P-256 is secp256r1, P-384 is secp384r1.
public enum Curve: UInt8, Sendable, Equatable {
    case p256 = 1
    case p384

    /// Whether this was built with elliptic curves: a board that has no space for them is built without.
    public static var isSupported: Bool { cmbedtls_has_ec() != 0 }

    /// Bytes of a coordinate and of a private scalar: 32 or 48.
    public var fieldSize: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        }
    }

    /// Bytes of an uncompressed point 04 || X || Y: 65 or 97.
    public var pointSize: Int { 1 + 2 * fieldSize }

    /// Bytes of an Ecdsa-Sig-Value in DER at most: 72 or 104.
    public var signatureSize: Int { 2 + 2 * (3 + fieldSize) }
}
