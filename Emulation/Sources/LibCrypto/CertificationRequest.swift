import COpenSSL

/// A PKCS#10 certification request (RFC 2986).
public final class CertificationRequest: @unchecked Sendable {
    let pointer: OpaquePointer
    /// CertificationRequest, DER.
    public let der: [UInt8]
    public let subject: DistinguishedName
    public let publicKey: PublicKey

    init(taking pointer: OpaquePointer) throws(LibCryptoError) {
        self.pointer = pointer
        // A class that is not whole yet is not deinitialised.
        do throws(LibCryptoError) {
            der = try encoded("encoding a certification request") { i2d_X509_REQ(pointer, $0) }
            subject = try DistinguishedName(made(X509_REQ_get_subject_name(pointer), "reading a request's subject"))
            publicKey = try PublicKey(taking: made(X509_REQ_get_pubkey(pointer), "reading a request's public key"))
        } catch {
            X509_REQ_free(pointer)
            throw error
        }
    }

    deinit { X509_REQ_free(pointer) }

    public convenience init(der: [UInt8]) throws(LibCryptoError) {
        try self.init(
            taking: decoded(der, "reading a certification request", free: { X509_REQ_free($0) }) {
                d2i_X509_REQ(nil, $0, $1)
            })
    }

    /// Makes a request and signs it.
    public convenience init(
        subject: DistinguishedName, key: PrivateKey, challenge: String? = nil, extensions: [ExtensionText] = [],
        digest: Digest = .sha256
    ) throws(LibCryptoError) {
        let request = try made(X509_REQ_new(), "allocating a certification request")
        do throws(LibCryptoError) {
            try fill(request, subject: subject, key: key, challenge: challenge, extensions: extensions)
            try check(X509_REQ_sign(request, key.pointer, digest.algorithm), "signing a certification request")
        } catch {
            X509_REQ_free(request)
            throw error
        }
        try self.init(taking: request)
    }

    /// Whether its own key signed it.
    public var isSignedByItsKey: Bool {
        defer { ERR_clear_error() }
        return X509_REQ_verify(pointer, publicKey.pointer) == 1
    }

    /// The challengePassword attribute (RFC 2985, section 5.4.1), or nil when there is none.
    public func challengePassword() throws(LibCryptoError) -> String? {
        let index = X509_REQ_get_attr_by_NID(pointer, NID_pkcs9_challengePassword, -1)
        guard index >= 0 else { return nil }
        let attribute = X509_REQ_get_attr(pointer, index)
        guard X509_ATTRIBUTE_count(attribute) == 1, let value = X509_ATTRIBUTE_get0_type(attribute, 0) else {
            throw LibCryptoError("the challengePassword attribute does not hold one value")
        }
        var text: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&text, COpenSSL_string(value))
        guard let text, count >= 0 else { throw LibCryptoError("the challengePassword attribute is no string") }
        defer { CRYPTO_free(text, nil, 0) }
        return String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self)
    }

    /// The extensions of its extensionRequest attribute (RFC 2985, section 5.4.2), in their order.
    public func requestedExtensions() throws(LibCryptoError) -> [EncodedExtension] {
        guard let stack = X509_REQ_get_extensions(pointer) else {
            ERR_clear_error()
            return []
        }
        defer { COpenSSL_popFreeExtensions(stack) }
        var result: [EncodedExtension] = []
        for index in 0..<COpenSSL_countExtensions(stack) {
            result.append(
                try EncodedExtension(made(COpenSSL_extension(stack, index), "reading a requested extension")))
        }
        return result
    }
}

private func fill(
    _ request: OpaquePointer, subject: DistinguishedName, key: PrivateKey, challenge: String?,
    extensions: [ExtensionText]
) throws(LibCryptoError) {
    try check(X509_REQ_set_version(request, 0), "setting a request's version")
    try subject.withPointer { name throws(LibCryptoError) in
        try check(X509_REQ_set_subject_name(request, name), "setting a request's subject")
    }
    try check(X509_REQ_set_pubkey(request, key.pointer), "setting a request's public key")
    if let challenge {
        try check(
            X509_REQ_add1_attr_by_NID(
                request, NID_pkcs9_challengePassword, MBSTRING_UTF8, [UInt8](challenge.utf8),
                Int32(challenge.utf8.count)),
            "adding a challenge password")
    }
    if !extensions.isEmpty {
        let stack = try made(COpenSSL_newExtensions(), "allocating extensions")
        defer { COpenSSL_popFreeExtensions(stack) }
        for text in extensions {
            _ = COpenSSL_pushExtension(stack, try text.make(issuer: nil, subject: nil))
        }
        try check(X509_REQ_add_extensions(request, stack), "adding extensions to a request")
    }
}
