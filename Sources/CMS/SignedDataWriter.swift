import DER
import DeviceCrypto
import PKIX

extension DERWriter {
    /// Writes an attribute of one value (RFC 5652, 5.3).
    ///
    /// ```
    /// Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF ANY }
    /// ```
    @inline(never)
    public mutating func write(attribute type: ObjectIdentifier, _ tag: Tag, _ value: Span<UInt8>) throws(DERError) {
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.set) { (writer) throws(DERError) in try writer.write(tag, value) }
            try writer.write(type)
        }
    }

    /// Closes SignerInfos with one SignerInfo whose further attributes were written since `front` was `end`: adds
    /// contentType and messageDigest, and signs them all.
    ///
    /// - Parameters:
    ///   - content: the digest of the content.
    ///   - certificate: where the signer's certificate stands in the buffer.
    private mutating func wrapSignerInfos<Key: PrivateKey & ~Copyable>(
        from end: Int, content: Digest, certificate: Range<Int>, key: inout Key, random: inout RandomGenerator
    ) throws(DERError) {
        let digest = content.algorithm
        try write(attribute: .messageDigest, .octetString, content.bytes)
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.set) { (writer) throws(DERError) in try writer.write(.data) }
            try writer.write(.contentType)
        }
        // What is signed has the tag of a SET OF, what is sent has [0] (RFC 5652, 5.4).
        try wrapSetOf(from: end)
        let attributes = front
        let signed = Hash.digest(digest, of: written(attributes..<end))
        do {
            var header = mutable(attributes..<end)
            header[0] = Tag.contextConstructed(0).rawValue
        }
        try write(.octetString) { (writer) throws(DERError) in try writer.write(signatureOver: signed, &key, &random) }
        if key.signatureScheme == .ecdsa {
            try write(algorithm: SignatureAlgorithm(scheme: .ecdsa, digest: digest).identifier, null: false)
        } else {
            try write(algorithm: .rsaEncryption, null: true)
        }
        moveBehind(attributes, count: end &- attributes)
        try write(digestAlgorithm: digest)
        try write(issuerAndSerialNumberOf: certificate)
        try write(integer: 1)
        try wrap(.sequence, from: end)
        try wrap(.set, from: end)
    }

    /// Writes the IssuerAndSerialNumber (RFC 5652, 10.2.4) of a certificate that stands in the buffer: what names a
    /// signer, and the messageData of GetCert and GetCRL (RFC 8894, 3.3.4).
    ///
    /// ```
    /// IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber INTEGER }
    /// ```
    public mutating func write(issuerAndSerialNumberOf certificate: Range<Int>) throws(DERError) {
        let issuer: Range<Int>
        let serialNumber: Range<Int>
        do {
            var whole = DERReader(written(certificate))
            let parsed = try Certificate(&whole)
            issuer = parsed.issuerRange
            serialNumber = parsed.serialNumberRange
        }
        try write(.sequence) { (writer) throws(DERError) in
            try writer.write(.integer) { (writer) throws(DERError) in
                try writer.write(copyOf: certificate.lowerBound &+ serialNumber.lowerBound, count: serialNumber.count)
            }
            try writer.write(copyOf: certificate.lowerBound &+ issuer.lowerBound, count: issuer.count)
        }
    }
}

extension DERWriter {
    /// Makes a ContentInfo of SignedData (RFC 5652, 5) of three parts that were written one in front of the other:
    /// the content, the signer's certificate, and the attributes to sign besides contentType and messageDigest.
    ///
    /// - Parameters:
    ///   - end: offset after the content.
    ///   - certificate: where the certificate stands; the content follows it, the attributes precede it.
    /// - Throws: ``DER/DERError``: `bufferFull`; `crypto`; what is wrong with the certificate.
    public mutating func wrapSignedData<Key: PrivateKey & ~Copyable>(
        from end: Int, certificate: Range<Int>, digest: DigestAlgorithm, key: inout Key,
        random: inout RandomGenerator
    ) throws(DERError) {
        let content = certificate.upperBound..<end
        let contentDigest = Hash.digest(digest, of: written(content))
        try wrapSignerInfos(
            from: certificate.lowerBound, content: contentDigest, certificate: certificate, key: &key,
            random: &random)
        moveBehind(certificate.lowerBound, count: certificate.count)
        try wrap(.contextConstructed(0), from: front &+ certificate.count)
        moveBehind(content.lowerBound, count: content.count)

        let contentEnd = front &+ content.count
        try wrap(.octetString, from: contentEnd)
        try wrap(.contextConstructed(0), from: contentEnd)
        try write(.data)
        try wrap(.sequence, from: contentEnd)
        try write(.set) { (writer) throws(DERError) in try writer.write(digestAlgorithm: digest) }
        try write(integer: 1)
        try wrap(.sequence, from: end)
        try wrapContentInfo(.signedData, from: end)
    }
}
