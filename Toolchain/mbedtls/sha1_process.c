/* SHA-1's compression function (FIPS 180-4, 6.1.2) as a loop. mbedTLS unrolls it, which takes 3.7 KB on a Cortex-M3;
 * this takes a tenth of that, and SHA-1 is there for old servers only. MBEDTLS_SHA1_PROCESS_ALT asks for it. */

#include "mbedtls/platform_util.h"
#include "mbedtls/sha1.h"

#ifdef MBEDTLS_SHA1_PROCESS_ALT

static uint32_t rotate_left(uint32_t word, unsigned count) {
    return word << count | word >> (32 - count);
}

int mbedtls_internal_sha1_process(mbedtls_sha1_context *context, const unsigned char data[64]) {
    struct {
        /* The last sixteen words of the message schedule */
        uint32_t schedule[16];
        uint32_t a, b, c, d, e;
    } local;

    local.a = context->MBEDTLS_PRIVATE(state)[0];
    local.b = context->MBEDTLS_PRIVATE(state)[1];
    local.c = context->MBEDTLS_PRIVATE(state)[2];
    local.d = context->MBEDTLS_PRIVATE(state)[3];
    local.e = context->MBEDTLS_PRIVATE(state)[4];
    for (unsigned t = 0; t < 80; t++) {
        uint32_t *word = &local.schedule[t & 15];
        uint32_t mixed, constant;

        if (t < 16) {
            const unsigned char *bytes = data + 4 * t;
            *word = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3];
        } else {
            *word = rotate_left(local.schedule[(t + 13) & 15] ^ local.schedule[(t + 8) & 15] ^
                                    local.schedule[(t + 2) & 15] ^ *word,
                                1);
        }
        if (t < 20) {
            mixed = (local.b & local.c) | (~local.b & local.d);
            constant = 0x5A827999;
        } else if (t < 40) {
            mixed = local.b ^ local.c ^ local.d;
            constant = 0x6ED9EBA1;
        } else if (t < 60) {
            mixed = (local.b & local.c) | (local.b & local.d) | (local.c & local.d);
            constant = 0x8F1BBCDC;
        } else {
            mixed = local.b ^ local.c ^ local.d;
            constant = 0xCA62C1D6;
        }
        mixed += rotate_left(local.a, 5) + local.e + constant + *word;
        local.e = local.d;
        local.d = local.c;
        local.c = rotate_left(local.b, 30);
        local.b = local.a;
        local.a = mixed;
    }
    context->MBEDTLS_PRIVATE(state)[0] += local.a;
    context->MBEDTLS_PRIVATE(state)[1] += local.b;
    context->MBEDTLS_PRIVATE(state)[2] += local.c;
    context->MBEDTLS_PRIVATE(state)[3] += local.d;
    context->MBEDTLS_PRIVATE(state)[4] += local.e;
    mbedtls_platform_zeroize(&local, sizeof local);
    return 0;
}

#endif
