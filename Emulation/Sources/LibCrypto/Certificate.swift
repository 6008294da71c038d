import COpenSSL
import Foundation

/// An X.509 certificate.
public final class Certificate: @unchecked Sendable, Hashable {
    let pointer: OpaquePointer
    /// Certificate, DER.
    public let der: [UInt8]
    public let subject: DistinguishedName
    public let issuer: DistinguishedName
    /// The magnitude of the serial number, big-endian, with no leading zero bytes.
    public let serial: [UInt8]
    public let publicKey: PublicKey

    /// Takes over the reference to `pointer`.
    init(taking pointer: OpaquePointer) throws(LibCryptoError) {
        self.pointer = pointer
        // A class that is not whole yet is not deinitialised.
        do throws(LibCryptoError) {
            der = try encoded("encoding a certificate") { i2d_X509(pointer, $0) }
            subject = try DistinguishedName(made(X509_get_subject_name(pointer), "reading a certificate's subject"))
            issuer = try DistinguishedName(made(X509_get_issuer_name(pointer), "reading a certificate's issuer"))
            serial = try magnitude(X509_get0_serialNumber(pointer))
            publicKey = try PublicKey(taking: made(X509_get_pubkey(pointer), "reading a certificate's public key"))
        } catch {
            X509_free(pointer)
            throw error
        }
    }

    deinit { X509_free(pointer) }

    public convenience init(der: [UInt8]) throws(LibCryptoError) {
        try self.init(
            taking: decoded(der, "reading a certificate", free: { X509_free($0) }) { d2i_X509(nil, $0, $1) })
    }

    public convenience init(pem: [UInt8]) throws(LibCryptoError) {
        let bio = try MemoryBIO(pem)
        try self.init(taking: made(PEM_read_bio_X509(bio.pointer, nil, nil, nil), "reading a certificate in PEM"))
    }

    public func pem() throws(LibCryptoError) -> [UInt8] {
        let bio = try MemoryBIO()
        try check(PEM_write_bio_X509(bio.pointer, pointer), "writing a certificate in PEM")
        return bio.contents
    }

    /// Lower-case hexadecimal of the whole serial number.
    public var serialText: String { serial.hexadecimal }

    public func fingerprint(_ digest: Digest) throws(LibCryptoError) -> [UInt8] { try digest.hash(der) }

    /// Whether `key` made its signature.
    public func isSigned(by key: PublicKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_verify(pointer, key.pointer) == 1
    }

    /// When its validity begins, and when it ends.
    public var notBefore: Date { date(X509_get0_notBefore(pointer)) }
    public var notAfter: Date { date(X509_get0_notAfter(pointer)) }

    /// Whether `date` lies within its validity.
    public func isValid(at date: Date) -> Bool {
        var time = time_t(date.timeIntervalSince1970)
        return X509_cmp_time(X509_get0_notBefore(pointer), &time) < 0
            && X509_cmp_time(X509_get0_notAfter(pointer), &time) > 0
    }

    /// The extensions, in their order.
    public func extensions() throws(LibCryptoError) -> [EncodedExtension] {
        var result: [EncodedExtension] = []
        for index in 0..<X509_get_ext_count(pointer) {
            result.append(
                try EncodedExtension(made(X509_get_ext(pointer, index), "reading a certificate's extension")))
        }
        return result
    }

    /// The extension that names its key in what it issues; none when it does not name its key itself.
    public func authorityKeyIdentifier() throws(LibCryptoError) -> ExtensionText? {
        let hasIdentifier = X509_get_ext_by_NID(pointer, NID_subject_key_identifier, -1) >= 0
        return hasIdentifier ? ExtensionText("authorityKeyIdentifier", "keyid:always") : nil
    }

    public static func == (one: Certificate, other: Certificate) -> Bool { one.der == other.der }
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

private func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date {
    var parts = tm()
    guard ASN1_TIME_to_tm(time, &parts) == 1 else { return .distantPast }
    return Date(timeIntervalSince1970: TimeInterval(timegm(&parts)))
}

/// What a certificate shall say.
public struct CertificateContents: Sendable {
    public var subject: DistinguishedName
    public var publicKey: PublicKey
    public var serial: [UInt8]
    public var notBefore: Date
    public var notAfter: Date
    public var extensions: [ExtensionText] = []
    /// Extensions taken over as somebody else encoded them.
    public var copied: [EncodedExtension] = []

    public init(
        subject: DistinguishedName, publicKey: PublicKey, serial: [UInt8], notBefore: Date, notAfter: Date,
        extensions: [ExtensionText] = [], copied: [EncodedExtension] = []
    ) {
        self.subject = subject
        self.publicKey = publicKey
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.extensions = extensions
        self.copied = copied
    }

    /// Signs it with `key`. Without an `issuer` the certificate is its own.
    public func signed(
        with key: PrivateKey, issuer: Certificate?, digest: Digest = .sha256
    ) throws(LibCryptoError) -> Certificate {
        let certificate = try made(X509_new(), "allocating a certificate")
        do throws(LibCryptoError) {
            try fill(certificate, issuer: issuer)
            try check(X509_sign(certificate, key.pointer, digest.algorithm), "signing a certificate")
        } catch {
            X509_free(certificate)
            throw error
        }
        return try Certificate(taking: certificate)
    }

    private func fill(_ certificate: OpaquePointer, issuer: Certificate?) throws(LibCryptoError) {
        try check(X509_set_version(certificate, 2), "setting a certificate's version")
        try withInteger(serial) { integer throws(LibCryptoError) in
            try check(X509_set_serialNumber(certificate, integer), "setting a serial number")
        }
        try subject.withPointer { name throws(LibCryptoError) in
            try check(X509_set_subject_name(certificate, name), "setting a subject")
        }
        try (issuer?.subject ?? subject).withPointer { name throws(LibCryptoError) in
            try check(X509_set_issuer_name(certificate, name), "setting an issuer")
        }
        try check(X509_set_pubkey(certificate, publicKey.pointer), "setting a public key")
        _ = ASN1_TIME_set(X509_getm_notBefore(certificate), time_t(notBefore.timeIntervalSince1970))
        _ = ASN1_TIME_set(X509_getm_notAfter(certificate), time_t(notAfter.timeIntervalSince1970))
        for text in extensions {
            let pointer = try text.make(issuer: issuer?.pointer ?? certificate, subject: certificate)
            defer { X509_EXTENSION_free(pointer) }
            try check(X509_add_ext(certificate, pointer, -1), "adding an extension")
        }
        for item in copied {
            let pointer = try item.make()
            defer { X509_EXTENSION_free(pointer) }
            try check(X509_add_ext(certificate, pointer, -1), "adding an extension")
        }
    }
}

/// The magnitude of an INTEGER, big-endian, with no leading zero bytes.
func magnitude(_ integer: UnsafePointer<ASN1_INTEGER>?) throws(LibCryptoError) -> [UInt8] {
    let number = try made(ASN1_INTEGER_to_BN(integer, nil), "reading a serial number")
    defer { BN_free(number) }
    var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(number) + 7) / 8)
    _ = BN_bn2bin(number, &bytes)
    return bytes
}

/// Calls `body` with the INTEGER whose big-endian magnitude is `bytes`.
func withInteger(
    _ bytes: [UInt8], _ body: (UnsafeMutablePointer<ASN1_INTEGER>) throws(LibCryptoError) -> Void
) throws(LibCryptoError) {
    let number = try made(BN_bin2bn(bytes, Int32(bytes.count), nil), "making a number")
    defer { BN_free(number) }
    let integer = try made(BN_to_ASN1_INTEGER(number, nil), "making an INTEGER")
    defer { ASN1_INTEGER_free(integer) }
    try body(integer)
}
