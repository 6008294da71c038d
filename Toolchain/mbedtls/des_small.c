/* DES (FIPS 46-3) bit by bit. mbedTLS's tables and unrolled rounds take 4.3 KB on a Cortex-M3; this takes a quarter of
 * that. It is slow, and there for old servers only. MBEDTLS_DES_SETKEY_ALT and its like ask for it. */

/* The members of its contexts, which this works on */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include "mbedtls/des.h"
#include "mbedtls/platform_util.h"

#ifdef MBEDTLS_DES_SETKEY_ALT

/* Two entries a byte, the even one low, by the six bits as they come. */
static const uint8_t substitution[8][32] = {
    {
        0x0e, 0xf4, 0x7d, 0x41, 0xe2, 0x2f, 0xdb, 0x18, 0xa3, 0x6a, 0xc6, 0xbc, 0x95, 0x59, 0x30, 0x87,
        0xf4, 0xc1, 0x8e, 0x28, 0x4d, 0x96, 0x12, 0x7b, 0x5f, 0xbc, 0x39, 0xe7, 0xa3, 0x0a, 0x65, 0xd0,
    },
    {
        0x3f, 0xd1, 0x48, 0x7e, 0xf6, 0x2b, 0x83, 0xe4, 0xc9, 0x07, 0x12, 0xad, 0x6c, 0x90, 0xb5, 0x5a,
        0xd0, 0x8e, 0xa7, 0x1b, 0x3a, 0xf4, 0x4d, 0x21, 0xb5, 0x68, 0x7c, 0xc6, 0x09, 0x53, 0xe2, 0x9f,
    },
    {
        0xda, 0x70, 0x09, 0x9e, 0x36, 0x43, 0x6f, 0xa5, 0x21, 0x8d, 0x5c, 0xe7, 0xcb, 0xb4, 0xf2, 0x18,
        0x1d, 0xa6, 0xd4, 0x09, 0x68, 0x9f, 0x83, 0x70, 0x4b, 0xf1, 0xe2, 0x3c, 0xb5, 0x5a, 0x2e, 0xc7,
    },
    {
        0xd7, 0x8d, 0xbe, 0x53, 0x60, 0xf6, 0x09, 0x3a, 0x41, 0x72, 0x28, 0xc5, 0x1b, 0xac, 0xe4, 0x9f,
        0x3a, 0xf6, 0x09, 0x60, 0xac, 0x1b, 0xd7, 0x8d, 0x9f, 0x41, 0x53, 0xbe, 0xc5, 0x72, 0x28, 0xe4,
    },
    {
        0xe2, 0xbc, 0x24, 0xc1, 0x47, 0x7a, 0xdb, 0x16, 0x58, 0x05, 0xf3, 0xaf, 0x3d, 0x90, 0x8e, 0x69,
        0xb4, 0x82, 0xc1, 0x7b, 0x1a, 0xed, 0x27, 0xd8, 0x6f, 0xf9, 0x0c, 0x95, 0xa6, 0x43, 0x50, 0x3e,
    },
    {
        0xac, 0xf1, 0x4a, 0x2f, 0x79, 0xc2, 0x96, 0x58, 0x60, 0x1d, 0xd3, 0xe4, 0x0e, 0xb7, 0x35, 0x8b,
        0x49, 0x3e, 0x2f, 0xc5, 0x92, 0x58, 0xfc, 0xa3, 0xb7, 0xe0, 0x14, 0x7a, 0x61, 0x0d, 0x8b, 0xd6,
    },
    {
        0xd4, 0x0b, 0xb2, 0x7e, 0x4f, 0x90, 0x18, 0xad, 0xe3, 0x3c, 0x59, 0xc7, 0x25, 0xfa, 0x86, 0x61,
        0x61, 0xb4, 0xdb, 0x8d, 0x1c, 0x43, 0xa7, 0x7e, 0x9a, 0x5f, 0x06, 0xf8, 0xe0, 0x25, 0x39, 0xc2,
    },
    {
        0x1d, 0xf2, 0xd8, 0x84, 0xa6, 0x3f, 0x7b, 0x41, 0xca, 0x59, 0x63, 0xbe, 0x05, 0xe0, 0x9c, 0x27,
        0x27, 0x1b, 0xe4, 0x71, 0x49, 0xac, 0x8e, 0xd2, 0xf0, 0xc6, 0x9a, 0x0d, 0x3f, 0x53, 0x65, 0xb8,
    },
};

/* Bits are counted from 1, the most significant, as in the standard. */

static const uint8_t permutation[32] = {
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
    2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
};

static const uint8_t first_choice[56] = {
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18,
    10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
    63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22,
    14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
};

static const uint8_t second_choice[48] = {
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10,
    23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
    41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48,
    44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
};

/* The bits of a number of `width` bits that a table lists. */
static uint64_t chosen(uint64_t bits, unsigned width, const uint8_t *table, unsigned count) {
    uint64_t result = 0;

    for (unsigned i = 0; i < count; i++) {
        result = result << 1 | (bits >> (width - table[i]) & 1);
    }
    return result;
}

/* Two words a round: the key's upper and lower 24 bits. */
void mbedtls_des_setkey(uint32_t schedule[32], const unsigned char key[MBEDTLS_DES_KEY_SIZE]) {
    uint64_t bits = 0;
    uint32_t halves[2];

    for (unsigned i = 0; i < 8; i++) {
        bits = bits << 8 | key[i];
    }
    bits = chosen(bits, 64, first_choice, 56);
    halves[0] = (uint32_t) (bits >> 28);
    halves[1] = (uint32_t) bits & 0xfffffff;
    for (unsigned round = 0; round < 16; round++) {
        /* One bit in rounds 1, 2, 9 and 16, else two */
        const unsigned count = 0x8103 >> round & 1 ? 1 : 2;

        for (unsigned i = 0; i < 2; i++) {
            halves[i] = (halves[i] << count | halves[i] >> (28 - count)) & 0xfffffff;
        }
        bits = chosen((uint64_t) halves[0] << 28 | halves[1], 56, second_choice, 48);
        schedule[2 * round] = (uint32_t) (bits >> 24);
        schedule[2 * round + 1] = (uint32_t) bits & 0xffffff;
    }
    mbedtls_platform_zeroize(&bits, sizeof bits);
    mbedtls_platform_zeroize(halves, sizeof halves);
}

static uint32_t round_function(uint32_t half, const uint32_t key[2]) {
    uint32_t result = 0;

    for (unsigned i = 0; i < 8; i++) {
        /* Six bits, from the last of the group before to the first of the group after */
        const unsigned rotation = (4 * i + 31) & 31;
        const uint32_t group = half << rotation | half >> (32 - rotation);
        const unsigned index = (group >> 26 ^ key[i / 4] >> (18 - 6 * (i & 3))) & 63;

        result = result << 4 | (substitution[i][index / 2] >> 4 * (index & 1) & 15);
    }
    return (uint32_t) chosen(result, 32, permutation, 32);
}

/* The initial permutation, or its inverse. */
static uint64_t permuted(uint64_t bits, int inverse) {
    uint64_t result = 0;

    for (unsigned i = 0; i < 64; i++) {
        const unsigned other = 8 * (7 - (i & 7)) + 2 * (i >> 3 & 3) + (i < 32);
        const unsigned from = inverse ? i : other, to = inverse ? other : i;

        result |= (bits >> (63 - from) & 1) << (63 - to);
    }
    return result;
}

static void crypt_block(const uint32_t *schedule, const unsigned char input[8], unsigned char output[8]) {
    uint64_t bits = 0;
    uint32_t left, right;

    for (unsigned i = 0; i < 8; i++) {
        bits = bits << 8 | input[i];
    }
    bits = permuted(bits, 0);
    left = (uint32_t) (bits >> 32);
    right = (uint32_t) bits;
    for (unsigned round = 0; round < 16; round++) {
        const uint32_t next = left ^ round_function(right, schedule + 2 * round);

        left = right;
        right = next;
    }
    bits = permuted((uint64_t) right << 32 | left, 1);
    for (unsigned i = 0; i < 8; i++) {
        output[i] = (unsigned char) (bits >> (56 - 8 * i));
    }
}

int mbedtls_des_crypt_ecb(mbedtls_des_context *context, const unsigned char input[8], unsigned char output[8]) {
    crypt_block(context->sk, input, output);
    return 0;
}

int mbedtls_des3_crypt_ecb(mbedtls_des3_context *context, const unsigned char input[8], unsigned char output[8]) {
    crypt_block(context->sk, input, output);
    crypt_block(context->sk + 32, output, output);
    crypt_block(context->sk + 64, output, output);
    return 0;
}

#endif
