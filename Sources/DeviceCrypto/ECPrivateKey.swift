import CMbedTLS

/// An EC private key on P-256 or P-384: its scalar and its point. Nothing wipes it but ``wipe()``.
///
/// Signatures are deterministic (RFC 6979), so that a board with poor randomness cannot give its key away by using a
/// nonce twice, and blinded with the random generator against side channels.
public struct ECPrivateKey: ~Copyable, PrivateKey {
    /// The first byte of ``export(into:)``.
    public static let kind: UInt8 = 2

    public private(set) var curve: Curve
    /// The scalar, ``Curve/fieldSize`` bytes, big-endian, at the front.
    private var scalar = InlineArray<48, UInt8>(repeating: 0)
    /// 04 || X || Y at the front; 0 instead of 04 after a wipe.
    private var point = InlineArray<97, UInt8>(repeating: 0)

    /// A place for a key, which is good for nothing until one is made or read into it.
    public init() {
        curve = .p256
    }

    // MARK: Making

    /// Makes a key (FIPS 186-4, B.4.2).
    ///
    /// - Throws: `.notSeeded`, `.outOfMemory`, `.failed`; `.unsupported` on a board that is built without elliptic
    ///   curves.
    public static func generate(curve: Curve, random: inout RandomGenerator) throws(CryptoError) -> ECPrivateKey {
        var key = ECPrivateKey()
        try key.generate(curve: curve, random: &random)
        return key
    }

    /// The same where the key is to stay. After an error the place is empty.
    @inline(never)
    public mutating func generate(curve: Curve, random: inout RandomGenerator) throws(CryptoError) {
        wipe()
        guard Curve.isSupported else { throw .unsupported }
        guard random.isSeeded else { throw .notSeeded }
        self.curve = curve
        var scalar = self.scalar.mutableSpan
        var point = self.point.mutableSpan
        let status = unsafe scalar.withUnsafeMutableBufferPointer { scalar in
            unsafe point.withUnsafeMutableBufferPointer { point in
                unsafe cmbedtls_ec_generate(&random.context, curve.fieldSize, scalar.baseAddress, point.baseAddress)
            }
        }
        guard status == 0 else {
            wipe()
            throw CryptoError(status: status, expected: .failed)
        }
    }

    /// A key that was made elsewhere, by the scalar of its ECPrivateKey (RFC 5915).
    ///
    /// - Parameters:
    ///   - privateScalar: big-endian, ``Curve/fieldSize`` bytes.
    ///   - random: blinds the making of the point.
    /// - Throws: `.invalidKey` unless the scalar lies between 1 and the order of the curve less 1; `.notSeeded`,
    ///   `.outOfMemory`.
    public init(curve: Curve, privateScalar: Span<UInt8>, random: inout RandomGenerator) throws(CryptoError) {
        self.curve = curve
        try load(curve: curve, privateScalar: privateScalar, random: &random)
    }

    /// The same where the key is to stay. After an error the place is empty.
    ///
    /// - Throws: also `.unsupported` on a board that is built without elliptic curves.
    @inline(never)
    public mutating func load(
        curve: Curve, privateScalar: Span<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        wipe()
        guard Curve.isSupported else { throw .unsupported }
        self.curve = curve
        guard random.isSeeded else { throw .notSeeded }
        guard privateScalar.count == curve.fieldSize else { throw .invalidKey }
        for index in privateScalar.indices { scalar[index] = privateScalar[index] }
        var buffer = point.mutableSpan
        let status = unsafe privateScalar.withUnsafeBufferPointer { scalar in
            unsafe buffer.withUnsafeMutableBufferPointer { buffer in
                unsafe cmbedtls_ec_point(&random.context, curve.fieldSize, scalar.baseAddress, buffer.baseAddress)
            }
        }
        guard status == 0 else {
            wipe()
            throw CryptoError(status: status, expected: .invalidKey)
        }
    }

    // MARK: Keeping

    /// Bytes of ``export(into:)``: 106 for P-256, 154 for P-384.
    public var exportSize: Int { curve.exportSize }

    /// Writes the compact form that an identity store keeps, a secret:
    ///
    /// | bytes | what |
    /// |---|---|
    /// | 1 | 02, for EC |
    /// | 1 | 01 for P-256, 02 for P-384 |
    /// | field size | the scalar, big-endian |
    /// | field size | X of the point, big-endian |
    /// | field size | Y of the point, big-endian |
    /// | 8 | the first bytes of the SHA-256 of all of the above |
    ///
    /// - Returns: how many bytes were written at the front of `bytes`: ``exportSize``.
    /// - Throws: `.bufferTooSmall`; `.invalidKey` after a wipe.
    @inline(never)
    public mutating func export(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard point[0] == 4 else { throw .invalidKey }
        guard bytes.count >= curve.exportSize else { throw .bufferTooSmall }
        let size = curve.fieldSize
        bytes[0] = Self.kind
        bytes[1] = curve.rawValue
        for index in 0..<size { bytes[2 &+ index] = scalar[index] }
        for index in 0..<2 &* size { bytes[2 &+ size &+ index] = point[1 &+ index] }
        ExportCheck.write(after: 2 &+ 3 &* size, in: &bytes)
        return curve.exportSize
    }

    /// Reads the form of ``export(into:)``.
    ///
    /// - Throws: `.invalidKey` unless `bytes` is exactly what was exported.
    public init(importing bytes: Span<UInt8>) throws(CryptoError) {
        curve = .p256
        try load(bytes)
    }

    /// The same where the key is to stay. After an error the place is empty.
    @inline(never)
    public mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        wipe()
        guard bytes.count > 2, bytes[0] == Self.kind, let curve = Curve(rawValue: bytes[1]) else { throw .invalidKey }
        let size = curve.fieldSize
        guard bytes.count == curve.exportSize, ExportCheck.holds(after: 2 &+ 3 &* size, in: bytes) else {
            throw .invalidKey
        }
        self.curve = curve
        for index in 0..<size { scalar[index] = bytes[2 &+ index] }
        for index in 0..<2 &* size { point[1 &+ index] = bytes[2 &+ size &+ index] }
        point[0] = 4
    }

    /// Writes the scalar at the front of `bytes`, a secret: big-endian, ``Curve/fieldSize`` bytes.
    ///
    /// - Throws: `.bufferTooSmall`; `.invalidKey` after a wipe.
    public mutating func privateScalar(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) {
        guard point[0] == 4 else { throw .invalidKey }
        guard bytes.count >= curve.fieldSize else { throw .bufferTooSmall }
        for index in 0..<curve.fieldSize { bytes[index] = scalar[index] }
    }

    /// Sets the secret to 0. The key is good for nothing afterwards.
    public mutating func wipe() {
        var buffer = scalar.mutableSpan
        DeviceCrypto.wipe(&buffer)
        point[0] = 0
    }

    // MARK: Using

    public var algorithm: KeyAlgorithm { curve == .p256 ? .p256 : .p384 }

    /// ``algorithm`` and ``publicExponent``. Mutating, since a key that is only borrowed may be copied to the stack.
    public mutating func parameters() -> (algorithm: KeyAlgorithm, publicExponent: UInt32) {
        (curve == .p256 ? .p256 : .p384, 0)
    }

    public var signatureSize: Int { curve.signatureSize }

    public var publicExponent: UInt32 { 0 }

    public mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard point[0] == 4 else { throw .invalidKey }
        guard bytes.count >= curve.pointSize else { throw .bufferTooSmall }
        for index in 0..<curve.pointSize { bytes[index] = point[index] }
        return curve.pointSize
    }

    @inline(never)
    public mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard point[0] == 4 else { throw .invalidKey }
        guard random.isSeeded else { throw .notSeeded }
        guard signature.count >= curve.signatureSize else { throw .bufferTooSmall }
        var integers = InlineArray<96, UInt8>(repeating: 0)
        var buffer = integers.mutableSpan
        let status = unsafe scalar.span.withUnsafeBufferPointer { scalar in
            unsafe digest.bytes.withUnsafeBufferPointer { bytes in
                unsafe buffer.withUnsafeMutableBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return MBEDTLS_ERR_ECP_BAD_INPUT_DATA }
                    return unsafe cmbedtls_ec_sign(
                        &random.context, curve.fieldSize, scalar.baseAddress, digest.algorithm.rawValue, bytes.count,
                        bytes.baseAddress, base, base + curve.fieldSize)
                }
            }
        }
        guard status == 0 else { throw CryptoError(status: status, expected: .failed) }
        let size = curve.fieldSize
        return ECSignature.write(
            integers.span.extracting(0..<size), integers.span.extracting(size..<2 &* size), into: &signature)
    }

    /// - Throws: `.unsupported`: an EC key agrees on keys, it does not decrypt them.
    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        throw .unsupported
    }
}

extension Curve {
    /// Bytes of ``ECPrivateKey/export(into:)``. The curve's, since a key that is asked for it may be copied to the stack.
    public var exportSize: Int { 2 &+ 3 &* fieldSize &+ ExportCheck.size }
}
