import DER

extension DERWriter {
    /// Closes an Extension (RFC 5280, 4.1) whose value was written since `front` was `end`.
    ///
    /// ```
    /// Extension ::= SEQUENCE {
    ///     extnID     OBJECT IDENTIFIER,
    ///     critical   BOOLEAN DEFAULT FALSE,
    ///     extnValue  OCTET STRING }
    /// ```
    @inline(never)
    mutating func wrapExtension(_ identifier: ObjectIdentifier, critical: Bool, from end: Int) throws(DERError) {
        try wrap(.octetString, from: end)
        if critical { try write(boolean: true) }
        try write(identifier)
        try wrap(.sequence, from: end)
    }

    mutating func write(keyUsage: KeyUsage) throws(DERError) {
        let end = front
        try write(namedBits: keyUsage.rawValue)
        try wrapExtension(.keyUsage, critical: true, from: end)
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
        let end = front
        let isIdentifier = text.count > 0 && isDigit(text[0])
        if isIdentifier {
            try write(identifier: text, at: 0)
            try wrap(.sequence, from: end)
        } else {
            guard holds(.ia5String, text) else { throw .text(.badCharacter, at: 0) }
            var index = text.count
            while index > 0 {
                index &-= 1
                try write(byte: text[index])
                try write(byte: 0)
            }
            try wrap(.bmpString, from: end)
        }
        try wrapExtension(isIdentifier ? .certificateTemplate : .enrollCerttype, critical: false, from: end)
    }
}
