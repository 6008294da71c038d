import Bytes
import DER
import DeviceCrypto
import Output
import PKIX
import SCEP

/// A signature over bytes, and what is known of how it was made.
struct Signature {
    let digest: DigestAlgorithm
    let scheme: SignatureAlgorithm.Scheme

    /// Whether the holder of `key` made `value`. Keys of any size count here: that the client takes no small ones is
    /// another matter.
    @inline(never)
    func isValid(_ value: Span<UInt8>, over digest: Digest, by key: borrowing SubjectPublicKeyInfo) -> Bool {
        do throws(CryptoError) {
            switch (key.kind, scheme) {
            case (.rsa, .rsa):
                try RSAPublicKey.verify(
                    modulus: key.key, exponent: key.exponent, digest: digest, signature: value, minimumBits: 512)
            default: try key.verify(value, scheme: scheme, digest: digest)
            }
            return true
        } catch {
            return false
        }
    }
}

/// The three parts of `SIGNED`: a certificate, a request or a CRL (RFC 5280, 4.1.1; RFC 2986, 4.2).
struct SignedParts {
    /// Offsets of what is signed.
    let content: Range<Int>
    /// The name of the signature algorithm.
    let algorithm: Text
    /// Nil for an algorithm that is not known here.
    let signature: Signature?
    /// Offsets of the signature.
    let value: Range<Int>

    @inline(never)
    init(_ der: Span<UInt8>) throws(DERError) {
        var reader = DERReader(der)
        var outer = try reader.enter()
        content = try outer.read(.sequence).range
        var again = outer
        let element = try outer.read(.sequence)
        var fields = element.reader
        algorithm = Text(identifier: try fields.read(.objectIdentifier).contents)
        let bits = try outer.read(.bitString)
        value = min(bits.content.lowerBound + 1, bits.content.upperBound)..<bits.content.upperBound
        if let known = try? SignatureAlgorithm(&again) {
            signature = Signature(digest: known.digest, scheme: known.scheme)
        } else {
            signature = nil
        }
    }

    /// Whether the holder of `key` signed; nil for an algorithm that is not known here.
    @inline(never)
    func isSigned(_ der: Span<UInt8>, by key: borrowing SubjectPublicKeyInfo) -> Bool? {
        guard let signature else { return nil }
        let digest = Hash.digest(signature.digest, of: der.extracting(content))
        return signature.isValid(der.extracting(value), over: digest, by: key)
    }
}

extension Inspection {
    /// Checks a digest by the policy.
    @inline(never)
    mutating func check(_ name: StaticString, permits digest: DigestAlgorithm) {
        var policy = options.policy
        var text = Text(digest.name)
        if policy.permits(digest) {
            text.append(digest == .sha1 ? " is weak, and allowed" : " is strong enough")
            return check(name, .pass, text)
        }
        text.append(" is below the client's floor")
        if digest == .sha1 { text.append("; allow=sha1 lets it pass") }
        check(name, .fail, text)
    }

    /// Checks a cipher by the policy.
    @inline(never)
    mutating func check(_ name: StaticString, permits cipher: CipherAlgorithm) {
        var policy = options.policy
        var text = Text(cipher.name)
        if policy.permits(cipher) {
            text.append(cipher == .desCBC || cipher == .tripleDESCBC ? " is weak, and allowed" : " is strong enough")
            return check(name, .pass, text)
        }
        text.append(" is below the client's floor")
        switch cipher {
        case .desCBC: text.append("; allow=des lets it pass")
        case .tripleDESCBC: text.append("; allow=3des lets it pass")
        default: break
        }
        check(name, .fail, text)
    }

    /// Checks the signature algorithm and the key that a structure is signed with.
    @inline(never)
    mutating func check(_ parts: SignedParts, _ name: StaticString) {
        if let digest = parts.signature?.digest { return check(name, permits: digest) }
        var text = parts.algorithm
        text.append(" is no signature algorithm that the client knows")
        check(name, .fail, text)
    }
}
