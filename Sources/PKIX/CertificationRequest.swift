import DER
import DeviceCrypto

/// What a device asks to be certified (PKCS #10, RFC 2986). Texts are empty where nothing is asked.
///
/// ```
/// CertificationRequest ::= SEQUENCE {
///     certificationRequestInfo  CertificationRequestInfo,
///     signatureAlgorithm        AlgorithmIdentifier,
///     signature                 BIT STRING }
///
/// CertificationRequestInfo ::= SEQUENCE {
///     version        INTEGER { v1(0) },
///     subject        Name,
///     subjectPKInfo  SubjectPublicKeyInfo,
///     attributes [0] IMPLICIT SET OF Attribute }
///
/// Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF ANY }
/// challengePassword ATTRIBUTE ::= PrintableString | UTF8String
/// extensionRequest  ATTRIBUTE ::= Extensions
/// ```
public struct CertificationRequest: ~Escapable {
    /// The subject as RFC 4514 has it: see ``DER/DERWriter/write(name:)``.
    public var subject: Span<UInt8>
    /// Offsets in the writer's buffer of a Name in DER that is the subject instead; empty if there is none.
    public var subjectRange = 0..<0
    /// The shared secret that authorises the enrolment (RFC 2985, 5.4.1; RFC 8894, 2.4), UTF-8, at most 255 bytes.
    public var challengePassword: Span<UInt8>
    /// Such as `DNS:sensor7.example,IP:192.0.2.7,URI:urn:uuid:…`: see ``DER/DERWriter/write(altNames:)``.
    public var subjectAltName: Span<UInt8>
    /// Such as `digitalSignature,keyEncipherment`.
    public var keyUsage: Span<UInt8>
    /// Such as `clientAuth,1.3.6.1.5.5.7.3.17`.
    public var extendedKeyUsage: Span<UInt8>
    /// Microsoft's certificate template: a name, or a dotted identifier.
    public var certificateTemplate: Span<UInt8>

    @_lifetime(copy subject)
    public init(subject: Span<UInt8>) {
        self.subject = subject
        challengePassword = Span()
        subjectAltName = Span()
        keyUsage = Span()
        extendedKeyUsage = Span()
        certificateTemplate = Span()
    }

    /// Whether any extension is asked for.
    private var hasExtensions: Bool {
        subjectAltName.count > 0 || keyUsage.count > 0 || extendedKeyUsage.count > 0 || certificateTemplate.count > 0
    }

    /// Writes the request, signed by the key that it is for.
    ///
    /// - Throws: ``DER/DERError``: a ``TextFault`` or `invalidChallengePassword` with the offset in the text concerned;
    ///   `bufferFull`; `crypto`.
    public func write<Key: PrivateKey & ~Copyable>(
        to writer: inout DERWriter, key: inout Key, digest: DigestAlgorithm, random: inout RandomGenerator
    ) throws(DERError) {
        try writer.writeSigned(digest, &key, &random) { (writer, key) throws(DERError) in
            try writeAttributes(to: &writer)
            try writer.write(publicKeyOf: &key)
            try writer.write(name: subject, orCopyOf: subjectRange)
            try writer.write(integer: 0)
        }
    }

    /// Sees whether all texts can be written, for who wants to know before there is a key.
    ///
    /// - Parameter buffer: is written over; as large as the request may become.
    /// - Throws: ``DER/DERError`` as for ``write(to:key:digest:random:)``.
    public func check(in buffer: inout MutableSpan<UInt8>) throws(DERError) {
        var writer = DERWriter(&buffer, end: buffer.count)
        try writeContent(to: &writer)
    }

    /// Writes subject and attributes: all that is asked for but the key.
    @inline(never)
    public func writeContent(to writer: inout DERWriter) throws(DERError) {
        try writeAttributes(to: &writer)
        try writer.write(name: subject, orCopyOf: subjectRange)
    }

    private func writeAttributes(to writer: inout DERWriter) throws(DERError) {
        try writer.writeSetOf(.contextConstructed(0)) { (writer) throws(DERError) in
            if hasExtensions {
                try writer.write(.sequence) { (writer) throws(DERError) in
                    try writer.write(.set) { (writer) throws(DERError) in try writeExtensions(to: &writer) }
                    try writer.write(.extensionRequest)
                }
            }
            if challengePassword.count > 0 {
                guard challengePassword.count <= 255 else { throw DERError(.invalidChallengePassword, at: 255) }
                guard isUTF8(challengePassword) else { throw DERError(.invalidChallengePassword, at: 0) }
                try writer.write(.sequence) { (writer) throws(DERError) in
                    try writer.write(.set) { (writer) throws(DERError) in
                        let tag: Tag = isPrintableString(challengePassword) ? .printableString : .utf8String
                        try writer.write(tag, challengePassword)
                    }
                    try writer.write(.challengePassword)
                }
            }
        }
    }

    private func writeExtensions(to writer: inout DERWriter) throws(DERError) {
        try writer.write(.sequence) { (writer) throws(DERError) in
            if certificateTemplate.count > 0 { try writer.write(certificateTemplate: certificateTemplate) }
            if subjectAltName.count > 0 {
                // RFC 5280, 4.2.1.6: critical where the subject is empty.
                try writer.write(
                    extension: .subjectAltName, critical: subject.count == 0 && subjectRange.isEmpty
                ) { (writer) throws(DERError) in try writer.write(altNames: subjectAltName) }
            }
            if extendedKeyUsage.count > 0 {
                try writer.write(extension: .extKeyUsage, critical: false) { (writer) throws(DERError) in
                    try writer.write(extendedKeyUsage: extendedKeyUsage)
                }
            }
            if keyUsage.count > 0 { try writer.write(keyUsage: KeyUsage(keyUsage)) }
        }
    }
}
