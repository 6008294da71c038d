/// RSA calls whose signatures differ between the lines: 2.28 names a mode, 3.x does not.
#ifndef CMBEDTLS_RSA_H
#define CMBEDTLS_RSA_H

#include "CMbedTLS.h"
#include "CMbedTLSHash.h"
#include "CMbedTLSRandom.h"

#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define CMBEDTLS_MODE(mode) mode,
#else
#define CMBEDTLS_MODE(mode)
#endif

/// An empty context, set to PKCS#1 v1.5.
static inline void cmbedtls_rsa_init(mbedtls_rsa_context *key) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    mbedtls_rsa_init(key, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE);
#else
    mbedtls_rsa_init(key);
#endif
}

/// Makes a private key of its prime factors, Q behind P and `half` bytes each: what CRT operations need and no more.
/// The private exponent is left out: it costs time and arena, and nothing here uses it.
static inline int cmbedtls_rsa_load_private(mbedtls_rsa_context *key, const uint8_t *primes, size_t half,
                                            uint32_t exponent) {
    int ret = 0;
    const uint8_t e[4] = {
        (uint8_t) (exponent >> 24), (uint8_t) (exponent >> 16), (uint8_t) (exponent >> 8), (uint8_t) exponent,
    };
    mbedtls_mpi less_one;
    mbedtls_mpi_init(&less_one);
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&key->P, primes, half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&key->Q, primes + half, half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&key->E, e, sizeof e));
    MBEDTLS_MPI_CHK(mbedtls_mpi_mul_mpi(&key->N, &key->P, &key->Q));
    key->len = mbedtls_mpi_size(&key->N);
    MBEDTLS_MPI_CHK(mbedtls_mpi_sub_int(&less_one, &key->P, 1));
    MBEDTLS_MPI_CHK(mbedtls_mpi_inv_mod(&key->DP, &key->E, &less_one));
    MBEDTLS_MPI_CHK(mbedtls_mpi_sub_int(&less_one, &key->Q, 1));
    MBEDTLS_MPI_CHK(mbedtls_mpi_inv_mod(&key->DQ, &key->E, &less_one));
    MBEDTLS_MPI_CHK(mbedtls_mpi_inv_mod(&key->QP, &key->Q, &key->P));
cleanup:
    mbedtls_mpi_free(&less_one);
    return ret;
}

/// The modulus alone, 2 * `half` bytes: the product of the prime factors.
static inline int cmbedtls_rsa_modulus(const uint8_t *primes, size_t half, uint8_t *modulus) {
    int ret = 0;
    mbedtls_mpi p, q;
    mbedtls_mpi_init(&p);
    mbedtls_mpi_init(&q);
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&p, primes, half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&q, primes + half, half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_mul_mpi(&p, &p, &q));
    MBEDTLS_MPI_CHK(mbedtls_mpi_write_binary(&p, modulus, 2 * half));
cleanup:
    mbedtls_mpi_free(&p);
    mbedtls_mpi_free(&q);
    return ret;
}

static inline int cmbedtls_rsa_generate(mbedtls_rsa_context *key, mbedtls_ctr_drbg_context *random, unsigned bits,
                                        int exponent) {
    return mbedtls_rsa_gen_key(key, cmbedtls_random, random, bits, exponent);
}

/// RSASSA-PKCS1-v1_5, blinded; the result is verified before it is handed out, so that a glitch cannot leak a factor.
static inline int cmbedtls_rsa_sign(mbedtls_rsa_context *key, mbedtls_ctr_drbg_context *random, uint8_t algorithm,
                                    size_t count, const uint8_t *digest, uint8_t *signature) {
    return mbedtls_rsa_rsassa_pkcs1_v15_sign(key, cmbedtls_random, random, CMBEDTLS_MODE(MBEDTLS_RSA_PRIVATE)
                                             cmbedtls_md(algorithm), (unsigned) count, digest, signature);
}

static inline int cmbedtls_rsa_verify(mbedtls_rsa_context *key, uint8_t algorithm, size_t count,
                                      const uint8_t *digest, const uint8_t *signature) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    return mbedtls_rsa_rsassa_pkcs1_v15_verify(key, NULL, NULL, MBEDTLS_RSA_PUBLIC, cmbedtls_md(algorithm),
                                               (unsigned) count, digest, signature);
#else
    return mbedtls_rsa_rsassa_pkcs1_v15_verify(key, cmbedtls_md(algorithm), (unsigned) count, digest, signature);
#endif
}

static inline int cmbedtls_rsa_encrypt(mbedtls_rsa_context *key, mbedtls_ctr_drbg_context *random, size_t count,
                                       const uint8_t *plaintext, uint8_t *ciphertext) {
    return mbedtls_rsa_rsaes_pkcs1_v15_encrypt(key, cmbedtls_random, random, CMBEDTLS_MODE(MBEDTLS_RSA_PUBLIC)
                                               count, plaintext, ciphertext);
}

static inline int cmbedtls_rsa_decrypt(mbedtls_rsa_context *key, mbedtls_ctr_drbg_context *random,
                                       const uint8_t *ciphertext, uint8_t *plaintext, size_t room, size_t *count) {
    return mbedtls_rsa_rsaes_pkcs1_v15_decrypt(key, cmbedtls_random, random, CMBEDTLS_MODE(MBEDTLS_RSA_PRIVATE)
                                               count, ciphertext, plaintext, room);
}

/// RSAES-OAEP with an empty label; the same digest for the label and for MGF1.
static inline int cmbedtls_rsa_decrypt_oaep(mbedtls_rsa_context *key, mbedtls_ctr_drbg_context *random,
                                            uint8_t algorithm, const uint8_t *ciphertext, uint8_t *plaintext,
                                            size_t room, size_t *count) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    mbedtls_rsa_set_padding(key, MBEDTLS_RSA_PKCS_V21, cmbedtls_md(algorithm));
#else
    int status = mbedtls_rsa_set_padding(key, MBEDTLS_RSA_PKCS_V21, cmbedtls_md(algorithm));
    if (status != 0) {
        return status;
    }
#endif
    return mbedtls_rsa_rsaes_oaep_decrypt(key, cmbedtls_random, random, CMBEDTLS_MODE(MBEDTLS_RSA_PRIVATE)
                                          NULL, 0, count, ciphertext, plaintext, room);
}

/// Decrypts a key of a known size, PKCS#1 v1.5. Where the padding is wrong or the size is another, `key_bytes` becomes
/// `substitute`, and neither the result nor the path taken tells (RFC 3218, 2.3.2). Other failures return their status.
static inline int cmbedtls_rsa_unwrap(mbedtls_rsa_context *key, mbedtls_ctr_drbg_context *random,
                                      const uint8_t *ciphertext, const uint8_t *substitute, uint8_t *key_bytes,
                                      size_t size) {
    size_t count = 0;
    const int status = cmbedtls_rsa_decrypt(key, random, ciphertext, key_bytes, size, &count);
    const uint32_t failure = (uint32_t) status;
    const uint32_t other = (uint32_t) (count ^ size);
    const uint32_t wrong = failure | other;
    // All ones when something is wrong, else 0. The barrier keeps the compiler from making a branch of it.
    uint32_t mask = 0U - ((wrong | (0U - wrong)) >> 31);
    __asm__ volatile("" : "+r"(mask));
    for (size_t i = 0; i < size; i += 1) {
        key_bytes[i] = (uint8_t) ((key_bytes[i] & ~mask) | (substitute[i] & mask));
    }
    const uint32_t unexpected = failure & (uint32_t) -(int32_t) (
        (failure != (uint32_t) MBEDTLS_ERR_RSA_INVALID_PADDING)
        & (failure != (uint32_t) MBEDTLS_ERR_RSA_OUTPUT_TOO_LARGE));
    return (int) unexpected;
}

#endif
