/// What kind of key pair it is.
public enum KeyAlgorithm: Equatable, Sendable {
    /// RSA with a modulus of so many bits.
    case rsa(bits: Int)
    case p256
    case p384

    /// Bytes of the longest signature: the modulus', or an Ecdsa-Sig-Value's in DER.
    public var signatureSize: Int {
        switch self {
        case .rsa(let bits): bits / 8
        case .p256: Curve.p256.signatureSize
        case .p384: Curve.p384.signatureSize
        }
    }
}

/// How a content key was encrypted with RSA (RFC 8017, 7.1 and 7.2).
public enum RSAPadding: Equatable, Sendable {
    case pkcs1v15
    /// RSAES-OAEP with an empty label and this digest, for the label and for MGF1.
    case oaep(DigestAlgorithm)
}

/// All that the core asks of a private key: a secure element or a PKCS#11 token can stand behind it.
///
/// Whatever reads a secret is `mutating`, so that it is read where it lies: a key that is only borrowed may be copied to
/// the stack on the way, and nobody would wipe the copy.
public protocol PrivateKey: ~Copyable {
    var algorithm: KeyAlgorithm { get }

    /// Bytes of the longest signature that ``sign(_:into:random:)`` makes.
    var signatureSize: Int { get }

    /// RSA: the public exponent. EC: 0.
    var publicExponent: UInt32 { get }

    /// Writes the public key at the front of `bytes`. RSA: the modulus, unsigned and big-endian, without leading zeros.
    /// EC: the uncompressed point 04 || X || Y (SEC 1, 2.3.3).
    ///
    /// - Returns: how many bytes were written.
    /// - Throws: `.bufferTooSmall`, `.outOfMemory`, `.invalidKey` after a wipe.
    mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int

    /// Signs a digest. RSA: RSASSA-PKCS1-v1_5 (RFC 8017, 8.2). EC: ECDSA, an Ecdsa-Sig-Value in DER (RFC 3279, 2.2.3).
    ///
    /// - Returns: how many bytes were written at the front of `signature`.
    /// - Throws: `.bufferTooSmall`, `.notSeeded`, `.outOfMemory`, `.invalidKey` after a wipe, `.failed`.
    mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int

    /// Decrypts with RSA.
    ///
    /// With `.pkcs1v15`, whether this fails or not is what Bleichenbacher's attack asks for: a content key is taken out
    /// with ``unwrapKey(_:into:random:)``, which does not tell.
    ///
    /// - Parameters:
    ///   - ciphertext: as many bytes as the modulus has.
    ///   - plaintext: space for the result.
    /// - Returns: how many bytes were written at the front of `plaintext`.
    /// - Throws: `.decryptionFailed` for whatever is wrong with the ciphertext, a plaintext that does not fit included;
    ///   `.unsupported` for EC keys; `.notSeeded`, `.outOfMemory`, `.invalidKey` after a wipe.
    mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int

    /// Decrypts a content key of known size that was encrypted with PKCS#1 v1.5 (RFC 3218, 2.3.2).
    ///
    /// If the padding is wrong, or the size is another, `key` is filled with bytes that look random and are the same
    /// for the same ciphertext, in the same time; the content then fails to decrypt like any damaged content.
    ///
    /// A key need not bring this: by default it is built on ``decrypt(_:_:into:random:)`` and ``sign(_:into:random:)``.
    ///
    /// - Parameters:
    ///   - encryptedKey: as many bytes as the modulus has.
    ///   - key: all of it is written; 1 to 32 bytes.
    /// - Throws: `.decryptionFailed` if `encryptedKey` has another length than the modulus or is not below it, which
    ///   anybody can see (by default a ciphertext that is not below it counts as one with wrong padding);
    ///   `.invalidLength` for the size of `key`; `.unsupported` for EC keys; `.notSeeded`,
    ///   `.outOfMemory`, `.invalidKey` after a wipe.
    mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError)
}

extension PrivateKey where Self: ~Copyable {
    public mutating func unwrapKey(
        _ encryptedKey: Span<UInt8>, into key: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        guard case .rsa(let bits) = algorithm else { throw .unsupported }
        guard 1...32 ~= key.count else { throw .invalidLength }
        guard encryptedKey.count == (bits &+ 7) / 8 else { throw .decryptionFailed }
        var substitute = Digest(.sha256)
        try fill(&substitute, for: encryptedKey, random: &random)
        var count = 0
        do throws(CryptoError) {
            count = try decrypt(.pkcs1v15, encryptedKey, into: &key, random: &random)
        } catch {
            guard error == .decryptionFailed else {
                substitute.wipe()
                throw error
            }
        }
        // All ones when the size is another, or 0 after a failure; else 0.
        let difference = UInt32(truncatingIfNeeded: count ^ key.count)
        let mask = UInt8(truncatingIfNeeded: 0 &- ((difference | (0 &- difference)) &>> 31))
        for index in key.indices {
            key[index] = (key[index] & ~mask) | (substitute.storage[index] & mask)
        }
        substitute.wipe()
    }

    /// Makes what stands for a content key that could not be decrypted. It depends on the secret, so that nobody else can
    /// tell it from a key, and on the ciphertext, so that asking twice tells nothing either: the digest of a signature,
    /// which is the same every time (RFC 8017, 8.2) and leaves the device in no other place.
    private mutating func fill(
        _ substitute: inout Digest, for encryptedKey: Span<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) {
        var hash = Hash(.sha256)
        // No message that the device signs begins with a zero.
        let separator: InlineArray<1, UInt8> = [0]
        hash.update(separator.span)
        hash.update(encryptedKey)
        let digest = hash.finish()
        var signature = InlineArray<512, UInt8>(repeating: 0)
        var buffer = signature.mutableSpan
        defer { wipe(&buffer) }
        let count = try sign(digest, into: &buffer, random: &random)
        hash.update(buffer.span.extracting(first: count))
        hash.finish(into: &substitute)
    }
}
