import Bytes
import DER
import DeviceCrypto

/// A private key as files have it: PrivateKeyInfo (PKCS #8; RFC 5958, 2), RSAPrivateKey (PKCS #1; RFC 8017, A.1.2) or
/// ECPrivateKey (SEC 1; RFC 5915, 3), told apart by what follows the version. A view; ``DeviceCrypto`` holds the key.
///
/// ```
/// PrivateKeyInfo ::= SEQUENCE {
///     version              INTEGER { v1(0), v2(1) },
///     privateKeyAlgorithm  AlgorithmIdentifier,
///     privateKey           OCTET STRING,
///     attributes       [0] IMPLICIT SET OF Attribute OPTIONAL,
///     publicKey        [1] IMPLICIT BIT STRING OPTIONAL }
///
/// RSAPrivateKey ::= SEQUENCE {
///     version INTEGER { two-prime(0) },
///     modulus INTEGER, publicExponent INTEGER, privateExponent INTEGER,
///     prime1 INTEGER, prime2 INTEGER, exponent1 INTEGER, exponent2 INTEGER, coefficient INTEGER }
///
/// ECPrivateKey ::= SEQUENCE {
///     version         INTEGER { ecPrivkeyVer1(1) },
///     privateKey      OCTET STRING,
///     parameters  [0] EXPLICIT OBJECT IDENTIFIER OPTIONAL,
///     publicKey   [1] EXPLICIT BIT STRING OPTIONAL }
/// ```
///
/// Passed over: a PrivateKeyInfo's attributes and public key.
public struct PrivateKeyInfo: ~Escapable {
    public let kind: SubjectPublicKeyInfo.Kind
    /// What follows the version in the RSAPrivateKey or ECPrivateKey.
    private let key: DERReader

    /// Reads a key that fills `bytes`.
    ///
    /// - Throws: ``DER/DERError``: `unsupportedVersion`, also for RSA with more than two prime factors;
    ///   `unsupportedAlgorithm`, also for a curve that is not named; DER's own.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) throws(DERError) {
        var reader = DERReader(bytes)
        var content = try reader.enter()
        try reader.finish()
        let version = try content.read(.integer)
        switch content.nextTag {
        case Tag.integer:
            try Self.check(version, 0...0)
            kind = .rsa
            key = content
        case Tag.octetString:
            try Self.check(version, 1...1)
            // The curve stands behind the scalar, and has to, since nothing else says it.
            var rest = content
            let scalar = try rest.read(.octetString)
            guard let parameters = try rest.readIfPresent(.contextConstructed(0)) else {
                throw DERError(.unsupportedAlgorithm, at: scalar.start)
            }
            var inner = parameters.reader
            kind = .ellipticCurve(try Curve(try inner.read(.objectIdentifier)))
            key = content
        default:
            // Version 1 is for those that bring the public key along.
            try Self.check(version, 0...1)
            let algorithm = try content.read(.sequence)
            var parameters = algorithm.reader
            let identifier = try parameters.read(.objectIdentifier)
            let wrapped = try content.read(.octetString)
            // Attributes are for programs that made them; a public key stands in the inner structure or is computed.
            _ = try content.readIfPresent(.contextConstructed(0))
            _ = try content.readIfPresent(.context(1))
            try content.finish()

            let innerVersion: Int
            if identifier.isIdentifier(.rsaEncryption) {
                _ = try parameters.readIfPresent(.null)
                kind = .rsa
                innerVersion = 0
            } else if identifier.isIdentifier(.ecPublicKey) {
                kind = .ellipticCurve(try Curve(try parameters.read(.objectIdentifier)))
                innerVersion = 1
            } else {
                throw DERError(.unsupportedAlgorithm, at: algorithm.start)
            }
            try parameters.finish()
            var outer = wrapped.reader
            var inner = try outer.enter()
            try outer.finish()
            try Self.check(try inner.read(.integer), innerVersion...innerVersion)
            key = inner
        }
    }

    private static func check(_ version: borrowing DERElement, _ permitted: ClosedRange<Int>) throws(DERError) {
        guard let number = try? version.smallInteger(atMost: permitted.upperBound), permitted.contains(number) else {
            throw DERError(.unsupportedVersion, at: version.start)
        }
    }

    /// Reads the integers of an RSAPrivateKey into `key`.
    fileprivate func read(into key: inout RSAPrivateKey) throws(DERError) {
        var reader = self.key
        let modulusElement = try reader.read(.integer)
        let modulus = try modulusElement.unsignedInteger()
        let publicExponent = try reader.read(.integer).unsignedInteger()
        let privateExponent = try reader.read(.integer).unsignedInteger()
        let prime1 = try reader.read(.integer).unsignedInteger()
        let prime2 = try reader.read(.integer).unsignedInteger()
        var remainders = reader
        for _ in 0..<3 { _ = try reader.read(.integer).unsignedInteger() }
        try reader.finish()

        let bits = modulus.isEmpty ? 0 : modulus.count &* 8 &- modulus[0].leadingZeroBitCount
        guard RSAPrivateKey.permittedBits.contains(bits), bits.isMultiple(of: 64) else {
            throw DERError(.unsupportedKeySize, at: modulusElement.start)
        }
        do throws(CryptoError) {
            try key.load(
                modulus: modulus, publicExponent: publicExponent, privateExponent: privateExponent, prime1: prime1,
                prime2: prime2)
        } catch {
            throw DERError(.crypto(error), at: modulusElement.start)
        }
        var place = RSAPrivateKey.SecretInteger.exponent1.rawValue
        while let integer = RSAPrivateKey.SecretInteger(rawValue: place) {
            place &+= 1
            let element = try remainders.read(.integer)
            guard try key.holds(integer, try element.unsignedInteger(), at: element.start) else {
                key.wipe()
                throw DERError(.crypto(.invalidKey), at: element.start)
            }
        }
    }

    /// Reads the scalar of an ECPrivateKey into `key`.
    fileprivate func read(
        into key: inout ECPrivateKey, _ curve: Curve, random: inout RandomGenerator
    ) throws(DERError) {
        var reader = self.key
        let scalar = try reader.read(.octetString)
        if let parameters = try reader.readIfPresent(.contextConstructed(0)) {
            var inner = parameters.reader
            guard try Curve(try inner.read(.objectIdentifier)) == curve else {
                throw DERError(.crypto(.invalidKey), at: parameters.start)
            }
            try inner.finish()
        }
        let wrapped = try reader.readIfPresent(.contextConstructed(1))
        try reader.finish()

        do throws(CryptoError) {
            try key.load(curve: curve, privateScalar: scalar.contents, random: &random)
        } catch {
            throw DERError(error == .unsupported ? .unsupportedAlgorithm : .crypto(error), at: scalar.start)
        }
        guard let wrapped else { return }
        var inner = wrapped.reader
        let point = try inner.read(.bitString)
        try inner.finish()
        guard try key.isPoint(try point.bitStringBytes(), at: point.start) else {
            key.wipe()
            throw DERError(.crypto(.invalidKey), at: point.start)
        }
    }
}

extension RSAPrivateKey {
    /// Reads a key that was made elsewhere, and checks that all its integers belong together.
    ///
    /// - Throws: ``DER/DERError``: `unsupportedKeySize` outside ``permittedBits``; `crypto(.invalidKey)`, at the integer
    ///   that does not fit; `unsupportedAlgorithm` for a key of another kind. The place is empty then.
    public mutating func load(_ info: borrowing PrivateKeyInfo) throws(DERError) {
        wipe()
        guard info.kind == .rsa else { throw DERError(.unsupportedAlgorithm, at: 0) }
        try info.read(into: &self)
    }

    /// Whether an integer is the one that belongs to this key.
    fileprivate mutating func holds(
        _ integer: SecretInteger, _ magnitude: Span<UInt8>, at offset: Int
    ) throws(DERError) -> Bool {
        var secret = InlineArray<512, UInt8>(repeating: 0)
        var buffer = secret.mutableSpan
        defer { DeviceCrypto.wipe(&buffer) }
        do throws(CryptoError) {
            try write(integer, into: &buffer)
        } catch {
            throw DERError(.crypto(error), at: offset)
        }
        let leading = size(of: integer) &- magnitude.count
        guard leading >= 0 else { return false }
        for index in 0..<leading where buffer[index] != 0 { return false }
        return constantTimeEqual(buffer.span.extracting(leading..<size(of: integer)), magnitude)
    }
}

extension ECPrivateKey {
    /// Reads a key that was made elsewhere, and checks its point, if it brings one, in either form.
    ///
    /// - Parameter random: blinds the making of the point.
    /// - Throws: ``DER/DERError``: `crypto(.invalidKey)` where the scalar, the point or the curve does not fit;
    ///   `unsupportedAlgorithm` for a key of another kind, or on a board that is built without elliptic curves. The
    ///   place is empty then.
    public mutating func load(_ info: borrowing PrivateKeyInfo, random: inout RandomGenerator) throws(DERError) {
        wipe()
        guard case .ellipticCurve(let curve) = info.kind else { throw DERError(.unsupportedAlgorithm, at: 0) }
        try info.read(into: &self, curve, random: &random)
    }

    /// Whether this is the key's point, uncompressed or compressed (SEC 1, 2.3.3).
    fileprivate mutating func isPoint(_ other: Span<UInt8>, at offset: Int) throws(DERError) -> Bool {
        var point = InlineArray<97, UInt8>(repeating: 0)
        do throws(CryptoError) {
            var buffer = point.mutableSpan
            _ = try publicKey(into: &buffer)
        } catch {
            throw DERError(.crypto(error), at: offset)
        }
        if other.count == 1 &+ curve.fieldSize {
            // The parity of Y stands for Y.
            point[0] = 2 | point[curve.pointSize &- 1] & 1
        } else if other.count != curve.pointSize {
            return false
        }
        for index in other.indices where other[index] != point[index] { return false }
        return true
    }
}

extension DERWriter {
    /// Writes a PrivateKeyInfo of version 0 (RFC 5958, 2) with an RSAPrivateKey (RFC 8017, A.1.2), a secret.
    public mutating func write(privateKeyInfo key: inout RSAPrivateKey) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.octetString) { (writer) throws(DERError) in
                try writer.write(.sequence) { (writer) throws(DERError) in
                    var place = RSAPrivateKey.SecretInteger.coefficient.rawValue
                    while let integer = RSAPrivateKey.SecretInteger(rawValue: place) {
                        try writer.write(integer, of: &key)
                        place &-= 1
                    }
                    try writer.writeIntegers(ofPublicKey: &key)
                    try writer.write(integer: 0)
                }
            }
            try writer.write(algorithm: .rsaEncryption, null: true)
            try writer.write(integer: 0)
        }
    }

    private mutating func write(
        _ integer: RSAPrivateKey.SecretInteger, of key: inout RSAPrivateKey
    ) throws(DERError) {
        var secret = InlineArray<512, UInt8>(repeating: 0)
        var buffer = secret.mutableSpan
        defer { wipe(&buffer) }
        do throws(CryptoError) {
            try key.write(integer, into: &buffer)
        } catch {
            throw DERError(.crypto(error), at: front)
        }
        try write(unsignedInteger: buffer.span.extracting(first: key.size(of: integer)))
    }

    /// Writes a PrivateKeyInfo of version 0 (RFC 5958, 2) with an ECPrivateKey and its point (RFC 5915, 3), a secret.
    public mutating func write(privateKeyInfo key: inout ECPrivateKey) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.octetString) { (writer) throws(DERError) in
                try writer.write(.sequence) { (writer) throws(DERError) in
                    try writer.write(.contextConstructed(1)) { (writer) throws(DERError) in
                        try writer.writeBitString { (writer) throws(DERError) in try writer.write(keyBytesOf: &key) }
                    }
                    try writer.write(.octetString) { (writer) throws(DERError) in
                        var buffer = try writer.reserve(key.curve.fieldSize)
                        do throws(CryptoError) {
                            try key.privateScalar(into: &buffer)
                        } catch {
                            throw DERError(.crypto(error), at: writer.front)
                        }
                    }
                    try writer.write(integer: 1)
                }
            }
            try writer.write(.sequence) { (writer) throws(DERError) in
                try writer.write(key.curve.identifier)
                try writer.write(.ecPublicKey)
            }
            try writer.write(integer: 0)
        }
    }
}
