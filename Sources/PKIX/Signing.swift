import DER
import DeviceCrypto

extension DERWriter {
    /// Writes what `content` writes, and its signature (`SIGNED`: RFC 5280, 4.1.1; RFC 2986, 4.2).
    ///
    /// - Parameter content: the fields of the SEQUENCE that is signed.
    @inline(__always)
    mutating func writeSigned<Key: PrivateKey & ~Copyable>(
        _ digest: DigestAlgorithm, _ key: inout Key, _ random: inout RandomGenerator,
        _ content: (inout DERWriter, inout Key) throws(DERError) -> Void
    ) throws(DERError) {
        let end = front
        try write(.sequence) { (writer) throws(DERError) in try content(&writer, &key) }
        try sign(from: end, digest, &key, &random)
        try wrap(.sequence, from: end)
    }

    /// Signs what was written since `front` was `end`, and puts AlgorithmIdentifier and signature behind it: the
    /// second half of `SIGNED` (RFC 5280, 4.1.1; RFC 2986, 4.2).
    @inline(never)
    private mutating func sign<Key: PrivateKey & ~Copyable>(
        from end: Int, _ digest: DigestAlgorithm, _ key: inout Key, _ random: inout RandomGenerator
    ) throws(DERError) {
        let value = Hash.digest(digest, of: written(front..<end))
        let size = end &- front
        let start = front
        try writeBitString { (writer) throws(DERError) in try writer.write(signatureOver: value, &key, &random) }
        let scheme = key.signatureScheme
        let algorithm = SignatureAlgorithm(scheme: scheme, digest: digest)
        try write(algorithm: algorithm.identifier, null: scheme == .rsa)
        moveBehind(start, count: size)
    }

    /// Writes the bytes of a signature.
    public mutating func write<Key: PrivateKey & ~Copyable>(
        signatureOver digest: Digest, _ key: inout Key, _ random: inout RandomGenerator
    ) throws(DERError) {
        let capacity = key.signatureSize
        var used = 0
        do {
            var signature = try reserve(capacity)
            do throws(CryptoError) {
                used = try key.sign(digest, into: &signature, random: &random)
            } catch {
                throw DERError(.crypto(error), at: front)
            }
        }
        closeGap(capacity: capacity, used: used)
    }
}

extension PrivateKey where Self: ~Copyable {
    public var signatureScheme: SignatureAlgorithm.Scheme {
        switch algorithm {
        case .rsa: .rsa
        case .p256, .p384: .ecdsa
        }
    }
}
