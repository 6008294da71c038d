/* SHA-1 and the SHA-2 family (FIPS 180-4) in one frame, with their rounds as loops. mbedTLS has a frame for each and
 * unrolls SHA-1, which takes 7 KB on a Cortex-M3 in all; this takes a third of that. MBEDTLS_SHA1_ALT and its like
 * ask for it. */

#include <string.h>

#include "mbedtls/platform_util.h"
#include "mbedtls/sha1.h"
#include "mbedtls/sha256.h"
#include "mbedtls/sha512.h"

#ifdef MBEDTLS_SHA1_ALT

/* SHA-256 takes the upper halves of the first 64 (4.2.2, 4.2.3). */
static const uint64_t round_constants[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* SHA-384's, then SHA-512's. SHA-256 takes the upper halves of the latter (5.3). */
static const uint64_t initial_values[2][8] = {
    {
        0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
        0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
    },
    {
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    },
};

static uint32_t rotate_right(uint32_t word, unsigned count) {
    return word >> count | word << (32 - count);
}

static uint64_t rotate_long(uint64_t word, unsigned count) {
    return word >> count | word << (64 - count);
}

static uint32_t word_at(const uint8_t *bytes) {
    return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3];
}

/* 6.1.2 */
static void process_sha1(uint32_t state[5], const uint8_t block[64]) {
    /* The last sixteen words of the message schedule, and the working variables a to e */
    uint32_t schedule[16], v[5];

    memcpy(v, state, sizeof v);
    for (unsigned t = 0; t < 80; t++) {
        uint32_t *word = &schedule[t & 15];
        uint32_t mixed;

        if (t < 16) {
            *word = word_at(block + 4 * t);
        } else {
            *word = rotate_right(schedule[(t + 13) & 15] ^ schedule[(t + 8) & 15] ^ schedule[(t + 2) & 15] ^ *word, 31);
        }
        if (t < 20) {
            mixed = ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5A827999;
        } else if (t < 40) {
            mixed = (v[1] ^ v[2] ^ v[3]) + 0x6ED9EBA1;
        } else if (t < 60) {
            mixed = ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8F1BBCDC;
        } else {
            mixed = (v[1] ^ v[2] ^ v[3]) + 0xCA62C1D6;
        }
        mixed += rotate_right(v[0], 27) + v[4] + *word;
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate_right(v[1], 2);
        v[1] = v[0];
        v[0] = mixed;
    }
    for (unsigned i = 0; i < 5; i++) {
        state[i] += v[i];
    }
    mbedtls_platform_zeroize(schedule, sizeof schedule);
    mbedtls_platform_zeroize(v, sizeof v);
}

/* 6.2.2 */
static void process_sha256(uint32_t state[8], const uint8_t block[64]) {
    uint32_t schedule[16], v[8];

    memcpy(v, state, sizeof v);
    for (unsigned t = 0; t < 64; t++) {
        uint32_t *word = &schedule[t & 15];
        uint32_t first, second;

        if (t < 16) {
            *word = word_at(block + 4 * t);
        } else {
            first = schedule[(t + 1) & 15];
            second = schedule[(t + 14) & 15];
            *word += schedule[(t + 9) & 15] + (rotate_right(first, 7) ^ rotate_right(first, 18) ^ first >> 3) +
                     (rotate_right(second, 17) ^ rotate_right(second, 19) ^ second >> 10);
        }
        first = v[7] + (rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25)) +
                (v[6] ^ (v[4] & (v[5] ^ v[6]))) + (uint32_t) (round_constants[t] >> 32) + *word;
        second = (rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22)) +
                 ((v[0] & v[1]) | (v[2] & (v[0] | v[1])));
        for (unsigned i = 7; i > 0; i--) {
            v[i] = v[i - 1];
        }
        v[4] += first;
        v[0] = first + second;
    }
    for (unsigned i = 0; i < 8; i++) {
        state[i] += v[i];
    }
    mbedtls_platform_zeroize(schedule, sizeof schedule);
    mbedtls_platform_zeroize(v, sizeof v);
}

/* 6.4.2 */
static void process_sha512(uint64_t state[8], const uint8_t block[128]) {
    uint64_t schedule[16], v[8];

    memcpy(v, state, sizeof v);
    for (unsigned t = 0; t < 80; t++) {
        uint64_t *word = &schedule[t & 15];
        uint64_t first, second;

        if (t < 16) {
            *word = (uint64_t) word_at(block + 8 * t) << 32 | word_at(block + 8 * t + 4);
        } else {
            first = schedule[(t + 1) & 15];
            second = schedule[(t + 14) & 15];
            *word += schedule[(t + 9) & 15] + (rotate_long(first, 1) ^ rotate_long(first, 8) ^ first >> 7) +
                     (rotate_long(second, 19) ^ rotate_long(second, 61) ^ second >> 6);
        }
        first = v[7] + (rotate_long(v[4], 14) ^ rotate_long(v[4], 18) ^ rotate_long(v[4], 41)) +
                (v[6] ^ (v[4] & (v[5] ^ v[6]))) + round_constants[t] + *word;
        second = (rotate_long(v[0], 28) ^ rotate_long(v[0], 34) ^ rotate_long(v[0], 39)) +
                 ((v[0] & v[1]) | (v[2] & (v[0] | v[1])));
        for (unsigned i = 7; i > 0; i--) {
            v[i] = v[i - 1];
        }
        v[4] += first;
        v[0] = first + second;
    }
    for (unsigned i = 0; i < 8; i++) {
        state[i] += v[i];
    }
    mbedtls_platform_zeroize(schedule, sizeof schedule);
    mbedtls_platform_zeroize(v, sizeof v);
}

static unsigned block_size(const sha_small_context *context) {
    return context->size > 32 ? 128 : 64;
}

static void process(sha_small_context *context) {
    if (context->size > 32) {
        process_sha512(context->state.longs, context->block);
    } else if (context->size == 32) {
        process_sha256(context->state.words, context->block);
    } else {
        process_sha1(context->state.words, context->block);
    }
    /* It may be a key, and contexts are copied. */
    mbedtls_platform_zeroize(context->block, block_size(context));
}

static void update(sha_small_context *context, const uint8_t *bytes, size_t count) {
    const unsigned mask = block_size(context) - 1;

    for (size_t i = 0; i < count; i++) {
        context->block[context->count++ & mask] = bytes[i];
        if ((context->count & mask) == 0) {
            process(context);
        }
    }
}

static void finish(sha_small_context *context, uint8_t *digest) {
    const uint64_t bits = context->count << 3;
    const unsigned mask = block_size(context) - 1;
    /* Behind the padding stands the length, in 8 bytes or 16, the first of which are zero. */
    const unsigned length = mask == 63 ? 8 : 16;
    uint8_t padding = 0x80;

    do {
        update(context, &padding, 1);
        padding = 0;
    } while ((context->count & mask) != mask + 1 - length);
    for (unsigned i = 0; i < length; i++) {
        padding = i + 8 < length ? 0 : (uint8_t) (bits >> 8 * (length - 1 - i));
        update(context, &padding, 1);
    }
    for (unsigned i = 0; i < context->size; i++) {
        digest[i] = context->size > 32 ? (uint8_t) (context->state.longs[i / 8] >> 8 * (7 - i % 8))
                                       : (uint8_t) (context->state.words[i / 4] >> 8 * (3 - i % 4));
    }
}

static void start(sha_small_context *context, unsigned size) {
    static const uint32_t sha1[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};

    context->count = 0;
    context->size = (uint8_t) size;
    if (size == 20) {
        memcpy(context->state.words, sha1, sizeof sha1);
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        const uint64_t value = initial_values[size != 48][i];

        if (size == 32) {
            context->state.words[i] = (uint32_t) (value >> 32);
        } else {
            context->state.longs[i] = value;
        }
    }
}

void mbedtls_sha1_init(mbedtls_sha1_context *context) {
    memset(context, 0, sizeof *context);
}

void mbedtls_sha1_free(mbedtls_sha1_context *context) {
    if (context != NULL) {
        mbedtls_platform_zeroize(context, sizeof *context);
    }
}

void mbedtls_sha1_clone(mbedtls_sha1_context *copy, const mbedtls_sha1_context *context) {
    *copy = *context;
}

int mbedtls_sha1_starts(mbedtls_sha1_context *context) {
    start(context, 20);
    return 0;
}

int mbedtls_sha1_update(mbedtls_sha1_context *context, const unsigned char *bytes, size_t count) {
    update(context, bytes, count);
    return 0;
}

int mbedtls_sha1_finish(mbedtls_sha1_context *context, unsigned char digest[20]) {
    finish(context, digest);
    return 0;
}

void mbedtls_sha256_init(mbedtls_sha256_context *context) {
    mbedtls_sha1_init(context);
}

void mbedtls_sha256_free(mbedtls_sha256_context *context) {
    mbedtls_sha1_free(context);
}

void mbedtls_sha256_clone(mbedtls_sha256_context *copy, const mbedtls_sha256_context *context) {
    *copy = *context;
}

/* SHA-224 is not here. */
int mbedtls_sha256_starts(mbedtls_sha256_context *context, int is_sha224) {
    start(context, 32);
    return is_sha224 ? MBEDTLS_ERR_SHA256_BAD_INPUT_DATA : 0;
}

int mbedtls_sha256_update(mbedtls_sha256_context *context, const unsigned char *bytes, size_t count) {
    update(context, bytes, count);
    return 0;
}

int mbedtls_sha256_finish(mbedtls_sha256_context *context, unsigned char *digest) {
    finish(context, digest);
    return 0;
}

void mbedtls_sha512_init(mbedtls_sha512_context *context) {
    mbedtls_sha1_init(context);
}

void mbedtls_sha512_free(mbedtls_sha512_context *context) {
    mbedtls_sha1_free(context);
}

void mbedtls_sha512_clone(mbedtls_sha512_context *copy, const mbedtls_sha512_context *context) {
    *copy = *context;
}

int mbedtls_sha512_starts(mbedtls_sha512_context *context, int is_sha384) {
    start(context, is_sha384 ? 48 : 64);
    return 0;
}

int mbedtls_sha512_update(mbedtls_sha512_context *context, const unsigned char *bytes, size_t count) {
    update(context, bytes, count);
    return 0;
}

int mbedtls_sha512_finish(mbedtls_sha512_context *context, unsigned char *digest) {
    finish(context, digest);
    return 0;
}

#endif
