import DER
import DeviceCrypto

/// An X.509 certificate (RFC 5280, 4.1), as it stands in a buffer.
///
/// ```
/// TBSCertificate ::= SEQUENCE {
///     version          [0] EXPLICIT INTEGER { v1(0), v2(1), v3(2) } DEFAULT v1,
///     serialNumber         INTEGER,
///     signature            AlgorithmIdentifier,
///     issuer               Name,
///     validity             SEQUENCE { notBefore Time, notAfter Time },
///     subject              Name,
///     subjectPublicKeyInfo SubjectPublicKeyInfo,
///     issuerUniqueID   [1] IMPLICIT BIT STRING OPTIONAL,
///     subjectUniqueID  [2] IMPLICIT BIT STRING OPTIONAL,
///     extensions       [3] EXPLICIT Extensions OPTIONAL }
/// ```
///
/// Passed over: the unique identifiers, which nobody uses (RFC 5280, 4.1.2.8). ``Signed`` has what stands around it.
public struct Certificate: ~Escapable {
    /// The whole certificate, and its signature.
    public let signed: Signed
    /// 1, 2 or 3.
    public let version: Int
    /// Offsets, in the buffer, of the content of the serial number's INTEGER.
    public let serialNumberRange: Range<Int>
    /// Offsets of the names with their SEQUENCE header.
    public let issuerRange: Range<Int>
    public let subjectRange: Range<Int>
    /// Seconds since 1970-01-01T00:00:00Z.
    public let notBefore: Int64
    public let notAfter: Int64
    public let subjectPublicKeyInfo: SubjectPublicKeyInfo
    public let extensions: Extensions

    /// What the extensions say, as far as it is checked here.
    ///
    /// ```
    /// Extensions ::= SEQUENCE OF Extension
    ///
    /// BasicConstraints ::= SEQUENCE {
    ///     cA                 BOOLEAN DEFAULT FALSE,
    ///     pathLenConstraint  INTEGER (0..MAX) OPTIONAL }
    ///
    /// KeyUsage ::= BIT STRING
    /// ExtKeyUsageSyntax ::= SEQUENCE OF OBJECT IDENTIFIER
    /// ```
    ///
    /// Passed over: all others that are not critical, and subjectAltName, which names a device and no CA.
    public struct Extensions: Equatable, Sendable {
        /// basicConstraints' cA; false when the extension is absent (RFC 5280, 4.2.1.9). It takes more to be a CA:
        /// ``Certificate/isCA``.
        public var cA = false
        public var pathLength: Int?
        /// Nil when the extension is absent: any use.
        public var keyUsage: KeyUsage?
        /// Whether the extended key usage marks a registration authority: cmcRA (RFC 6402, 2.10) or Microsoft's
        /// Certificate Request Agent.
        public var isRegistrationAuthority = false
        /// Offsets of the identifier, its contents, of the first critical extension that is not checked here; empty if
        /// there is none.
        public var unknownCritical = 0..<0
        /// The same of an extKeyUsage that is critical.
        public var criticalExtKeyUsage = 0..<0
    }

    /// Reads the next element of `reader` as a certificate.
    @_lifetime(copy reader)
    public init(_ reader: inout DERReader) throws(DERError) {
        signed = try Signed(&reader)
        var tbs = try signed.reader
        if let wrapped = try tbs.readIfPresent(.contextConstructed(0)) {
            var content = wrapped.reader
            version = try content.read(.integer).smallInteger(atMost: 2) &+ 1
            try content.finish()
        } else {
            version = 1
        }
        let serial = try tbs.read(.integer)
        // Negative and zero serial numbers exist in the field (RFC 5280, 4.1.2.2 asks to handle them).
        guard serial.content.count <= 32 else { throw DERError(.invalidInteger, at: serial.start) }
        serialNumberRange = serial.content
        try signed.readAlgorithm(&tbs)
        issuerRange = try tbs.read(.sequence).range
        var validity = try tbs.enter()
        notBefore = try readTime(&validity)
        notAfter = try readTime(&validity)
        try validity.finish()
        subjectRange = try tbs.read(.sequence).range
        subjectPublicKeyInfo = try SubjectPublicKeyInfo(&tbs)
        _ = try tbs.readIfPresent(.context(1))
        _ = try tbs.readIfPresent(.context(2))
        if let wrapped = try tbs.readIfPresent(.contextConstructed(3)) {
            guard version == 3 else { throw DERError(.unsupportedVersion, at: wrapped.start) }
            var content = wrapped.reader
            extensions = try Extensions(&content)
            try content.finish()
        } else {
            extensions = Extensions()
        }
        try tbs.finish()
    }

    /// Reads `bytes`, which hold one certificate and nothing else.
    @_lifetime(copy bytes)
    @inline(never)
    public init(_ bytes: Span<UInt8>) throws(DERError) {
        var reader = DERReader(bytes)
        try self.init(&reader)
        try reader.finish()
    }

    /// Whether issuer and subject are the same name.
    public var isSelfIssued: Bool {
        @inline(never) get { areNamesEqual(issuer, subject) }
    }
}

extension Certificate {
    /// Offsets of the whole certificate in the buffer that it was read from.
    public var range: Range<Int> { signed.range }

    /// The whole certificate.
    public var encoding: Span<UInt8> {
        @_lifetime(copy self) get { signed.encoding }
    }

    /// The content of the serial number's INTEGER.
    public var serialNumber: Span<UInt8> {
        @_lifetime(copy self) get { signed.part(serialNumberRange) }
    }

    /// The serial number as it is shown: ``serialNumber`` without the zero octet that only keeps it positive.
    public var shownSerialNumber: Span<UInt8> {
        @_lifetime(copy self) get { withoutSignOctet(serialNumber) }
    }

    /// A Name with its SEQUENCE header.
    public var issuer: Span<UInt8> {
        @_lifetime(copy self) get { signed.part(issuerRange) }
    }

    /// A Name with its SEQUENCE header.
    public var subject: Span<UInt8> {
        @_lifetime(copy self) get { signed.part(subjectRange) }
    }
}

extension Certificate.Extensions {
    init(_ reader: inout DERReader) throws(DERError) {
        var (hasBasicConstraints, hasExtKeyUsage) = (false, false)
        var list = try reader.enter()
        while !list.isAtEnd {
            let item = try Extension(&list)
            let identifier = item.identifier
            var value = item.value.reader
            switch item.number {
            case 19:  // basicConstraints
                guard !hasBasicConstraints else { throw DERError(.duplicate, at: identifier.start) }
                hasBasicConstraints = true
                var content = try value.enter()
                if let flag = try content.readIfPresent(.boolean) { cA = try flag.boolean() }
                if let length = try content.readIfPresent(.integer) {
                    pathLength = try length.smallInteger(atMost: 255)
                }
                try content.finish()
                try value.finish()
            case 15:  // keyUsage
                guard keyUsage == nil else { throw DERError(.duplicate, at: identifier.start) }
                keyUsage = KeyUsage(rawValue: try value.read(.bitString).namedBits())
                try value.finish()
            case 37:  // extKeyUsage
                guard !hasExtKeyUsage else { throw DERError(.duplicate, at: identifier.start) }
                hasExtKeyUsage = true
                if item.isCritical { criticalExtKeyUsage = identifier.content }
                var purposes = try value.enter()
                while !purposes.isAtEnd {
                    let purpose = try purposes.read(.objectIdentifier)
                    if purpose.isIdentifier(.cmcRA) || purpose.isIdentifier(.certificateRequestAgent) {
                        isRegistrationAuthority = true
                    }
                }
                try value.finish()
            case 17:  // subjectAltName
                break
            default:
                if item.isCritical, unknownCritical.isEmpty { unknownCritical = identifier.content }
            }
        }
    }
}

/// Whether two public byte strings are the same; not in constant time.
@inline(never)
public func areEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for index in left.indices where left[index] != right[index] { return false }
    return true
}
