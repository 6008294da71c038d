import Bytes
import DER
import DeviceCrypto
import PKIX

/// A SignedData (RFC 5652, 5) with one signer or none, as it stands in a buffer, in DER.
///
/// ```
/// SignedData ::= SEQUENCE {
///     version           INTEGER { v1(1), v3(3), v4(4), v5(5) },
///     digestAlgorithms  SET OF AlgorithmIdentifier,
///     encapContentInfo  SEQUENCE {
///         eContentType  OBJECT IDENTIFIER,
///         eContent  [0] EXPLICIT OCTET STRING OPTIONAL },
///     certificates  [0] IMPLICIT SET OF CertificateChoices OPTIONAL,
///     crls          [1] IMPLICIT SET OF RevocationInfoChoice OPTIONAL,
///     signerInfos       SET OF SignerInfo }
/// ```
///
/// Passed over: version and digestAlgorithms, which the SignerInfo says again.
public struct SignedData: ~Escapable {
    private let bytes: Span<UInt8>
    /// Offsets of the content type's identifier.
    private let typeRange: Range<Int>
    /// Offsets of the content's octets; nil when the content is absent.
    public let content: Range<Int>?
    /// Offsets of the certificates, one after the other; empty when there are none.
    public let certificates: Range<Int>
    /// Offsets of the CRLs, one after the other; empty when there are none.
    public let crls: Range<Int>
    /// Nil in a certificates-only SignedData (RFC 8894, 3.4).
    public let signer: SignerInfo?
    /// Whether the content is not called data.
    public let isOfOtherType: Bool

    /// Reads a ContentInfo of SignedData that stands at `range`.
    ///
    /// - Parameter other: a type that the content may be called by in place of data, which RFC 8894 asks for.
    /// - Throws: ``DER/DERError``; `notOneSigner` when there are several.
    @_lifetime(copy bytes)
    public init(
        _ bytes: Span<UInt8>, in range: Range<Int>, orContentOf other: ObjectIdentifier = .data
    ) throws(DERError) {
        var reader = DERReader(bytes, in: range)
        var signedData = try readContentInfo(.signedData, &reader)
        _ = try signedData.read(.integer).smallInteger(atMost: 5)
        _ = try signedData.read(.set)
        var contentInfo = try signedData.enter()
        let type = try contentInfo.read(.objectIdentifier)
        isOfOtherType = !type.isIdentifier(.data)
        guard !isOfOtherType || type.isIdentifier(other) else {
            throw DERError(.unexpectedContentType, at: type.start)
        }
        typeRange = type.content
        if let wrapped = try contentInfo.readIfPresent(.contextConstructed(0)) {
            var inner = wrapped.reader
            content = try inner.read(.octetString).content
            try inner.finish()
        } else {
            content = nil
        }
        try contentInfo.finish()
        certificates = try signedData.readIfPresent(.contextConstructed(0))?.content ?? 0..<0
        crls = try signedData.readIfPresent(.contextConstructed(1))?.content ?? 0..<0
        let signers = try signedData.read(.set)
        try signedData.finish()
        var list = signers.reader
        signer = list.isAtEnd ? nil : try SignerInfo(&list)
        guard list.isAtEnd else { throw DERError(.notOneSigner, at: signers.start) }
        self.bytes = bytes
    }

    /// Verifies the signer's signature: contentType, messageDigest, and the signature over all attributes
    /// (RFC 5652, 5.4 and 5.6).
    ///
    /// - Throws: ``DER/DERError``: `notOneSigner` when there is none; `attributeMissing`, `digestMismatch`;
    ///   `crypto(.invalidSignature)` and the like.
    public func verify(with key: borrowing SubjectPublicKeyInfo) throws(DERError) {
        guard let signer else { throw DERError(.notOneSigner, at: 0) }
        let type = try signer.attribute(.contentType, .objectIdentifier)
        // It is the type of what is signed (RFC 5652, 11.1), whichever that is.
        guard areEqual(type.contents, bytes.extracting(typeRange)) else {
            throw DERError(.unexpectedContentType, at: type.start)
        }
        let attribute = try signer.attribute(.messageDigest, .octetString)
        let digest = Hash.digest(signer.digest, of: bytes.extracting(content ?? 0..<0))
        guard constantTimeEqual(digest.bytes, attribute.contents) else {
            throw DERError(.digestMismatch, at: attribute.start)
        }
        do throws(CryptoError) {
            try key.verify(signer.signature, scheme: signer.scheme, digest: signer.attributesDigest)
        } catch {
            throw DERError(.crypto(error), at: signer.start)
        }
    }
}
