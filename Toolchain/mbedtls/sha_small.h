/* The context of every digest of sha_small.c, under the names that mbedTLS has for them. */
#ifndef SHA_SMALL_H
#define SHA_SMALL_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    /* Bytes so far */
    uint64_t count;
    union {
        uint32_t words[8];
        uint64_t longs[8];
    } state;
    uint8_t block[128];
    /* Bytes of the digest */
    uint8_t size;
} sha_small_context;

typedef sha_small_context mbedtls_sha1_context;
typedef sha_small_context mbedtls_sha256_context;
typedef sha_small_context mbedtls_sha512_context;

#endif
