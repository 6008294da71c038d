import DeviceCrypto
import Output

/// A private key that a token has: a reference, and the token does the rest. How a content key is unwrapped is
/// ``DeviceCrypto/PrivateKey``'s, which does not tell whether the padding was right.
struct TokenKey: PrivateKey, ~Copyable {
    var reference: TokenReference?
    private let provider: KeyProvider

    init(_ provider: KeyProvider) {
        self.provider = provider
    }

    var algorithm: KeyAlgorithm { reference?.algorithm ?? .rsa(bits: 0) }

    var signatureSize: Int { algorithm.signatureSize }

    var publicExponent: UInt32 { reference?.publicExponent ?? 0 }

    mutating func publicKey(into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard let reference else { throw .invalidKey }
        return try Self.put(reference.publicKey, into: &bytes)
    }

    mutating func sign(
        _ digest: Digest, into signature: inout MutableSpan<UInt8>, random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard let reference else { throw .invalidKey }
        let bytes: [UInt8]
        do throws(KeyFailure) {
            bytes = try provider.openToken().sign(digest, reference)
        } catch {
            throw provider.failed(error)
        }
        return try Self.put(bytes, into: &signature)
    }

    mutating func decrypt(
        _ padding: RSAPadding, _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>,
        random: inout RandomGenerator
    ) throws(CryptoError) -> Int {
        guard let reference else { throw .invalidKey }
        guard case .rsa = reference.algorithm else { throw .unsupported }
        guard ciphertext.count == reference.publicKey.count else { throw .decryptionFailed }
        var bytes = [UInt8](repeating: 0, count: reference.publicKey.count)
        defer { bytes.wipe() }
        let count: Int?
        do throws(KeyFailure) {
            count = try provider.openToken().decrypt(padding, ciphertext, reference, into: &bytes)
        } catch {
            throw provider.failed(error)
        }
        guard let count, count <= plaintext.count else { throw .decryptionFailed }
        for index in 0..<count { plaintext[index] = bytes[index] }
        return count
    }

    private static func put(_ result: [UInt8], into bytes: inout MutableSpan<UInt8>) throws(CryptoError) -> Int {
        guard result.count <= bytes.count else { throw .bufferTooSmall }
        for index in result.indices { bytes[index] = result[index] }
        return result.count
    }
}
