import DeviceCrypto

/// Why a public key is of no use here.
public enum KeyDefect: Equatable, Sendable {
    /// RSA with a modulus of so many bits, which is not from 2048 to 4096.
    case rsaSize(bits: Int)
    /// RSA with a public exponent that is even, 1, or longer than 64 bits, or with an even modulus.
    case rsaExponent(bits: Int)
    /// A point that is not one of its curve in uncompressed form.
    case point(Curve)
    case kind(SubjectPublicKeyInfo.OtherKind)
}

extension SubjectPublicKeyInfo {
    /// What keeps this key from being used: anything but RSA of 2048 to 4096 bits with an odd exponent from 3 to 64
    /// bits, and P-256 and P-384 with an uncompressed point. That a point lies on its curve is seen when it is used.
    public var defect: KeyDefect? {

        @inline(never) get { findDefect() }
    }

    private func findDefect() -> KeyDefect? {
        switch kind {
        case .rsa:
            guard !RSAPublicKey.isUsable(modulus: key, exponent: exponent) else { return nil }
            let bits = key.count == 0 ? 0 : key.count &* 8 &- key[0].leadingZeroBitCount
            return bits >= 2048 && bits <= RSAPublicKey.maximumBits ? .rsaExponent(bits: bits) : .rsaSize(bits: bits)
        case .ellipticCurve(let curve):
            return key.count == curve.pointSize && key[0] == 4 ? nil : .point(curve)
        case .other(let kind):
            return .kind(kind)
        }
    }
}
