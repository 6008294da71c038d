#include "CMbedTLS.h"

#include <string.h>

// Line 2.28 marks the plain names as deprecated and has the checked ones end in _ret.
#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define CMBEDTLS_CHECKED(name) name##_ret
#else
#define CMBEDTLS_CHECKED(name) name
#endif

mbedtls_md_type_t cmbedtls_md(uint8_t algorithm) {
    switch (algorithm) {
    case CMBEDTLS_SHA1: return MBEDTLS_MD_SHA1;
    case CMBEDTLS_SHA256: return MBEDTLS_MD_SHA256;
    case CMBEDTLS_SHA384: return MBEDTLS_MD_SHA384;
    case CMBEDTLS_SHA512: return MBEDTLS_MD_SHA512;
    default: return MBEDTLS_MD_NONE;
    }
}

// The results below are dropped: the software digests of both lines cannot fail on a context that was started.

void cmbedtls_hash_start(cmbedtls_hash *hash, uint8_t algorithm) {
    hash->algorithm = algorithm;
    switch (algorithm) {
    case CMBEDTLS_SHA1:
        mbedtls_sha1_init(&hash->state.sha1);
        (void) CMBEDTLS_CHECKED(mbedtls_sha1_starts)(&hash->state.sha1);
        break;
    case CMBEDTLS_SHA256:
        mbedtls_sha256_init(&hash->state.sha256);
        (void) CMBEDTLS_CHECKED(mbedtls_sha256_starts)(&hash->state.sha256, 0);
        break;
    default:
        mbedtls_sha512_init(&hash->state.sha512);
        (void) CMBEDTLS_CHECKED(mbedtls_sha512_starts)(&hash->state.sha512, algorithm == CMBEDTLS_SHA384);
        break;
    }
}

void cmbedtls_hash_update(cmbedtls_hash *hash, const uint8_t *bytes, size_t count) {
    switch (hash->algorithm) {
    case CMBEDTLS_SHA1:
        (void) CMBEDTLS_CHECKED(mbedtls_sha1_update)(&hash->state.sha1, bytes, count);
        break;
    case CMBEDTLS_SHA256:
        (void) CMBEDTLS_CHECKED(mbedtls_sha256_update)(&hash->state.sha256, bytes, count);
        break;
    default:
        (void) CMBEDTLS_CHECKED(mbedtls_sha512_update)(&hash->state.sha512, bytes, count);
        break;
    }
}

void cmbedtls_hash_copy(cmbedtls_hash *hash, const cmbedtls_hash *other) {
    memcpy(hash, other, sizeof *hash);
}

void cmbedtls_hash_finish(cmbedtls_hash *hash, uint8_t digest[64]) {
    switch (hash->algorithm) {
    case CMBEDTLS_SHA1:
        (void) CMBEDTLS_CHECKED(mbedtls_sha1_finish)(&hash->state.sha1, digest);
        break;
    case CMBEDTLS_SHA256:
        (void) CMBEDTLS_CHECKED(mbedtls_sha256_finish)(&hash->state.sha256, digest);
        break;
    default:
        (void) CMBEDTLS_CHECKED(mbedtls_sha512_finish)(&hash->state.sha512, digest);
        break;
    }
}
