import CMbedTLSSSL
import DeviceCrypto

/// The certificate that a client shows to a server which asks for one, and what signs with its key.
///
/// mbedTLS calls C, and Swift has no C function for a generic type: whoever knows the type of the key writes one.
@safe public struct ClientIdentity: ~Copyable {
    /// Signs a digest with the key that `key` points to: see ``signature(with:random:_:_:_:_:_:_:)``.
    public typealias Sign =
        @convention(c) (
            _ key: UnsafeMutableRawPointer?, _ algorithm: UInt8, _ digest: UnsafePointer<UInt8>?, _ count: Int,
            _ signature: UnsafeMutablePointer<UInt8>?, _ capacity: Int, _ size: UnsafeMutablePointer<Int>?
        ) -> Int32

    private(set) var certificates: OpaquePointer?
    let key: UnsafeMutableRawPointer?
    let sign: Sign
    let algorithm: KeyAlgorithm
    let signatureSize: Int

    /// - Parameters:
    ///   - certificate: in DER; taken into mbedTLS's memory.
    ///   - algorithm: of the key.
    ///   - signatureSize: as ``DeviceCrypto/PrivateKey/signatureSize``, at most 512.
    ///   - key: what `sign` is given. It has to last, and stay where it is, as long as this is used.
    /// - Throws: `.invalidKey` if the certificate cannot be read; `.outOfMemory`.
    @unsafe public init(
        certificate: Span<UInt8>, algorithm: KeyAlgorithm, signatureSize: Int, key: UnsafeMutableRawPointer,
        sign: @escaping Sign
    ) throws(CryptoError) {
        self.algorithm = algorithm
        self.signatureSize = signatureSize
        unsafe self.key = unsafe key
        unsafe self.sign = unsafe sign
        unsafe certificates = nil
        try add(certificate: certificate)
    }

    /// Shows another certificate too, in DER: of the CA that issued the one before.
    public mutating func add(certificate: Span<UInt8>) throws(CryptoError) {
        let count = unsafe certificate.withUnsafeBufferPointer { bytes in
            unsafe cmbedtls_certificates_add(&certificates, bytes.baseAddress, bytes.count)
        }
        guard count > 0 else {
            free()
            throw isOutOfMemory(count) ? .outOfMemory : .invalidKey
        }
    }

    /// Gives the certificates' memory back.
    public mutating func free() {
        unsafe cmbedtls_certificates_free(certificates)
        unsafe certificates = nil
    }

    /// What a ``Sign`` function does, for a key of a known type.
    ///
    /// - Returns: what the function has to return.
    @unsafe public static func signature<Key: PrivateKey & ~Copyable>(
        with key: inout Key, random: inout RandomGenerator, _ algorithm: UInt8, _ digest: UnsafePointer<UInt8>?,
        _ count: Int, _ signature: UnsafeMutablePointer<UInt8>?, _ capacity: Int, _ size: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        guard let algorithm = DigestAlgorithm(rawValue: algorithm), let bytes = unsafe digest,
            let signature = unsafe signature, let size = unsafe size,
            let digest = unsafe Digest(
                algorithm, bytes: Span(_unsafeStart: bytes, count: count))
        else { return -1 }
        var target = unsafe MutableSpan(_unsafeStart: signature, count: capacity)
        do throws(CryptoError) {
            unsafe size.pointee = try key.sign(digest, into: &target, random: &random)
            return 0
        } catch {
            return -1
        }
    }
}
