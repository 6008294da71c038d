/// One context for every digest.
#ifndef CMBEDTLS_HASH_H
#define CMBEDTLS_HASH_H

#include "CMbedTLS.h"

/// The numbers of DigestAlgorithm in Swift.
enum {
    CMBEDTLS_SHA1 = 1,
    CMBEDTLS_SHA256 = 2,
    CMBEDTLS_SHA384 = 3,
    CMBEDTLS_SHA512 = 4,
};

typedef struct {
    uint8_t algorithm;
    union {
        mbedtls_sha1_context sha1;
        mbedtls_sha256_context sha256;
        mbedtls_sha512_context sha512;
    } state;
} cmbedtls_hash;

/// The name of a digest in mbedTLS, which differs between the lines.
mbedtls_md_type_t cmbedtls_md(uint8_t algorithm);

void cmbedtls_hash_start(cmbedtls_hash *hash, uint8_t algorithm);

void cmbedtls_hash_update(cmbedtls_hash *hash, const uint8_t *bytes, size_t count);

/// Goes on from where another digest is.
void cmbedtls_hash_copy(cmbedtls_hash *hash, const cmbedtls_hash *other);

/// Writes as many bytes as the digest has, at most 64.
void cmbedtls_hash_finish(cmbedtls_hash *hash, uint8_t digest[64]);

#endif
