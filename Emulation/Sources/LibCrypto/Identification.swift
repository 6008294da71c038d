import COpenSSL

/// IssuerAndSerialNumber (RFC 5652, section 10.2.4): the content of GetCert and GetCRL.
public struct IssuerAndSerialNumber: Sendable, Equatable {
    public let issuer: DistinguishedName
    /// Magnitude, big-endian.
    public let serial: [UInt8]

    public init(issuer: DistinguishedName, serial: [UInt8]) {
        self.issuer = issuer
        self.serial = serial
    }

    /// Reads DER.
    public init(der: [UInt8]) throws(LibCryptoError) {
        let pointer = try decoded(
            der, "reading IssuerAndSerialNumber", free: { PKCS7_ISSUER_AND_SERIAL_free($0) }
        ) { d2i_PKCS7_ISSUER_AND_SERIAL(nil, $0, $1) }
        defer { PKCS7_ISSUER_AND_SERIAL_free(pointer) }
        issuer = try DistinguishedName(made(pointer.pointee.issuer, "reading an issuer"))
        serial = try magnitude(pointer.pointee.serial)
    }

    public func der() throws(LibCryptoError) -> [UInt8] {
        let pointer = try made(PKCS7_ISSUER_AND_SERIAL_new(), "allocating IssuerAndSerialNumber")
        defer { PKCS7_ISSUER_AND_SERIAL_free(pointer) }
        try issuer.withPointer { name throws(LibCryptoError) in
            try check(X509_NAME_set(&pointer.pointee.issuer, name), "setting an issuer")
        }
        try withInteger(serial) { integer throws(LibCryptoError) in
            try check(ASN1_STRING_copy(pointer.pointee.serial, integer), "setting a serial number")
        }
        return try encoded("encoding IssuerAndSerialNumber") { i2d_PKCS7_ISSUER_AND_SERIAL(pointer, $0) }
    }
}

/// IssuerAndSubject (RFC 8894, section 3.3.3): the content of CertPoll.
public struct IssuerAndSubject: Sendable, Equatable {
    public let issuer: DistinguishedName
    public let subject: DistinguishedName

    public init(issuer: DistinguishedName, subject: DistinguishedName) {
        self.issuer = issuer
        self.subject = subject
    }

    /// Reads DER.
    public init(der: [UInt8]) throws(LibCryptoError) {
        let stack = try decoded(der, "reading IssuerAndSubject", free: { COpenSSL_popFreeTypes($0) }) {
            d2i_ASN1_SEQUENCE_ANY(nil, $0, $1)
        }
        defer { COpenSSL_popFreeTypes(stack) }
        guard COpenSSL_countTypes(stack) == 2 else {
            throw LibCryptoError("IssuerAndSubject holds \(COpenSSL_countTypes(stack)) elements, not two")
        }
        issuer = try DistinguishedName(der: element(stack, 0))
        subject = try DistinguishedName(der: element(stack, 1))
    }

    public func der() throws(LibCryptoError) -> [UInt8] {
        let stack = try made(COpenSSL_newTypes(), "allocating IssuerAndSubject")
        defer { COpenSSL_popFreeTypes(stack) }
        for name in [issuer, subject] {
            let item = try decoded(name.der, "reading a name", free: { ASN1_TYPE_free($0) }) {
                d2i_ASN1_TYPE(nil, $0, $1)
            }
            _ = COpenSSL_pushType(stack, item)
        }
        return try encoded("encoding IssuerAndSubject") { i2d_ASN1_SEQUENCE_ANY(stack, $0) }
    }
}

/// The encoding of an element that is a SEQUENCE; empty when it is something else.
private func element(_ stack: OpaquePointer, _ index: Int32) -> [UInt8] {
    guard let item = COpenSSL_type(stack, index), item.pointee.type == V_ASN1_SEQUENCE,
        let string = COpenSSL_string(item)
    else { return [] }
    return [UInt8](string)
}
