/* What every class of machine has of mbedTLS 3.6: the algorithms of SCEP and nothing of TLS, X.509 or PSA
 * (config-tls.h adds a TLS client).
 * Whatever a program does not call is dropped by its linker. */

#define MBEDTLS_HAVE_ASM
#define MBEDTLS_PLATFORM_C

/* Digests, SHA-2 with its rounds as loops; MD is what RSA-OAEP looks digests up with. */
#define MBEDTLS_MD_C
#define MBEDTLS_SHA1_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_SHA512_SMALLER

/* Ciphers: AES and triple DES in CBC mode. One table of AES's for each direction where mbedTLS would have four, and in the
 * image: made when first used, they would take RAM. */
#define MBEDTLS_AES_C
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_DES_C
#define MBEDTLS_CIPHER_MODE_CBC

/* Random numbers. Seeds are the board's own affair. */
#define MBEDTLS_CTR_DRBG_C

/* RSA: PKCS #1 v1.5 signatures and key transport, OAEP, key generation */
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_GENPRIME
#define MBEDTLS_OID_C
/* RSA looks digests up by OID; the names beside them are for people and cost two kilobytes */
#define MBEDTLS_X509_REMOVE_INFO
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C

/* Elliptic curves */
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECDSA_C
/* Signatures need no fresh randomness (RFC 6979): poor seeds cannot give a key away */
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_HMAC_DRBG_C

/* RSA-4096 is the largest key: 512 bytes */
#define MBEDTLS_MPI_MAX_SIZE 512
