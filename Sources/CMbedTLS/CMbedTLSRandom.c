#include "CMbedTLS.h"

// The entropy callback. With no seed left it fails, so that a generator never reseeds itself from nothing.
static int cmbedtls_take_seed(void *seed, unsigned char *output, size_t count) {
    cmbedtls_seed *source = (cmbedtls_seed *) seed;
    if (source == NULL || source->count != count) {
        return MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
    }
    memcpy(output, source->bytes, count);
    source->count = 0;
    return 0;
}

// Line 2.28 points into its own AES context; line 3 keeps an offset. Swift may have moved the context since.
static void cmbedtls_random_relocate(mbedtls_ctr_drbg_context *context) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    context->aes_ctx.rk = context->aes_ctx.buf;
#else
    (void) context;
#endif
}

int cmbedtls_random_seed(cmbedtls_generator *generator, const uint8_t *bytes, size_t count,
                         const uint8_t *personalization, size_t personalization_count) {
    cmbedtls_seed seed = {bytes, count};
    mbedtls_ctr_drbg_context *context = &generator->drbg;
    mbedtls_ctr_drbg_init(context);
    mbedtls_ctr_drbg_set_entropy_len(context, count);
    int status = mbedtls_ctr_drbg_set_nonce_len(context, 0);
    if (status == 0) {
        status = mbedtls_ctr_drbg_seed(context, cmbedtls_take_seed, &seed, personalization, personalization_count);
    }
    context->p_entropy = NULL;
    // SP 800-90A allows 2^48 requests between reseedings; after this many the generator fails until it is seeded.
    mbedtls_ctr_drbg_set_reseed_interval(context, INT32_MAX);
    return status;
}

int cmbedtls_random_reseed(cmbedtls_generator *generator, const uint8_t *bytes, size_t count,
                           const uint8_t *additional, size_t additional_count) {
    cmbedtls_seed seed = {bytes, count};
    mbedtls_ctr_drbg_context *context = &generator->drbg;
    cmbedtls_random_relocate(context);
    mbedtls_ctr_drbg_set_entropy_len(context, count);
    context->p_entropy = &seed;
    int status = mbedtls_ctr_drbg_reseed(context, additional, additional_count);
    context->p_entropy = NULL;
    return status;
}

int cmbedtls_random(void *generator, unsigned char *output, size_t count) {
    cmbedtls_generator *from = (cmbedtls_generator *) generator;
    if (from->alive != NULL) {
        from->alive(from->alive_context);
    }
    cmbedtls_random_relocate(&from->drbg);
    return mbedtls_ctr_drbg_random(&from->drbg, output, count);
}

void cmbedtls_random_wipe(cmbedtls_generator *generator) { mbedtls_ctr_drbg_free(&generator->drbg); }
