#ifndef COPENSSL_H
#define COPENSSL_H

/// The only use of OpenSSL's libcrypto (Debian: libssl-dev). Inline functions stand for what Swift cannot call:
/// macros, variadic functions, and the typed stacks that are made of macros.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long COpenSSL_memoryContents(BIO *bio, char **contents) { return BIO_get_mem_data(bio, contents); }

/// RFC 2253, with characters beyond ASCII as they are.
static inline unsigned long COpenSSL_nameStyle(void) { return XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB; }

/// The cipher of the filter in a chain that CMS_dataInit made, or NULL.
static inline int COpenSSL_cipherOfChain(BIO *chain) {
    EVP_CIPHER_CTX *context = NULL;
    BIO *filter = BIO_find_type(chain, BIO_TYPE_CIPHER);
    if (filter == NULL || BIO_get_cipher_ctx(filter, &context) <= 0 || context == NULL) return NID_undef;
    return EVP_CIPHER_CTX_get_nid(context);
}

/// 1 when the last block of a chain that decrypted was well padded.
static inline int COpenSSL_cipherStatus(BIO *chain) {
    BIO *filter = BIO_find_type(chain, BIO_TYPE_CIPHER);
    return filter == NULL ? 0 : (int)BIO_get_cipher_status(filter);
}

static inline EVP_PKEY *COpenSSL_generateRSA(unsigned int bits) { return EVP_RSA_gen(bits); }
static inline EVP_PKEY *COpenSSL_generateEC(const char *curve) { return EVP_EC_gen(curve); }

static inline STACK_OF(X509) *COpenSSL_newCertificates(void) { return sk_X509_new_null(); }
static inline int COpenSSL_countCertificates(const STACK_OF(X509) *stack) { return sk_X509_num(stack); }
static inline X509 *COpenSSL_certificate(const STACK_OF(X509) *stack, int index) { return sk_X509_value(stack, index); }
static inline int COpenSSL_pushCertificate(STACK_OF(X509) *stack, X509 *item) { return sk_X509_push(stack, item); }
static inline void COpenSSL_freeCertificates(STACK_OF(X509) *stack) { sk_X509_free(stack); }
static inline void COpenSSL_popFreeCertificates(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline int COpenSSL_countCRLs(const STACK_OF(X509_CRL) *stack) { return sk_X509_CRL_num(stack); }
static inline X509_CRL *COpenSSL_crl(const STACK_OF(X509_CRL) *stack, int index) {
    return sk_X509_CRL_value(stack, index);
}
static inline void COpenSSL_popFreeCRLs(STACK_OF(X509_CRL) *stack) { sk_X509_CRL_pop_free(stack, X509_CRL_free); }

static inline int COpenSSL_countRevoked(STACK_OF(X509_REVOKED) *stack) { return sk_X509_REVOKED_num(stack); }
static inline X509_REVOKED *COpenSSL_revoked(STACK_OF(X509_REVOKED) *stack, int index) {
    return sk_X509_REVOKED_value(stack, index);
}

static inline int COpenSSL_countExtensions(const STACK_OF(X509_EXTENSION) *stack) {
    return sk_X509_EXTENSION_num(stack);
}
static inline X509_EXTENSION *COpenSSL_extension(const STACK_OF(X509_EXTENSION) *stack, int index) {
    return sk_X509_EXTENSION_value(stack, index);
}
static inline STACK_OF(X509_EXTENSION) *COpenSSL_newExtensions(void) { return sk_X509_EXTENSION_new_null(); }
static inline int COpenSSL_pushExtension(STACK_OF(X509_EXTENSION) *stack, X509_EXTENSION *item) {
    return sk_X509_EXTENSION_push(stack, item);
}
static inline void COpenSSL_popFreeExtensions(STACK_OF(X509_EXTENSION) *stack) {
    sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
}

static inline int COpenSSL_countSigners(const STACK_OF(CMS_SignerInfo) *stack) { return sk_CMS_SignerInfo_num(stack); }
static inline CMS_SignerInfo *COpenSSL_signer(const STACK_OF(CMS_SignerInfo) *stack, int index) {
    return sk_CMS_SignerInfo_value(stack, index);
}

static inline int COpenSSL_countRecipients(const STACK_OF(CMS_RecipientInfo) *stack) {
    return sk_CMS_RecipientInfo_num(stack);
}
static inline CMS_RecipientInfo *COpenSSL_recipient(const STACK_OF(CMS_RecipientInfo) *stack, int index) {
    return sk_CMS_RecipientInfo_value(stack, index);
}

/// SignedData with no signer and no content, or an empty one. Unlike the CMS functions, these keep the certificates in
/// their order.
static inline PKCS7 *COpenSSL_newCertificatesOnly(int isDetached) {
    PKCS7 *message = PKCS7_new();
    if (message != NULL && PKCS7_set_type(message, NID_pkcs7_signed) && PKCS7_content_new(message, NID_pkcs7_data)) {
        PKCS7_set_detached(message, isDetached);
        return message;
    }
    PKCS7_free(message);
    return NULL;
}

static inline int COpenSSL_countTypes(const ASN1_SEQUENCE_ANY *stack) { return sk_ASN1_TYPE_num(stack); }
static inline ASN1_TYPE *COpenSSL_type(const ASN1_SEQUENCE_ANY *stack, int index) {
    return sk_ASN1_TYPE_value(stack, index);
}
static inline ASN1_SEQUENCE_ANY *COpenSSL_newTypes(void) { return sk_ASN1_TYPE_new_null(); }
static inline int COpenSSL_pushType(ASN1_SEQUENCE_ANY *stack, ASN1_TYPE *item) {
    return sk_ASN1_TYPE_push(stack, item);
}
static inline void COpenSSL_popFreeTypes(ASN1_SEQUENCE_ANY *stack) { sk_ASN1_TYPE_pop_free(stack, ASN1_TYPE_free); }

/// The text or bytes of a string type in `value`, or NULL when it holds something else.
static inline const ASN1_STRING *COpenSSL_string(const ASN1_TYPE *value) {
    switch (value->type) {
    case V_ASN1_BOOLEAN:
    case V_ASN1_NULL:
    case V_ASN1_OBJECT:
        return NULL;
    default:
        return value->value.asn1_string;
    }
}

/// Asks for RSAES-OAEP with SHA-1 in a recipient that was added with CMS_KEY_PARAM.
static inline int COpenSSL_useOAEP(CMS_RecipientInfo *recipient) {
    EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
    return context != NULL && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0;
}

/// Adds a PasswordRecipientInfo with PBKDF2 and the content's own cipher, or returns NULL. OpenSSL frees its copy of
/// the password.
static inline CMS_RecipientInfo *COpenSSL_addPassword(
    CMS_ContentInfo *message, int iterations, const unsigned char *password, long count) {
    unsigned char *copy = OPENSSL_memdup(password, (size_t)count);
    if (copy == NULL) return NULL;
    return CMS_add0_recipient_password(message, iterations, NID_undef, NID_undef, copy, count, NULL);
}

#endif
