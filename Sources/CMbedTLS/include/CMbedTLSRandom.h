/// CTR_DRBG seeded from bytes instead of a callback.
#ifndef CMBEDTLS_RANDOM_H
#define CMBEDTLS_RANDOM_H

#include "CMbedTLS.h"

/// The seed that CTR_DRBG takes through its entropy callback, once.
typedef struct {
    const uint8_t *bytes;
    size_t count;
} cmbedtls_seed;

/// Instantiates the generator. The whole seed counts as entropy input and nonce (SP 800-90A, 10.2.1.3.2).
int cmbedtls_random_seed(mbedtls_ctr_drbg_context *context, const uint8_t *bytes, size_t count,
                         const uint8_t *personalization, size_t personalization_count);

/// Mixes another seed into a running generator (SP 800-90A, 10.2.1.4.2).
int cmbedtls_random_reseed(mbedtls_ctr_drbg_context *context, const uint8_t *bytes, size_t count,
                           const uint8_t *additional, size_t additional_count);

/// The f_rng callback of mbedTLS over a context that Swift owns.
int cmbedtls_random(void *context, unsigned char *output, size_t count);

/// Both lines set all of it to 0.
void cmbedtls_random_wipe(mbedtls_ctr_drbg_context *context);

#endif
