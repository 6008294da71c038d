/// CBC over one of the block ciphers, with the key schedule on the stack.
#ifndef CMBEDTLS_CIPHER_H
#define CMBEDTLS_CIPHER_H

#include "CMbedTLS.h"

/// The numbers of CipherAlgorithm in Swift.
enum {
    CMBEDTLS_AES128 = 1,
    CMBEDTLS_AES192 = 2,
    CMBEDTLS_AES256 = 3,
    CMBEDTLS_TRIPLE_DES = 4,
    CMBEDTLS_DES = 5,
};

/// `direction` is MBEDTLS_AES_ENCRYPT or MBEDTLS_AES_DECRYPT for every cipher. `count` is whole blocks of it, and
/// `iv`, which is written over, one block; `bytes` changes in place. The caller has checked the lengths. Returns 0, or an error of
/// mbedTLS's.
int cmbedtls_cbc(uint8_t algorithm, int direction, const uint8_t *key, uint8_t *iv, uint8_t *bytes,
                 size_t count);

#endif
