#include "CMbedTLS.h"

#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define CMBEDTLS_MODE(mode) mode,
#else
#define CMBEDTLS_MODE(mode)
#endif

// An empty context, set to PKCS#1 v1.5.
static void cmbedtls_rsa_init(mbedtls_rsa_context *context) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    mbedtls_rsa_init(context, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE);
#else
    mbedtls_rsa_init(context);
#endif
}

// Frees the context of a private key.
static void cmbedtls_rsa_free_private(mbedtls_rsa_context *context) {
    mbedtls_rsa_free(context);
    cmbedtls_clear_stack();
}

// Makes what CRT operations need of a private key, and no more. The private exponent is left out: it costs time and
// arena, and nothing here uses it. Free the context whatever this returns.
static int cmbedtls_rsa_load_private(mbedtls_rsa_context *context, const cmbedtls_rsa_private *key) {
    int ret = 0;
    const uint8_t exponent[4] = {
        (uint8_t) (key->exponent >> 24), (uint8_t) (key->exponent >> 16), (uint8_t) (key->exponent >> 8),
        (uint8_t) key->exponent,
    };
    mbedtls_mpi less_one;
    mbedtls_mpi_init(&less_one);
    cmbedtls_rsa_init(context);
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&context->P, key->primes, key->half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&context->Q, key->primes + key->half, key->half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&context->E, exponent, sizeof exponent));
    MBEDTLS_MPI_CHK(mbedtls_mpi_mul_mpi(&context->N, &context->P, &context->Q));
    context->len = mbedtls_mpi_size(&context->N);
    MBEDTLS_MPI_CHK(mbedtls_mpi_sub_int(&less_one, &context->P, 1));
    MBEDTLS_MPI_CHK(mbedtls_mpi_inv_mod(&context->DP, &context->E, &less_one));
    MBEDTLS_MPI_CHK(mbedtls_mpi_sub_int(&less_one, &context->Q, 1));
    MBEDTLS_MPI_CHK(mbedtls_mpi_inv_mod(&context->DQ, &context->E, &less_one));
    MBEDTLS_MPI_CHK(mbedtls_mpi_inv_mod(&context->QP, &context->Q, &context->P));
cleanup:
    mbedtls_mpi_free(&less_one);
    return ret;
}

static int cmbedtls_rsa_load_public(mbedtls_rsa_context *context, const cmbedtls_rsa_public *key) {
    cmbedtls_rsa_init(context);
    int status = mbedtls_mpi_read_binary(&context->N, key->modulus, key->modulus_count);
    if (status == 0) {
        status = mbedtls_mpi_read_binary(&context->E, key->exponent, key->exponent_count);
    }
    context->len = mbedtls_mpi_size(&context->N);
    return status;
}

int cmbedtls_rsa_modulus(const cmbedtls_rsa_private *key, uint8_t *modulus) {
    int ret = 0;
    mbedtls_mpi p, q;
    mbedtls_mpi_init(&p);
    mbedtls_mpi_init(&q);
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&p, key->primes, key->half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&q, key->primes + key->half, key->half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_mul_mpi(&p, &p, &q));
    MBEDTLS_MPI_CHK(mbedtls_mpi_write_binary(&p, modulus, 2 * key->half));
cleanup:
    mbedtls_mpi_free(&p);
    mbedtls_mpi_free(&q);
    cmbedtls_clear_stack();
    return ret;
}

// A generator, and whether something was drawn from it.
typedef struct {
    cmbedtls_generator *random;
    int is_drawn;
} cmbedtls_noted;

static int cmbedtls_noted_random(void *noted, unsigned char *output, size_t count) {
    ((cmbedtls_noted *) noted)->is_drawn = 1;
    return cmbedtls_random(((cmbedtls_noted *) noted)->random, output, count);
}

// Draws an odd number above 2^(8 * half - 1/2). It is not acceptable where it is too near to the other prime factor, or where
// the exponent divides what is one less.
static int cmbedtls_rsa_draw(mbedtls_mpi *candidate, cmbedtls_generator *random, uint32_t exponent, const uint8_t *other,
                             size_t half, uint8_t *bytes) {
    int ret = 0;
    mbedtls_mpi_uint rest = 0;
    mbedtls_mpi difference;
    mbedtls_mpi_init(&difference);
    do {
        MBEDTLS_MPI_CHK(cmbedtls_random(random, bytes, half));
        // The bits of the square root of 2, halved.
    } while (((uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3]) < 0xB504F334);
    bytes[half - 1] |= 1;
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(candidate, bytes, half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_mod_int(&rest, candidate, (mbedtls_mpi_sint) exponent));
    if (other != NULL) {
        MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&difference, other, half));
        MBEDTLS_MPI_CHK(mbedtls_mpi_sub_mpi(&difference, &difference, candidate));
    }
    if (rest == 1 || (other != NULL && mbedtls_mpi_bitlen(&difference) <= 8 * half - 100)) {
        ret = MBEDTLS_ERR_MPI_NOT_ACCEPTABLE;
    }
cleanup:
    mbedtls_mpi_free(&difference);
    return ret;
}

int cmbedtls_rsa_search(cmbedtls_generator *random, uint32_t exponent, const uint8_t *other, size_t half, uint8_t *prime,
                        uint8_t *passed) {
    int ret = 0;
    mbedtls_mpi candidate;
    mbedtls_mpi_init(&candidate);
    cmbedtls_noted noted = {random, 0};
    if (*passed > 0) {
        MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&candidate, prime, half));
        ret = mbedtls_mpi_is_prime_ext(&candidate, 1, cmbedtls_noted_random, &noted);
    } else {
        // Five of six have a small factor, which mbedTLS finds before it draws what it tests with. The bound ends what never comes true.
        for (int tries = 0; tries < 1000 && !noted.is_drawn; tries += 1) {
            ret = cmbedtls_rsa_draw(&candidate, random, exponent, other, half, prime);
            if (ret == 0) {
                ret = mbedtls_mpi_is_prime_ext(&candidate, 1, cmbedtls_noted_random, &noted);
            }
            if (ret != 0 && ret != MBEDTLS_ERR_MPI_NOT_ACCEPTABLE) {
                break;
            }
        }
    }
    if (ret == 0) {
        *passed += 1;
    } else if (ret == MBEDTLS_ERR_MPI_NOT_ACCEPTABLE) {
        *passed = 0;
        ret = 0;
    }
cleanup:
    mbedtls_mpi_free(&candidate);
    cmbedtls_clear_stack();
    return ret;
}

int cmbedtls_rsa_complete(uint32_t exponent, size_t half, uint8_t *primes) {
    int ret = 0;
    mbedtls_mpi p, q, e, d;
    mbedtls_mpi_init(&p);
    mbedtls_mpi_init(&q);
    mbedtls_mpi_init(&e);
    mbedtls_mpi_init(&d);
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&p, primes, half));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&q, primes + half, half));
    if (mbedtls_mpi_cmp_mpi(&p, &q) < 0) {
        mbedtls_mpi_swap(&p, &q);
        MBEDTLS_MPI_CHK(mbedtls_mpi_write_binary(&p, primes, half));
        MBEDTLS_MPI_CHK(mbedtls_mpi_write_binary(&q, primes + half, half));
    }
    // The inverse of the exponent to the least common multiple of what is one less.
    MBEDTLS_MPI_CHK(mbedtls_mpi_sub_int(&p, &p, 1));
    MBEDTLS_MPI_CHK(mbedtls_mpi_sub_int(&q, &q, 1));
    MBEDTLS_MPI_CHK(mbedtls_mpi_gcd(&d, &p, &q));
    MBEDTLS_MPI_CHK(mbedtls_mpi_mul_mpi(&p, &p, &q));
    MBEDTLS_MPI_CHK(mbedtls_mpi_div_mpi(&p, NULL, &p, &d));
    MBEDTLS_MPI_CHK(mbedtls_mpi_lset(&e, (mbedtls_mpi_sint) exponent));
    MBEDTLS_MPI_CHK(mbedtls_mpi_inv_mod(&d, &e, &p));
    if (mbedtls_mpi_bitlen(&d) <= 8 * half) {
        ret = MBEDTLS_ERR_MPI_NOT_ACCEPTABLE;
    }
cleanup:
    mbedtls_mpi_free(&p);
    mbedtls_mpi_free(&q);
    mbedtls_mpi_free(&e);
    mbedtls_mpi_free(&d);
    cmbedtls_clear_stack();
    return ret;
}

int cmbedtls_rsa_import(const cmbedtls_rsa_public *key, const uint8_t *private_exponent,
                        size_t private_exponent_count, const uint8_t *prime1, size_t prime1_count,
                        const uint8_t *prime2, size_t prime2_count, uint8_t *primes, size_t half) {
    mbedtls_rsa_context context;
    cmbedtls_rsa_init(&context);
    int status = mbedtls_rsa_import_raw(&context, key->modulus, key->modulus_count, prime1, prime1_count, prime2,
                                        prime2_count, private_exponent, private_exponent_count, key->exponent,
                                        key->exponent_count);
    if (status == 0) {
        status = mbedtls_rsa_complete(&context);
    }
    if (status == 0) {
        status = mbedtls_rsa_check_privkey(&context);
    }
    if (status == 0) {
        status = mbedtls_rsa_export_raw(&context, NULL, 0, primes, half, primes + half, half, NULL, 0, NULL, 0);
    }
    cmbedtls_rsa_free_private(&context);
    return status;
}

int cmbedtls_rsa_integer(const cmbedtls_rsa_private *key, uint8_t place, uint8_t *bytes, size_t count) {
    mbedtls_rsa_context context;
    int status = cmbedtls_rsa_load_private(&context, key);
    if (status == 0 && place == 3) {
        status = mbedtls_rsa_complete(&context);
    }
    if (status == 0) {
        const mbedtls_mpi *integer = place == 3   ? &context.D
                                     : place == 4 ? &context.P
                                     : place == 5 ? &context.Q
                                     : place == 6 ? &context.DP
                                     : place == 7 ? &context.DQ
                                                  : &context.QP;
        status = mbedtls_mpi_write_binary(integer, bytes, count);
    }
    cmbedtls_rsa_free_private(&context);
    return status;
}

int cmbedtls_rsa_sign(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                      uint8_t algorithm, size_t count, const uint8_t *digest, uint8_t *signature) {
    mbedtls_rsa_context context;
    int status = cmbedtls_rsa_load_private(&context, key);
    if (status == 0) {
        status = mbedtls_rsa_rsassa_pkcs1_v15_sign(&context, cmbedtls_random, random,
                                                   CMBEDTLS_MODE(MBEDTLS_RSA_PRIVATE) cmbedtls_md(algorithm),
                                                   (unsigned) count, digest, signature);
    }
    cmbedtls_rsa_free_private(&context);
    return status;
}

int cmbedtls_rsa_verify(const cmbedtls_rsa_public *key, uint8_t algorithm, size_t count,
                        const uint8_t *digest, int salt, const uint8_t *signature) {
    mbedtls_rsa_context context;
    int status = cmbedtls_rsa_load_public(&context, key);
    if (status == 0 && salt >= 0) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
        status = mbedtls_rsa_rsassa_pss_verify_ext(&context, NULL, NULL, MBEDTLS_RSA_PUBLIC, cmbedtls_md(algorithm),
                                                   (unsigned) count, digest, cmbedtls_md(algorithm), salt, signature);
#else
        status = mbedtls_rsa_rsassa_pss_verify_ext(&context, cmbedtls_md(algorithm), (unsigned) count, digest,
                                                   cmbedtls_md(algorithm), salt, signature);
#endif
    } else if (status == 0) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
        status = mbedtls_rsa_rsassa_pkcs1_v15_verify(&context, NULL, NULL, MBEDTLS_RSA_PUBLIC, cmbedtls_md(algorithm),
                                                     (unsigned) count, digest, signature);
#else
        status = mbedtls_rsa_rsassa_pkcs1_v15_verify(&context, cmbedtls_md(algorithm), (unsigned) count, digest,
                                                     signature);
#endif
    }
    mbedtls_rsa_free(&context);
    return status;
}

int cmbedtls_rsa_encrypt(const cmbedtls_rsa_public *key, cmbedtls_generator *random, size_t count,
                         const uint8_t *plaintext, uint8_t *ciphertext) {
    mbedtls_rsa_context context;
    int status = cmbedtls_rsa_load_public(&context, key);
    if (status == 0) {
        status = mbedtls_rsa_rsaes_pkcs1_v15_encrypt(&context, cmbedtls_random, random,
                                                     CMBEDTLS_MODE(MBEDTLS_RSA_PUBLIC) count, plaintext, ciphertext);
    }
    mbedtls_rsa_free(&context);
    return status;
}

int cmbedtls_rsa_decrypt(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                         const uint8_t *ciphertext, uint8_t *plaintext, size_t capacity, size_t *count) {
    mbedtls_rsa_context context;
    int status = cmbedtls_rsa_load_private(&context, key);
    if (status == 0) {
        status = mbedtls_rsa_rsaes_pkcs1_v15_decrypt(&context, cmbedtls_random, random,
                                                     CMBEDTLS_MODE(MBEDTLS_RSA_PRIVATE) count, ciphertext, plaintext,
                                                     capacity);
    }
    cmbedtls_rsa_free_private(&context);
    return status;
}

int cmbedtls_rsa_decrypt_oaep(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                              uint8_t algorithm, const uint8_t *ciphertext, uint8_t *plaintext,
                              size_t capacity, size_t *count) {
    mbedtls_rsa_context context;
    int status = cmbedtls_rsa_load_private(&context, key);
    if (status == 0) {
        (void) mbedtls_rsa_set_padding(&context, MBEDTLS_RSA_PKCS_V21, cmbedtls_md(algorithm));
        status = mbedtls_rsa_rsaes_oaep_decrypt(&context, cmbedtls_random, random,
                                                CMBEDTLS_MODE(MBEDTLS_RSA_PRIVATE) NULL, 0, count, ciphertext,
                                                plaintext, capacity);
    }
    cmbedtls_rsa_free_private(&context);
    return status;
}

int cmbedtls_rsa_unwrap(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                        const uint8_t *ciphertext, const uint8_t *substitute, uint8_t *bytes,
                        size_t size) {
    size_t count = 0;
    const uint32_t status = (uint32_t) cmbedtls_rsa_decrypt(key, random, ciphertext, bytes, size, &count);
    const uint32_t wrong = status | (uint32_t) (count ^ size);
    // All ones when something is wrong, else 0. The barrier keeps the compiler from making a branch of it.
    uint32_t mask = 0U - ((wrong | (0U - wrong)) >> 31);
    __asm__ volatile("" : "+r"(mask));
    for (size_t i = 0; i < size; i += 1) {
        bytes[i] = (uint8_t) ((bytes[i] & ~mask) | (substitute[i] & mask));
    }
    const uint32_t told = 0U - (uint32_t) ((status != (uint32_t) MBEDTLS_ERR_RSA_INVALID_PADDING)
                                           & (status != (uint32_t) MBEDTLS_ERR_RSA_OUTPUT_TOO_LARGE));
    return (int) (status & told);
}
