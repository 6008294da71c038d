import Bytes
import DER
import DeviceCrypto
import PKIX

/// One signature of a SignedData with its authenticated attributes (RFC 5652, 5.3).
///
/// ```
/// SignerInfo ::= SEQUENCE {
///     version              INTEGER { v1(1), v3(3) },
///     sid                  CHOICE { issuerAndSerialNumber IssuerAndSerialNumber,
///                                   subjectKeyIdentifier [0] IMPLICIT OCTET STRING },
///     digestAlgorithm      AlgorithmIdentifier,
///     signedAttrs      [0] IMPLICIT SET OF Attribute OPTIONAL,
///     signatureAlgorithm   AlgorithmIdentifier,
///     signature            OCTET STRING,
///     unsignedAttrs    [1] IMPLICIT SET OF Attribute OPTIONAL }
/// ```
///
/// signedAttrs have to be there, since SCEP has its own among them (RFC 8894, 3.2.1). Passed over: version and
/// unsignedAttrs.
public struct SignerInfo: ~Escapable {
    /// Offset in the buffer.
    public let start: Int
    private let bytes: Span<UInt8>
    /// Name of the signer's issuer with its header, and content of the serial number; both empty when the signer is
    /// named by its subject key identifier.
    private let issuer: Span<UInt8>
    private let serialNumber: Span<UInt8>
    public let digest: DigestAlgorithm
    public let scheme: SignatureAlgorithm.Scheme
    /// Whether the signature is named id-ecPublicKey, as its key is.
    public let isNamedByKey: Bool
    /// The attributes with their `[0]` header.
    private let attributesEncoding: Span<UInt8>
    private let attributes: Range<Int>
    let signature: Span<UInt8>

    @_lifetime(copy list)
    init(_ list: inout DERReader) throws(DERError) {
        start = list.position
        bytes = list.bytes
        var content = try list.enter()
        _ = try content.read(.integer).smallInteger(atMost: 3)
        if let identifier = try content.readIfPresent(.sequence) {
            var names = identifier.reader
            issuer = try names.read(.sequence).encoding
            serialNumber = try names.read(.integer).contents
            try names.finish()
        } else {
            issuer = try content.read(.context(0)).contents.extracting(first: 0)
            serialNumber = issuer
        }
        digest = try DigestAlgorithm(&content)
        let signed = try content.read(.contextConstructed(0))
        attributesEncoding = signed.encoding
        attributes = signed.content
        (scheme, isNamedByKey) = try Self.readScheme(&content, digest)
        signature = try content.read(.octetString).contents
        _ = try content.readIfPresent(.contextConstructed(1))
        try content.finish()
    }

    /// Reads the SignatureAlgorithmIdentifier: a key's algorithm alone, or one together with the same digest
    /// (RFC 3370, 3.2; RFC 5753, 2.1.1).
    ///
    /// That of an elliptic curve key alone is no standard's, and cryptlib writes it. It is taken: as with rsaEncryption,
    /// which is a standard's, digestAlgorithm says the digest, by which the signature is verified and the floor checked,
    /// so that nothing passes that would not under the right name.
    ///
    /// - Returns: also whether it was that.
    private static func readScheme(_ reader: inout DERReader, _ digest: DigestAlgorithm) throws(DERError)
        -> (SignatureAlgorithm.Scheme, isNamedByKey: Bool)
    {
        let start = reader.position
        let element = try reader.read(.sequence)
        var content = element.reader
        let identifier = try content.read(.objectIdentifier)
        let isEC = identifier.isIdentifier(.ecPublicKey)
        if isEC || identifier.isIdentifier(.rsaEncryption) {
            // NULL, or the curve, which the key says itself.
            if try content.readIfPresent(.null) == nil, isEC { _ = try content.readIfPresent(.objectIdentifier) }
            try content.finish()
            return (isEC ? .ecdsa : .rsa, isEC)
        }
        var again = DERReader(element.bytes, in: element.range)
        let algorithm = try SignatureAlgorithm(&again)
        guard algorithm.digest == digest else { throw DERError(.unsupportedAlgorithm, at: start) }
        return (algorithm.scheme, false)
    }

    /// Whether this signature names `certificate` as its signer's; true for all when it names a subject key
    /// identifier, which only tells keys apart that are tried anyway.
    public func names(_ certificate: borrowing Certificate) -> Bool {
        issuer.count == 0
            || areNamesEqual(issuer, certificate.issuer) && areEqual(serialNumber, certificate.serialNumber)
    }

    /// The value of an attribute that has to be there once, with one value.
    ///
    /// - Throws: ``DER/DERError``: `attributeMissing`, `duplicate`, `unexpectedTag`.
    @_lifetime(copy self)
    @inline(never)
    public func attribute(_ type: ObjectIdentifier, _ tag: Tag) throws(DERError) -> DERElement {
        guard let value = try attributeIfPresent(type) else {
            throw DERError(.attributeMissing, at: attributes.lowerBound)
        }
        guard value.tag == tag else { throw DERError(.unexpectedTag, at: value.start) }
        return value
    }

    /// The value of an attribute, which has one value; nil when there is none.
    ///
    /// - Throws: ``DER/DERError``: `duplicate` when it stands there twice (RFC 5652, 5.3).
    @_lifetime(copy self)
    public func attributeIfPresent(_ type: ObjectIdentifier) throws(DERError) -> DERElement? {
        var list = DERReader(bytes, in: attributes)
        var found = 0..<0
        while !list.isAtEnd {
            let start = list.position
            var attribute = try list.enter()
            guard try attribute.read(.objectIdentifier).isIdentifier(type) else { continue }
            var values = try attribute.enter(.set)
            try attribute.finish()
            guard found.isEmpty else { throw DERError(.duplicate, at: start) }
            found = try values.read().range
            try values.finish()
        }
        guard !found.isEmpty else { return nil }
        var value = DERReader(bytes, in: found)
        return try value.read()
    }

    /// The digest of the attributes as a SET OF (RFC 5652, 5.4).
    var attributesDigest: Digest {
        var hash = Hash(digest)
        let tag: InlineArray<1, UInt8> = [Tag.set.rawValue]
        hash.update(tag.span)
        hash.update(attributesEncoding.extracting(1..<attributesEncoding.count))
        return hash.finish()
    }
}
