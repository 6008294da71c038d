import DER
import DeviceCrypto
import PKIX

/// A key in memory, RSA or EC as ``generatePart(_:random:)`` is told or ``load(_:)`` finds it.
public struct SoftwareKey: DeviceKey, ~Copyable {
    private let inPlace = InPlace()
    private var isEC = false
    /// Noted, since asking the keys would copy them to the stack.
    public private(set) var algorithm = KeyAlgorithm.rsa(bits: 0)
    public private(set) var publicExponent: UInt32 = 0
    private var rsa = RSAPrivateKey()
    private var ec = ECPrivateKey()

    public init() {}

    public init(context: Void) {}

    public mutating func generatePart(
        _ algorithm: KeyAlgorithm, random: inout RandomGenerator
    ) throws(CryptoError) -> Bool {
        defer { note() }
        switch algorithm {
        case .rsa(let bits):
            ec.wipe()
            isEC = false
            return try rsa.generatePart(bits: bits, random: &random)
        case .p256, .p384:
            wipe()
            try ec.generate(curve: algorithm == .p256 ? .p256 : .p384, random: &random)
            isEC = true
            return true
        }
    }

    private mutating func note() {
        (algorithm, publicExponent) = isEC ? ec.parameters() : rsa.parameters()
    }

    /// 271 to 527 for RSA, 106 for P-256, 154 for P-384.
    public var serializedSize: Int {
        switch algorithm {
        case .rsa(let bits): RSAPrivateKey.exportSize(bits: bits)
        case .p256: Curve.p256.exportSize
        case .p384: Curve.p384.exportSize
        }
    }

    /// Writes ``DeviceCrypto/RSAPrivateKey/export(into:)`` or ``DeviceCrypto/ECPrivateKey/export(into:)``: a secret.
    public mutating func serialize(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        isEC ? try ec.export(into: &bytes) : try rsa.export(into: &bytes)
    }

    public mutating func load(_ bytes: Span<UInt8>) throws(CryptoError) {
        wipe()
        isEC = Curve.isSupported && bytes.count > 0 && bytes[0] == ECPrivateKey.kind
        if isEC {
            try ec.load(bytes)
        } else {
            try rsa.load(bytes)
        }
        note()
    }

    /// Reads a key that was made elsewhere into this place.
    ///
    /// - Parameter random: blinds what is computed of it.
    /// - Throws: as those of PKIX for ``DeviceCrypto/RSAPrivateKey`` and ``DeviceCrypto/ECPrivateKey`` do.
    public mutating func load(_ info: borrowing PrivateKeyInfo, random: inout RandomGenerator) throws(DERError) {
        wipe()
        isEC = info.kind != .rsa
        if isEC {
            try ec.load(info, random: &random)
        } else {
            try rsa.load(info)
        }
        note()
    }

    /// Writes a PrivateKeyInfo (RFC 5958, 2): a secret.
    public mutating func write(to writer: inout DERWriter) throws(DERError) {
        isEC ? try writer.write(privateKeyInfo: &ec) : try writer.write(privateKeyInfo: &rsa)
    }

    public mutating func wipe() {
        rsa.wipe()
        ec.wipe()
        isEC = false
        note()
    }

    public var signatureSize: Int { algorithm.signatureSize }

    public mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        isEC ? try ec.publicKey(into: &bytes) : try rsa.publicKey(into: &bytes)
    }

    public mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        isEC
            ? try ec.sign(digest, into: &signature, random: &random)
            : try rsa.sign(digest, into: &signature, random: &random)
    }

    public mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard !isEC else { throw .unsupported }
        return try rsa.decrypt(padding, ciphertext, into: &plaintext, random: &random)
    }

    public mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        guard !isEC else { throw .unsupported }
        try rsa.unwrapKey(encryptedKey, into: &key, random: &random)
    }
}
