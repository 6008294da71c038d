import Bytes
import DER

/// An Extension of a certificate, a CRL or an entry of one (RFC 5280, 4.1).
///
/// ```
/// Extension ::= SEQUENCE {
///     extnID     OBJECT IDENTIFIER,
///     critical   BOOLEAN DEFAULT FALSE,
///     extnValue  OCTET STRING }
/// ```
struct Extension: ~Escapable {
    let start: Int
    let identifier: DERElement
    let isCritical: Bool
    /// The OCTET STRING.
    let value: DERElement

    @_lifetime(copy list)
    @inline(never)
    init(_ list: inout DERReader) throws(DERError) {
        start = list.position
        var item = try list.enter()
        identifier = try item.read(.objectIdentifier)
        isCritical = try item.readIfPresent(.boolean)?.boolean() ?? false
        value = try item.read(.octetString)
        try item.finish()
    }

    /// The last number of an identifier 2.5.29.<number> below 128, under which X.509 has its extensions; 0 of others.
    var number: UInt8 {
        let contents = identifier.contents
        return contents.count == 3 && contents[0] == 0x55 && contents[1] == 0x1D ? contents[2] : 0
    }
}

extension DERWriter {
    /// Writes an ``Extension`` with the value that `content` writes.
    @inline(__always)
    mutating func write(
        extension identifier: ObjectIdentifier, critical: Bool, _ content: (inout DERWriter) throws(DERError) -> Void
    ) throws(DERError) {
        let end = front
        try content(&self)
        try wrapExtension(identifier, critical: critical, from: end)
    }

    @inline(never)
    private mutating func wrapExtension(
        _ identifier: ObjectIdentifier, critical: Bool, from end: Int
    ) throws(DERError) {
        try wrap(.octetString, from: end)
        if critical { try write(boolean: true) }
        try write(identifier)
        try wrap(.sequence, from: end)
    }

    mutating func write(keyUsage: KeyUsage) throws(DERError) {
        try write(extension: .keyUsage, critical: true) { (writer) throws(DERError) in
            try writer.write(namedBits: keyUsage.rawValue)
        }
    }

    /// Writes the extension that names a Microsoft template: by its identifier, or by its name.
    ///
    /// ```
    /// CertificateTemplateName ::= BMPString
    ///
    /// CertificateTemplateOID ::= SEQUENCE {
    ///     templateID            OBJECT IDENTIFIER,
    ///     templateMajorVersion  INTEGER OPTIONAL,
    ///     templateMinorVersion  INTEGER OPTIONAL }
    /// ```
    ///
    /// Not written: the versions.
    ///
    /// - Parameter text: a dotted identifier (MS-WCCE, 2.2.2.7.7.2), else a name (2.2.2.7.7.1).
    /// - Throws: a ``TextFault``, as for a name beyond ASCII; `bufferFull`.
    mutating func write(certificateTemplate text: Span<UInt8>) throws(DERError) {
        let isIdentifier = text.count > 0 && text[0].isDigit
        try write(extension: isIdentifier ? .certificateTemplate : .enrollCerttype, critical: false) {
            (writer) throws(DERError) in
            if isIdentifier {
                return try writer.write(.sequence) { (writer) throws(DERError) in
                    try writer.write(identifier: text, at: 0)
                }
            }
            guard holds(.ia5String, text) else { throw .text(.badCharacter, at: 0) }
            try writer.write(.bmpString) { (writer) throws(DERError) in
                var index = text.count
                while index > 0 {
                    index &-= 1
                    try writer.write(byte: text[index])
                    try writer.write(byte: 0)
                }
            }
        }
    }
}
