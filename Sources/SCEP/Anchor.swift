import Bytes
import DeviceCrypto
import PKIX

/// What is remembered of the CA's certificate that has a given fingerprint, so that it can be told again when a successor
/// has taken its place: 16 bytes of each digest that a fingerprint can be.
public struct Anchor: Equatable, Sendable {
    /// The first bytes of its SHA-256; 0 if that is not known.
    public var sha256 = InlineArray<16, UInt8>(repeating: 0)
    /// The first bytes of its SHA-512; 0 if that is not known.
    public var sha512 = InlineArray<16, UInt8>(repeating: 0)

    /// Of no certificate.
    public init() {}

    /// The first CA's certificate that has one of `fingerprints`; none if none has.
    public init(_ certificates: borrowing CACertificates, _ fingerprints: borrowing Fingerprints) {
        var list = certificates.all
        while let certificate = list.next() {
            guard certificate.isCA, fingerprints.contains(certificate.encoding) else { continue }
            remember(Hash.digest(.sha256, of: certificate.encoding))
            remember(Hash.digest(.sha512, of: certificate.encoding))
            return
        }
    }

    /// The certificate that has the first of `fingerprints`, by that digest alone.
    public init(firstOf fingerprints: borrowing Fingerprints) {
        var position = 0
        if let digest = fingerprints.next(&position) { remember(digest) }
    }

    private mutating func remember(_ digest: Digest) {
        var start = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<16 { start[index] = digest.bytes[index] }
        if digest.algorithm == .sha512 { sha512 = start } else { sha256 = start }
    }

    public static func == (left: Anchor, right: Anchor) -> Bool {
        areEqual(left.sha256.span, right.sha256.span) && areEqual(left.sha512.span, right.sha512.span)
    }
}

extension Fingerprints {
    /// Whether one of them is that of the certificate which is remembered.
    public func contains(_ anchor: Anchor) -> Bool {
        var position = 0
        while let digest = next(&position) {
            let known = digest.algorithm == .sha512 ? anchor.sha512 : anchor.sha256
            if areEqual(digest.bytes.extracting(first: 16), known.span) { return true }
        }
        return false
    }
}
