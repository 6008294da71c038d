import COpenSSL

/// An authenticated attribute of a SignedData's signer.
public struct SignedAttribute: Sendable, Equatable {
    /// The universal ASN.1 tags that SCEP's attributes have.
    public enum Tag: Int32, Sendable {
        case octetString = 4
        case utf8String = 12
        case printableString = 19
    }

    /// Dotted decimal.
    public let identifier: String
    /// Universal tag of the value.
    public let tag: Int32
    /// Contents of the value, without tag and length.
    public let value: [UInt8]

    public init(_ identifier: String, _ tag: Tag, _ value: [UInt8]) {
        self.identifier = identifier
        self.tag = tag.rawValue
        self.value = value
    }

    init(identifier: String, tag: Int32, value: [UInt8]) {
        self.identifier = identifier
        self.tag = tag
        self.value = value
    }
}

/// A SignedData that was received (RFC 5652, section 5), with one signer. Not safe to share between threads.
public final class SignedMessage {
    private let pointer: OpaquePointer
    private let signerInfo: OpaquePointer
    /// What is signed, or nil when eContent is absent.
    public let content: [UInt8]?
    /// Dotted decimal.
    public let contentType: String
    /// The certificates it carries, those that cannot be read left out.
    public let certificates: [Certificate]
    /// The carried certificate that the signer names, or nil when it is not among them.
    public let signer: Certificate?
    /// The signer's digest, or nil when it is none that this module knows.
    public let digest: Digest?
    /// The attributes that hold one string; others are left out.
    public let attributes: [SignedAttribute]

    /// Reads ContentInfo with SignedData, DER or BER.
    public init(_ bytes: [UInt8]) throws(LibCryptoError) {
        let pointer = try decoded(bytes, "reading a CMS message", free: { CMS_ContentInfo_free($0) }) {
            d2i_CMS_ContentInfo(nil, $0, $1)
        }
        do throws(LibCryptoError) {
            guard OBJ_obj2nid(CMS_get0_type(pointer)) == NID_pkcs7_signed else {
                throw LibCryptoError("the CMS message is no SignedData")
            }
            let signers = CMS_get0_SignerInfos(pointer)
            let count = COpenSSL_countSigners(signers)
            guard count == 1, let signerInfo = COpenSSL_signer(signers, 0) else {
                throw LibCryptoError("the SignedData has \(max(count, 0)) signers, not one")
            }
            self.signerInfo = signerInfo
            certificates = carriedCertificates(pointer)
        } catch {
            CMS_ContentInfo_free(pointer)
            throw error
        }
        self.pointer = pointer
        contentType = text(of: CMS_get0_eContentType(pointer))
        content = CMS_get0_content(pointer)?.pointee.map { [UInt8]($0) }
        let info = signerInfo
        signer = certificates.first { CMS_SignerInfo_cert_cmp(info, $0.pointer) == 0 }
        var algorithm: UnsafeMutablePointer<X509_ALGOR>?
        CMS_SignerInfo_get0_algs(signerInfo, nil, nil, &algorithm, nil)
        digest = algorithm.flatMap { Digest(nid: OBJ_obj2nid($0.pointee.algorithm)) }
        attributes = (0..<max(CMS_signed_get_attr_count(signerInfo), 0)).compactMap { index in
            guard let attribute = CMS_signed_get_attr(info, index), X509_ATTRIBUTE_count(attribute) == 1,
                let value = X509_ATTRIBUTE_get0_type(attribute, 0), let string = COpenSSL_string(value)
            else { return nil }
            return SignedAttribute(
                identifier: text(of: X509_ATTRIBUTE_get0_object(attribute)), tag: value.pointee.type,
                value: [UInt8](string))
        }
    }

    deinit { CMS_ContentInfo_free(pointer) }

    /// Whether the signature is that of `certificate`'s key, over these attributes and this content.
    public func isSigned(by certificate: Certificate) throws(LibCryptoError) -> Bool {
        defer { ERR_clear_error() }
        guard CMS_SignerInfo_cert_cmp(signerInfo, certificate.pointer) == 0 else { return false }
        let stack = try made(COpenSSL_newCertificates(), "allocating certificates")
        defer { COpenSSL_freeCertificates(stack) }
        _ = COpenSSL_pushCertificate(stack, certificate.pointer)
        let absent = content == nil ? try MemoryBIO() : nil
        // The certificate alone was chosen; whether it is to be trusted is for the caller to check.
        let flags = UInt32(CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN)
        return CMS_verify(pointer, stack, nil, absent?.pointer, nil, flags) == 1
    }
}

/// The certificates of a SignedData, those that cannot be read left out.
func carriedCertificates(_ message: OpaquePointer) -> [Certificate] {
    guard let stack = CMS_get1_certs(message) else { return [] }
    defer { COpenSSL_popFreeCertificates(stack) }
    var result: [Certificate] = []
    for index in 0..<COpenSSL_countCertificates(stack) {
        guard let item = COpenSSL_certificate(stack, index), X509_up_ref(item) == 1 else { continue }
        if let certificate = try? Certificate(taking: item) { result.append(certificate) }
    }
    ERR_clear_error()
    return result
}

/// A SignedData to be made.
public struct SignedMessageContents: Sendable {
    /// What is signed; nil leaves eContent out.
    public var content: [UInt8]?
    public var attributes: [SignedAttribute]
    /// The certificates to carry.
    public var certificates: [Certificate]
    public var digest: Digest
    public var encoding: MessageEncoding
    /// Whether signatureAlgorithm of an elliptic key is id-ecPublicKey, which no standard has, in place of
    /// ecdsa-with-SHA256 and the like.
    public var isNamedByKey: Bool

    public init(
        content: [UInt8]?, attributes: [SignedAttribute], certificates: [Certificate], digest: Digest,
        encoding: MessageEncoding = .der, isNamedByKey: Bool = false
    ) {
        self.content = content
        self.attributes = attributes
        self.certificates = certificates
        self.digest = digest
        self.encoding = encoding
        self.isNamedByKey = isNamedByKey
    }

    /// ContentInfo with SignedData, signed with `key`, the key of `signer`.
    public func signed(by signer: Certificate, key: PrivateKey) throws(LibCryptoError) -> [UInt8] {
        // OpenSSL does not stream what is not there.
        let encoding = content == nil && encoding == .indefinite ? .chunked : encoding
        var flags = CMS_BINARY | CMS_PARTIAL
        if content == nil { flags |= CMS_DETACHED }
        if encoding == .indefinite { flags |= CMS_STREAM }
        let message = try made(CMS_sign(nil, nil, nil, nil, UInt32(flags)), "starting a SignedData")
        defer { CMS_ContentInfo_free(message) }
        let info = try made(
            CMS_add1_signer(
                message, signer.pointer, key.pointer, digest.algorithm,
                UInt32(CMS_BINARY | CMS_PARTIAL | CMS_NOCERTS | CMS_NOSMIMECAP)),
            "adding a signer")
        for certificate in certificates {
            try check(CMS_add1_cert(message, certificate.pointer), "adding a certificate to a SignedData")
        }
        for attribute in attributes {
            try check(
                CMS_signed_add1_attr_by_txt(
                    info, attribute.identifier, attribute.tag, attribute.value, Int32(attribute.value.count)),
                "adding the attribute \(attribute.identifier)")
        }
        return try finish(message, content: content ?? [], encoding: encoding, flags: flags) {
            guard isNamedByKey, !signer.publicKey.isRSA else { return }
            // It is not signed itself.
            var algorithm: UnsafeMutablePointer<X509_ALGOR>?
            CMS_SignerInfo_get0_algs(info, nil, nil, nil, &algorithm)
            X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_UNDEF, nil)
        }
    }
}

/// Runs `content` through a message that was begun with CMS_PARTIAL, and encodes it.
///
/// - Parameter edit: changes what is ready to be encoded, which a message that is streamed never is.
func finish(
    _ message: OpaquePointer, content: [UInt8], encoding: MessageEncoding, flags: Int32, edit: () -> Void = {}
) throws(LibCryptoError) -> [UInt8] {
    let input = try MemoryBIO(content)
    switch encoding {
    case .der, .chunked, .constructed:
        try check(CMS_final(message, input.pointer, nil, UInt32(flags)), "finishing a CMS message")
        edit()
        return encoding.applied(to: try encoded("encoding a CMS message") { i2d_CMS_ContentInfo(message, $0) })
    case .indefinite:
        let output = try MemoryBIO()
        try check(i2d_CMS_bio_stream(output.pointer, message, input.pointer, flags), "streaming a CMS message")
        return output.contents
    }
}
