// What would be in the image several times over, were it inline.

#include "CMbedTLS.h"

#ifndef CMBEDTLS_NO_EC

// A word of 32 bits of a number that is not negative, from the least significant on.
static int64_t word(const mbedtls_mpi *number, size_t index) {
    const size_t words = sizeof(mbedtls_mpi_uint) / 4;
    return index / words < number->n ? (int64_t) (uint32_t) (number->p[index / words] >> 32 * (index % words)) : 0;
}

// Reduces a product to `count` words, to what may still be greater than the prime once. The prime is such that
// 2^(32 * count) is the same as a sum of four powers of 2^32 (FIPS 186-4, D.2): `powers` says how far below, the
// `negative` of them being subtracted. mbedTLS unrolls this, which takes three times the code.
static int reduce(mbedtls_mpi *number, size_t count, const uint8_t powers[4], unsigned negative) {
    int64_t words[24];
    for (size_t i = 0; i < 2 * count; i += 1) {
        words[i] = word(number, i);
    }
    int ret = mbedtls_mpi_lset(number, 0);
    if (ret == 0) {
        ret = mbedtls_mpi_grow(number, 4 * count / sizeof(mbedtls_mpi_uint));
    }
    if (ret != 0) {
        return ret;
    }
    // The first time leaves a few multiples of the prime more or less; the second and the third take them away.
    size_t top = 2 * count;
    for (unsigned time = 0; time < 3; time += 1) {
        while (top > count) {
            top -= 1;
            for (unsigned i = 0; i < 4; i += 1) {
                words[top - powers[i]] += negative >> i & 1 ? -words[top] : words[top];
            }
        }
        int64_t carry = 0;
        for (size_t i = 0; i < count; i += 1) {
            carry += words[i];
            words[i] = (int64_t) (uint32_t) carry;
            carry >>= 32;
        }
        words[count] = carry;
        top = count + 1;
    }
    const size_t per_limb = sizeof(mbedtls_mpi_uint) / 4;
    for (size_t i = 0; i < count; i += 1) {
        number->p[i / per_limb] |= (mbedtls_mpi_uint) words[i] << 32 * (i % per_limb);
    }
    return 0;
}

static int reduce_p256(mbedtls_mpi *number) {
    static const uint8_t powers[4] = {1, 2, 5, 8};
    return reduce(number, 8, powers, 1 << 1 | 1 << 2);
}

static int reduce_p384(mbedtls_mpi *number) {
    static const uint8_t powers[4] = {8, 9, 11, 12};
    return reduce(number, 12, powers, 1 << 2);
}

int cmbedtls_ec_group(mbedtls_ecp_group *group, size_t field_size) {
    int ret = mbedtls_ecp_group_load(group, field_size == 32 ? MBEDTLS_ECP_DP_SECP256R1 : MBEDTLS_ECP_DP_SECP384R1);
    group->modp = field_size == 32 ? reduce_p256 : reduce_p384;
    return ret;
}

__attribute__((noinline)) void cmbedtls_clear_stack(void) {
    uint8_t capacity[1024];
    mbedtls_platform_zeroize(capacity, sizeof capacity);
}

#endif
