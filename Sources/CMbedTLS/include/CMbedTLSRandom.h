/// CTR_DRBG seeded from bytes instead of a callback.
#ifndef CMBEDTLS_RANDOM_H
#define CMBEDTLS_RANDOM_H

#include "CMbedTLS.h"

/// The seed that CTR_DRBG takes through its entropy callback, once.
typedef struct {
    const uint8_t *bytes;
    size_t count;
} cmbedtls_seed;

/// The generator, and what is told that a long computation goes on; NULL if nothing is.
typedef struct {
    mbedtls_ctr_drbg_context drbg;
    void (*alive)(void *);
    void *alive_context;
} cmbedtls_generator;

/// Instantiates the generator. The whole seed counts as entropy input and nonce (SP 800-90A, 10.2.1.3.2).
int cmbedtls_random_seed(cmbedtls_generator *generator, const uint8_t *bytes, size_t count,
                         const uint8_t *personalization, size_t personalization_count);

/// Mixes another seed into a running generator (SP 800-90A, 10.2.1.4.2).
int cmbedtls_random_reseed(cmbedtls_generator *generator, const uint8_t *bytes, size_t count,
                           const uint8_t *additional, size_t additional_count);

/// The f_rng callback of mbedTLS over a generator that Swift owns. Every long computation with a private key draws from it, and
/// each test of whether a number is prime: so it is where `alive` is called.
int cmbedtls_random(void *generator, unsigned char *output, size_t count);

/// Sets the state to 0, and keeps `alive`.
void cmbedtls_random_wipe(cmbedtls_generator *generator);

#endif
