import Bytes
import DER
import DeviceCrypto

/// A public key as it stands in a certificate (RFC 5280, 4.1.2.7).
///
/// ```
/// SubjectPublicKeyInfo ::= SEQUENCE {
///     algorithm         AlgorithmIdentifier,
///     subjectPublicKey  BIT STRING }
///
/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
/// ECParameters ::= CHOICE { namedCurve OBJECT IDENTIFIER }
/// ```
public struct SubjectPublicKeyInfo: ~Escapable {
    public enum Kind: Equatable, Sendable {
        case rsa
        case ellipticCurve(Curve)
        /// One that is unknown here: it can be read, and is of no use.
        case other(OtherKind)
    }

    /// Kinds of keys that nothing can be done with here, as far as they are told apart.
    public enum OtherKind: Equatable, Sendable {
        case p521
        case anotherCurve
        case ed25519
        /// Among them RSA keys that may be used with RSASSA-PSS alone (RFC 4055, 1.2).
        case another
    }

    public let kind: Kind
    /// RSA: the modulus, unsigned, big-endian, no leading zero. Elliptic curve: the point as SEC 1, 2.3.3 encodes it.
    /// Another: the bytes of the BIT STRING.
    public let key: Span<UInt8>
    /// RSA: the public exponent, likewise. Others: empty.
    public let exponent: Span<UInt8>

    /// Reads a SubjectPublicKeyInfo.
    @_lifetime(copy reader)
    public init(_ reader: inout DERReader) throws(DERError) {
        var content = try reader.enter()
        let algorithm = try content.read(.sequence)
        var parameters = algorithm.reader
        let identifier = try parameters.read(.objectIdentifier)
        let bits = try content.read(.bitString)
        try content.finish()
        let bytes = try bits.bitStringBytes()
        if identifier.isIdentifier(.rsaEncryption) {
            _ = try parameters.readIfPresent(.null)
            var outer = DERReader(bits.bytes, in: (bits.content.lowerBound &+ 1)..<bits.content.upperBound)
            var key = try outer.enter()
            try outer.finish()
            kind = .rsa
            self.key = try key.read(.integer).unsignedInteger()
            exponent = try key.read(.integer).unsignedInteger()
            try key.finish()
            try parameters.finish()
            return
        }
        key = bytes
        exponent = bytes.extracting(first: 0)
        guard identifier.isIdentifier(.ecPublicKey) else {
            // Whatever its parameters may be.
            kind = .other(identifier.isIdentifier(.ed25519) ? .ed25519 : .another)
            return
        }
        let curve = try parameters.read()
        try parameters.finish()
        if let known = try? Curve(curve) {
            kind = .ellipticCurve(known)
        } else {
            kind = .other(curve.isIdentifier(.secp521r1) ? .p521 : .anotherCurve)
        }
    }

    /// Verifies `signature` over `digest`.
    public func verify(_ signature: Span<UInt8>, scheme: SignatureAlgorithm.Scheme, digest: Digest)
        throws(CryptoError)
    {
        switch (kind, scheme) {
        case (.rsa, .rsa):
            try RSAPublicKey.verify(modulus: key, exponent: exponent, digest: digest, signature: signature)
        case (.rsa, .rsaPSS(let saltSize)):
            try RSAPublicKey.verify(
                modulus: key, exponent: exponent, digest: digest, saltSize: saltSize, signature: signature)
        case (.ellipticCurve(let curve), .ecdsa):
            try ECPublicKey.verify(curve: curve, point: key, digest: digest, signature: signature)
        case (.other, _):
            throw .unsupported
        default:
            throw .invalidSignature
        }
    }

    /// Whether this is the public half of `privateKey`. Constant time is not needed: both are public.
    ///
    /// - Parameter scratch: space for the key's modulus or point, 512 bytes at most.
    public func matches<Key: PrivateKey & ~Copyable>(_ privateKey: inout Key, scratch: inout MutableSpan<UInt8>)
        throws(CryptoError) -> Bool
    {
        let count = try privateKey.publicKey(into: &scratch)
        switch (kind, privateKey.algorithm) {
        case (.rsa, .rsa):
            guard exponent.count <= 4 else { return false }
            var value: UInt32 = 0
            for index in exponent.indices { value = value &<< 8 | UInt32(exponent[index]) }
            guard value == privateKey.publicExponent else { return false }
        case (.ellipticCurve(.p256), .p256), (.ellipticCurve(.p384), .p384):
            break
        default:
            return false
        }
        guard key.count == count else { return false }
        for index in key.indices where key[index] != scratch[index] { return false }
        return true
    }
}

extension DERWriter {
    /// Writes the SubjectPublicKeyInfo of a private key (RFC 3279, 2.3.1; RFC 5480, 2).
    @inline(never)
    public mutating func write<Key: PrivateKey & ~Copyable>(publicKeyOf key: inout Key) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            switch key.algorithm {
            case .rsa:
                try writer.writeBitString { (writer) throws(DERError) in
                    try writer.write(.sequence) { (writer) throws(DERError) in
                        try writer.writeIntegers(ofPublicKey: &key)
                    }
                }
                try writer.write(algorithm: .rsaEncryption, null: true)
            case .p256, .p384:
                try writer.writeBitString { (writer) throws(DERError) in try writer.write(keyBytesOf: &key) }
                try writer.write(.sequence) { (writer) throws(DERError) in
                    try writer.write(key.algorithm == .p256 ? .secp256r1 : .secp384r1)
                    try writer.write(.ecPublicKey)
                }
            }
        }
    }

    /// Writes modulus and public exponent, which an RSAPublicKey and an RSAPrivateKey have alike.
    mutating func writeIntegers<Key: PrivateKey & ~Copyable>(ofPublicKey key: inout Key) throws(DERError) {
        try write(integer: key.publicExponent)
        try write(.integer) { (writer) throws(DERError) in
            try writer.write(keyBytesOf: &key)
            if writer.written[0] >= 0x80 { try writer.write(byte: 0) }
        }
    }

    /// Writes a modulus or a point.
    mutating func write<Key: PrivateKey & ~Copyable>(keyBytesOf key: inout Key) throws(DERError) {
        var buffer = try reserve(key.algorithm.publicKeySize)
        do throws(CryptoError) {
            _ = try key.publicKey(into: &buffer)
        } catch {
            throw DERError(.crypto(error), at: front)
        }
    }
}

extension Curve {
    /// The curve that ECParameters name (RFC 5480, 2.1.1).
    @inline(__always)
    init(_ curve: borrowing DERElement) throws(DERError) {
        if curve.isIdentifier(.secp256r1) {
            self = .p256
        } else if curve.isIdentifier(.secp384r1) {
            self = .p384
        } else {
            throw DERError(.unsupportedAlgorithm, at: curve.start)
        }
    }

    var identifier: ObjectIdentifier { self == .p256 ? .secp256r1 : .secp384r1 }
}

extension KeyAlgorithm {
    /// Bytes of a modulus or an uncompressed point.
    public var publicKeySize: Int {
        switch self {
        case .rsa(let bits): (bits &+ 7) / 8
        case .p256: 65
        case .p384: 97
        }
    }
}
