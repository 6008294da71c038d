import COpenSSL

/// How a content-encryption key reaches an RSA recipient.
public enum KeyTransport: String, Sendable, Codable {
    /// RSAES-PKCS1-v1_5.
    case pkcs1
    /// RSAES-OAEP with SHA-1 and MGF1-SHA-1, said by an empty sequence of parameters.
    case oaep
    /// The same, said by leaving the parameters out, as NDES does.
    case oaepWithoutParameters
}

/// An EnvelopedData that was received (RFC 5652, section 6). Not safe to share between threads.
public final class Envelope {
    /// One recipient of the envelope.
    public enum Recipient: Sendable, Equatable {
        case keyTransport(KeyTransport)
        /// RFC 8894, section 3.1: for keys that cannot decrypt.
        case password
        /// Key agreement, a key-encryption key or something else.
        case other
    }

    /// What an envelope held.
    public struct Opened: Sendable {
        public let content: [UInt8]
        public let cipher: Cipher?
        /// What opened it.
        public let opener: Opener
    }

    public enum Opener: Sendable, Equatable {
        /// The key of this certificate.
        case key(Certificate, KeyTransport)
        case password([UInt8])
    }

    private let pointer: OpaquePointer
    public let recipients: [Recipient]
    /// How the key comes from a password; nil when the envelope is for none.
    public let derivation: KeyDerivation?
    /// More would keep the machine busy for seconds.
    private static let greatestIterations = 1_000_000

    /// Reads ContentInfo with EnvelopedData, DER or BER.
    public init(_ bytes: [UInt8]) throws(LibCryptoError) {
        let pointer = try decoded(bytes, "reading an envelope", free: { CMS_ContentInfo_free($0) }) {
            d2i_CMS_ContentInfo(nil, $0, $1)
        }
        self.pointer = pointer
        guard OBJ_obj2nid(CMS_get0_type(pointer)) == NID_pkcs7_enveloped else {
            recipients = []
            derivation = nil
            throw LibCryptoError("the content is no EnvelopedData")
        }
        let stack = CMS_get0_RecipientInfos(pointer)
        recipients = (0..<max(COpenSSL_countRecipients(stack), 0)).map { index in
            guard let info = COpenSSL_recipient(stack, index) else { return .other }
            switch CMS_RecipientInfo_type(info) {
            case CMS_RECIPINFO_TRANS: return .keyTransport(transport(of: info))
            case CMS_RECIPINFO_PASS: return .password
            default: return .other
            }
        }
        derivation = recipients.contains(.password) ? KeyDerivation(firstIn: bytes) : nil
    }

    deinit { CMS_ContentInfo_free(pointer) }

    /// Opens it with the first of `keys` that it is addressed to, or returns nil when it is addressed to none.
    public func open(
        with keys: [(certificate: Certificate, key: PrivateKey)]
    ) throws(LibCryptoError) -> Opened? {
        let stack = CMS_get0_RecipientInfos(pointer)
        for index in 0..<max(COpenSSL_countRecipients(stack), 0) {
            guard let info = COpenSSL_recipient(stack, index),
                CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS
            else { continue }
            for candidate in keys
            where CMS_RecipientInfo_ktri_cert_cmp(info, candidate.certificate.pointer) == 0 {
                let transport = transport(of: info)
                if transport == .oaepWithoutParameters { spellOutParameters(info) }
                return try open(candidate.certificate, candidate.key, transport)
            }
        }
        return nil
    }

    private func open(
        _ certificate: Certificate, _ key: PrivateKey, _ keyTransport: KeyTransport
    ) throws(LibCryptoError) -> Opened {
        try check(CMS_decrypt_set1_pkey(pointer, key.pointer, certificate.pointer), "unwrapping a content key")
        return try opened(by: .key(certificate, keyTransport))
    }

    /// Opens it with the first of `passwords` that fits, or returns nil when none does or it is for no password.
    public func open(withPasswords passwords: [[UInt8]]) throws(LibCryptoError) -> Opened? {
        guard let derivation else { return nil }
        guard (1...Self.greatestIterations).contains(derivation.iterations) else {
            throw LibCryptoError("\(derivation.iterations) iterations of PBKDF2 are asked for")
        }
        for password in passwords {
            var bytes = password
            guard CMS_decrypt_set1_password(pointer, &bytes, bytes.count) == 1 else { continue }
            return try opened(by: .password(password))
        }
        ERR_clear_error()
        return nil
    }

    private func opened(by opener: Opener) throws(LibCryptoError) -> Opened {
        let chain = try made(CMS_dataInit(pointer, nil), "decrypting an envelope")
        defer { BIO_free_all(chain) }
        let cipher = Cipher(nid: COpenSSL_cipherOfChain(chain))
        guard let content = readAll(chain), COpenSSL_cipherStatus(chain) == 1 else {
            throw LibCryptoError("decrypting an envelope")
        }
        return Opened(content: content, cipher: cipher, opener: opener)
    }

    /// An EnvelopedData without recipients, and how it is to be finished.
    private static func start(
        _ cipher: Cipher, _ encoding: MessageEncoding
    ) throws(LibCryptoError) -> (message: OpaquePointer, flags: Int32) {
        var flags = CMS_BINARY | CMS_PARTIAL
        if encoding == .indefinite { flags |= CMS_STREAM }
        let message = try made(
            CMS_encrypt(nil, nil, cipher.algorithm, UInt32(flags)), "starting an envelope in \(cipher.rawValue)")
        return (message, flags)
    }

    /// ContentInfo with EnvelopedData: `content` for whoever knows `password`, by PBKDF2 with HMAC-SHA-1, which is what
    /// OpenSSL has.
    public static func seal(
        _ content: [UInt8], password: [UInt8], cipher: Cipher, iterations: Int = 2048, encoding: MessageEncoding = .der
    ) throws(LibCryptoError) -> [UInt8] {
        let (message, flags) = try start(cipher, encoding)
        defer { CMS_ContentInfo_free(message) }
        _ = try made(
            COpenSSL_addPassword(message, Int32(clamping: iterations), password, password.count),
            "adding a password to an envelope")
        return try finish(message, content: content, encoding: encoding, flags: flags)
    }

    /// ContentInfo with EnvelopedData: `content` for the RSA key of `recipient`.
    public static func seal(
        _ content: [UInt8], for recipient: Certificate, cipher: Cipher, keyTransport: KeyTransport = .pkcs1,
        encoding: MessageEncoding = .der
    ) throws(LibCryptoError) -> [UInt8] {
        let (message, flags) = try start(cipher, encoding)
        defer { CMS_ContentInfo_free(message) }
        let parameters = keyTransport == .pkcs1 ? 0 : UInt32(CMS_KEY_PARAM)
        let info = try made(
            CMS_add1_recipient_cert(message, recipient.pointer, parameters), "adding a recipient to an envelope")
        guard keyTransport != .pkcs1 else {
            return try finish(message, content: content, encoding: encoding, flags: flags)
        }
        try check(COpenSSL_useOAEP(info), "choosing OAEP")
        guard keyTransport == .oaepWithoutParameters, encoding == .der else {
            return try finish(message, content: content, encoding: encoding, flags: flags)
        }
        // The key is wrapped by now, so that what the algorithm says can be changed before it is encoded.
        _ = try finish(message, content: content, encoding: encoding, flags: flags)
        X509_ALGOR_set0(algorithm(of: info), OBJ_nid2obj(NID_rsaesOaep), V_ASN1_UNDEF, nil)
        return try encoded("encoding an envelope") { i2d_CMS_ContentInfo(message, $0) }
    }
}

private func algorithm(of recipient: OpaquePointer) -> UnsafeMutablePointer<X509_ALGOR>? {
    var algorithm: UnsafeMutablePointer<X509_ALGOR>?
    guard CMS_RecipientInfo_ktri_get0_algs(recipient, nil, nil, &algorithm) == 1 else { return nil }
    return algorithm
}

/// OpenSSL wants a sequence of parameters, be it empty, where others leave them out for the defaults.
private func spellOutParameters(_ recipient: OpaquePointer) {
    guard let algorithm = algorithm(of: recipient), let parameters = ASN1_STRING_new() else { return }
    ASN1_STRING_set(parameters, [0x30, 0x00] as [UInt8], 2)
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_SEQUENCE, parameters)
}

private func transport(of recipient: OpaquePointer) -> KeyTransport {
    guard let algorithm = algorithm(of: recipient), OBJ_obj2nid(algorithm.pointee.algorithm) == NID_rsaesOaep else {
        return .pkcs1
    }
    return algorithm.pointee.parameter == nil ? .oaepWithoutParameters : .oaep
}
