import COpenSSL

/// What a security token does with the keys that it keeps.
extension PrivateKey {
    /// Signs a digest that was made elsewhere: RSASSA-PKCS1-v1_5, or ECDSA in DER.
    public func sign(_ digest: [UInt8], of algorithm: Digest) throws(LibCryptoError) -> [UInt8] {
        let context = try made(EVP_PKEY_CTX_new(pointer, nil), "allocating a signature's context")
        defer { EVP_PKEY_CTX_free(context) }
        try check(EVP_PKEY_sign_init(context), "beginning a signature")
        if canDecrypt {
            try check(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), "choosing a signature's padding")
        }
        try check(EVP_PKEY_CTX_set_signature_md(context, algorithm.algorithm), "choosing a signature's digest")
        var count = 0
        try check(EVP_PKEY_sign(context, nil, &count, digest, digest.count), "measuring a signature")
        var signature = [UInt8](repeating: 0, count: count)
        try check(EVP_PKEY_sign(context, &signature, &count, digest, digest.count), "signing a digest")
        return [UInt8](signature[..<count])
    }

    /// Decrypts with RSA: RSAES-OAEP with `label`, the digest of its label and of MGF1, or else RSAES-PKCS1-v1_5.
    /// Nil when the ciphertext is not one for this key.
    public func decrypt(_ ciphertext: [UInt8], oaep label: Digest?) throws(LibCryptoError) -> [UInt8]? {
        let context = try made(EVP_PKEY_CTX_new(pointer, nil), "allocating a decryption's context")
        defer { EVP_PKEY_CTX_free(context) }
        try check(EVP_PKEY_decrypt_init(context), "beginning a decryption")
        let padding = label == nil ? RSA_PKCS1_PADDING : RSA_PKCS1_OAEP_PADDING
        try check(EVP_PKEY_CTX_set_rsa_padding(context, padding), "choosing a decryption's padding")
        if let label {
            try check(EVP_PKEY_CTX_set_rsa_oaep_md(context, label.algorithm), "choosing a label's digest")
        }
        var count = 0
        try check(EVP_PKEY_decrypt(context, nil, &count, ciphertext, ciphertext.count), "measuring a plaintext")
        var plaintext = [UInt8](repeating: 0, count: count)
        let status = EVP_PKEY_decrypt(context, &plaintext, &count, ciphertext, ciphertext.count)
        ERR_clear_error()
        return status > 0 ? [UInt8](plaintext[..<count]) : nil
    }
}

extension PublicKey {
    /// RSA: the modulus, big-endian, with no leading zero bytes. EC: the uncompressed point (SEC 1, section 2.3.3).
    public func bareBytes() throws(LibCryptoError) -> [UInt8] {
        guard isRSA else {
            var count = 0
            try check(
                EVP_PKEY_get_octet_string_param(pointer, "encoded-pub-key", nil, 0, &count), "measuring a point")
            var point = [UInt8](repeating: 0, count: count)
            try check(
                EVP_PKEY_get_octet_string_param(pointer, "encoded-pub-key", &point, count, &count), "reading a point")
            return [UInt8](point[..<count])
        }
        var modulus: OpaquePointer?
        try check(EVP_PKEY_get_bn_param(pointer, "n", &modulus), "reading a modulus")
        defer { BN_free(modulus) }
        var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(modulus) + 7) / 8)
        _ = BN_bn2bin(modulus, &bytes)
        return bytes
    }
}
