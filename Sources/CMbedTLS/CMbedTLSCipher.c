#include "CMbedTLS.h"

static int cmbedtls_cbc_aes(int direction, const uint8_t *key, unsigned key_bits, uint8_t *iv, uint8_t *bytes,
                     size_t count) {
    mbedtls_aes_context context;
    mbedtls_aes_init(&context);
    int status = direction == MBEDTLS_AES_ENCRYPT ? mbedtls_aes_setkey_enc(&context, key, key_bits)
                                                  : mbedtls_aes_setkey_dec(&context, key, key_bits);
    if (status == 0) {
        status = mbedtls_aes_crypt_cbc(&context, direction, count, iv, bytes, bytes);
    }
    mbedtls_aes_free(&context);
    return status;
}

static int cmbedtls_cbc_triple_des(int direction, const uint8_t *key, uint8_t *iv, uint8_t *bytes,
                            size_t count) {
    mbedtls_des3_context context;
    mbedtls_des3_init(&context);
    int status = direction == MBEDTLS_AES_ENCRYPT ? mbedtls_des3_set3key_enc(&context, key)
                                                  : mbedtls_des3_set3key_dec(&context, key);
    if (status == 0) {
        status = mbedtls_des3_crypt_cbc(&context, direction, count, iv, bytes, bytes);
    }
    mbedtls_des3_free(&context);
    return status;
}

// Single DES is triple DES with one key three times, so its own code need not be in an image.
static int cmbedtls_cbc_des(int direction, const uint8_t *key, uint8_t *iv, uint8_t *bytes, size_t count) {
    uint8_t keys[24];
    memcpy(keys, key, 8);
    memcpy(keys + 8, key, 8);
    memcpy(keys + 16, key, 8);
    int status = cmbedtls_cbc_triple_des(direction, keys, iv, bytes, count);
    mbedtls_platform_zeroize(keys, sizeof keys);
    return status;
}

int cmbedtls_cbc(uint8_t algorithm, int direction, const uint8_t *key, uint8_t *iv, uint8_t *bytes,
                 size_t count) {
    switch (algorithm) {
    case CMBEDTLS_AES128: return cmbedtls_cbc_aes(direction, key, 128, iv, bytes, count);
    case CMBEDTLS_AES192: return cmbedtls_cbc_aes(direction, key, 192, iv, bytes, count);
    case CMBEDTLS_AES256: return cmbedtls_cbc_aes(direction, key, 256, iv, bytes, count);
    case CMBEDTLS_TRIPLE_DES: return cmbedtls_cbc_triple_des(direction, key, iv, bytes, count);
    case CMBEDTLS_DES: return cmbedtls_cbc_des(direction, key, iv, bytes, count);
    default: return MBEDTLS_ERR_AES_BAD_INPUT_DATA;
    }
}
