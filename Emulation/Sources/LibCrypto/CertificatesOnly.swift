import COpenSSL

/// certificates-only SignedData: it has no signer and carries certificates and CRLs (RFC 8894, section 3.4).
public enum CertificatesOnly {
    /// ContentInfo with the certificates in this order, DER but for a SET that is not sorted, as CAs commonly send it.
    ///
    /// - Parameter hasEmptyContent: whether eContent is an empty octet string; it is absent otherwise.
    public static func encode(
        _ certificates: [Certificate], lists: [RevocationList] = [], hasEmptyContent: Bool = false
    ) throws(LibCryptoError) -> [UInt8] {
        let message = try made(COpenSSL_newCertificatesOnly(hasEmptyContent ? 0 : 1), "starting a SignedData")
        defer { PKCS7_free(message) }
        for certificate in certificates {
            try check(PKCS7_add_certificate(message, certificate.pointer), "adding a certificate to a SignedData")
        }
        for list in lists {
            try check(PKCS7_add_crl(message, list.pointer), "adding a CRL to a SignedData")
        }
        return try encoded("encoding a SignedData") { i2d_PKCS7(message, $0) }
    }

    /// The certificates and CRLs of one, DER or BER.
    public static func decode(
        _ bytes: [UInt8]
    ) throws(LibCryptoError) -> (certificates: [Certificate], lists: [RevocationList]) {
        let message = try decoded(bytes, "reading a SignedData", free: { CMS_ContentInfo_free($0) }) {
            d2i_CMS_ContentInfo(nil, $0, $1)
        }
        defer { CMS_ContentInfo_free(message) }
        guard OBJ_obj2nid(CMS_get0_type(message)) == NID_pkcs7_signed else {
            throw LibCryptoError("the CMS message is no SignedData")
        }
        var lists: [RevocationList] = []
        if let stack = CMS_get1_crls(message) {
            defer { COpenSSL_popFreeCRLs(stack) }
            for index in 0..<COpenSSL_countCRLs(stack) {
                guard let item = COpenSSL_crl(stack, index), X509_CRL_up_ref(item) == 1 else { continue }
                lists.append(try RevocationList(taking: item))
            }
        }
        return (carriedCertificates(message), lists)
    }
}
