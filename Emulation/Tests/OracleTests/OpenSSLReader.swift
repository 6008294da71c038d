import COpenSSL

/// What OpenSSL's libcrypto says.
enum OpenSSLReader {
    /// Reads a certificate, its key and its extensions, and verifies it.
    static func certificate(_ der: [UInt8], issuer: [UInt8]) -> Verdict {
        checked {
            let certificate = try read(der, free: X509_free) { d2i_X509(nil, $0, $1) }
            defer { X509_free(certificate) }
            let issuerKey = try publicKey(issuer)
            defer { EVP_PKEY_free(issuerKey) }
            guard X509_verify(certificate, issuerKey) == 1 else { throw Refusal() }
            guard X509_get_extension_flags(certificate) & UInt32(EXFLAG_INVALID) == 0,
                let key = X509_get0_pubkey(certificate)
            else { throw Refusal() }
            let usage = X509_get_key_usage(certificate)
            let pathLength = X509_get_pathlen(certificate)
            let flags = X509_get_extension_flags(certificate)
            return facts(
                ("serial", hex(contents(X509_get0_serialNumber(certificate)))),
                ("issuer", hex(try name(X509_get_issuer_name(certificate)))),
                ("subject", hex(try name(X509_get_subject_name(certificate)))),
                ("notBefore", try time(X509_get0_notBefore(certificate))),
                ("notAfter", try time(X509_get0_notAfter(certificate))),
                ("key", hex(try encoded { i2d_PublicKey(key, $0) })),
                ("isCA", "\(flags & UInt32(EXFLAG_CA) != 0)"),
                ("pathLength", pathLength < 0 ? "none" : "\(pathLength)"),
                // Bit 0 of the type is the most significant one of the first byte, which is the lower one here.
                ("keyUsage", usage == UInt32.max ? "any" : "\((usage & 0xFF) << 8 | usage >> 8 & 0xFF)"))
        }
    }

    /// Reads a CRL, verifies it, and looks certificates up in it.
    static func revocationList(_ der: [UInt8], issuer: [UInt8], serials: [[UInt8]]) -> Verdict {
        checked {
            let list = try read(der, free: X509_CRL_free) { d2i_X509_CRL(nil, $0, $1) }
            defer { X509_CRL_free(list) }
            let key = try publicKey(issuer)
            defer { EVP_PKEY_free(key) }
            guard X509_CRL_verify(list, key) == 1 else { throw Refusal() }
            var revoked = ""
            for serial in serials {
                let encoding = [0x02, UInt8(serial.count)] + serial
                let number = try read(encoding, free: { ASN1_INTEGER_free($0) }) { d2i_ASN1_INTEGER(nil, $0, $1) }
                defer { ASN1_INTEGER_free(number) }
                var entry: OpaquePointer?
                revoked += X509_CRL_get0_by_serial(list, &entry, number) == 0 ? "0" : "1"
            }
            return facts(
                ("issuer", hex(try name(X509_CRL_get_issuer(list)))),
                ("thisUpdate", try time(X509_CRL_get0_lastUpdate(list))),
                ("nextUpdate", try X509_CRL_get0_nextUpdate(list).map(time) ?? "none"), ("revoked", revoked))
        }
    }

    /// Reads a SignedData, and verifies that it is this signer's.
    static func signedData(_ message: [UInt8], signer: [UInt8]) -> Verdict {
        checked {
            let message = try read(message, free: { CMS_ContentInfo_free($0) }) { d2i_CMS_ContentInfo(nil, $0, $1) }
            defer { CMS_ContentInfo_free(message) }
            let certificate = try read(signer, free: X509_free) { d2i_X509(nil, $0, $1) }
            defer { X509_free(certificate) }
            guard OBJ_obj2nid(CMS_get0_type(message)) == NID_pkcs7_signed else { throw Refusal() }
            let stack = COpenSSL_newCertificates()
            defer { COpenSSL_freeCertificates(stack) }
            _ = COpenSSL_pushCertificate(stack, certificate)
            let output = BIO_new(BIO_s_mem())
            defer { BIO_free_all(output) }
            let isAbsent = CMS_get0_content(message)?.pointee == nil
            let content = isAbsent ? BIO_new(BIO_s_null()) : nil
            defer { BIO_free_all(content) }
            let flags = UInt32(CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN)
            guard CMS_verify(message, stack, nil, content, output, flags) == 1 else { throw Refusal() }
            return hex(written(output))
        }
    }

    private static let pbkdf2 = Element.identifier("1.2.840.113549.1.5.12").bytes
    private static let pwriKEK = Element.identifier("1.2.840.113549.1.9.16.3.9").bytes

    /// Opens an EnvelopedData: with an RSA key in PKCS #8, or by a password.
    ///
    /// A password recipient that does not say how its key is derived is not shown to OpenSSL: 3.0.19 crashes on it.
    static func envelopedData(_ message: [UInt8], key: [UInt8], password: [UInt8]) -> Verdict {
        checked {
            guard password.isEmpty || message.count(of: pbkdf2) >= message.count(of: pwriKEK) else { throw Refusal() }
            let message = try read(message, free: { CMS_ContentInfo_free($0) }) { d2i_CMS_ContentInfo(nil, $0, $1) }
            defer { CMS_ContentInfo_free(message) }
            guard OBJ_obj2nid(CMS_get0_type(message)) == NID_pkcs7_enveloped else { throw Refusal() }
            let output = BIO_new(BIO_s_mem())
            defer { BIO_free_all(output) }
            if password.isEmpty {
                let key = try read(key, free: { EVP_PKEY_free($0) }) { d2i_AutoPrivateKey(nil, $0, $1) }
                defer { EVP_PKEY_free(key) }
                guard CMS_decrypt(message, key, nil, nil, output, UInt32(CMS_BINARY)) == 1 else { throw Refusal() }
            } else {
                var password = password
                guard CMS_decrypt_set1_password(message, &password, password.count) == 1,
                    CMS_decrypt(message, nil, nil, nil, output, UInt32(CMS_BINARY)) == 1
                else { throw Refusal() }
            }
            return hex(written(output))
        }
    }

    /// Reads a private key, and gives its public half.
    static func privateKey(_ der: [UInt8]) -> Verdict {
        checked {
            let key = try read(der, free: { EVP_PKEY_free($0) }) { d2i_AutoPrivateKey(nil, $0, $1) }
            defer { EVP_PKEY_free(key) }
            guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else { return hex(try encoded { i2d_PublicKey(key, $0) }) }
            var modulus: OpaquePointer?
            guard EVP_PKEY_get_bn_param(key, "n", &modulus) == 1 else { throw Refusal() }
            defer { BN_free(modulus) }
            var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(modulus) + 7) / 8)
            BN_bn2bin(modulus, &bytes)
            return hex(bytes)
        }
    }

    /// Decrypts a private key, and gives its public half.
    static func encryptedPrivateKey(_ der: [UInt8], password: [UInt8]) -> Verdict {
        checked {
            let encrypted = try read(der, free: { X509_SIG_free($0) }) { d2i_X509_SIG(nil, $0, $1) }
            defer { X509_SIG_free(encrypted) }
            let text = password.map { CChar(bitPattern: $0) }
            guard let info = PKCS8_decrypt(encrypted, text, Int32(text.count)) else { throw Refusal() }
            defer { PKCS8_PRIV_KEY_INFO_free(info) }
            guard case .accepted(let facts) = privateKey(try encoded { i2d_PKCS8_PRIV_KEY_INFO(info, $0) }) else {
                throw Refusal()
            }
            return facts
        }
    }
}

extension [UInt8] {
    fileprivate func count(of part: [UInt8]) -> Int { ranges(of: part).count }
}
