/// RSA calls whose signatures differ between the lines: 2.28 names a mode, 3.x does not.
///
/// They return 0, or an error of mbedTLS's, MBEDTLS_ERR_MPI_ALLOC_FAILED among them; what they write is then of no use.
#ifndef CMBEDTLS_RSA_H
#define CMBEDTLS_RSA_H

#include "CMbedTLS.h"
#include "CMbedTLSHash.h"
#include "CMbedTLSRandom.h"

/// The prime factors of a private key, Q behind P and `half` bytes each, big-endian, and its public exponent.
typedef struct {
    const uint8_t *primes;
    size_t half;
    uint32_t exponent;
} cmbedtls_rsa_private;

/// The integers of a public key, big-endian.
typedef struct {
    const uint8_t *modulus;
    size_t modulus_count;
    const uint8_t *exponent;
    size_t exponent_count;
} cmbedtls_rsa_public;

/// The modulus, 2 * `half` bytes: the product of the prime factors.
int cmbedtls_rsa_modulus(const cmbedtls_rsa_private *key, uint8_t *modulus);

/// Goes on with the search for a prime factor of a new key, as far as one test by Miller and Rabin (FIPS 186-5, A.1.3 and B.3).
///
/// `prime` has `half` bytes: the candidate, big-endian. `passed` counts the tests that it passed; with 0 another one is drawn. `other` is the
/// prime factor that there is already, from which it has to be far, or NULL.
int cmbedtls_rsa_search(cmbedtls_generator *random, uint32_t exponent, const uint8_t *other, size_t half, uint8_t *prime,
                        uint8_t *passed);

/// Puts the greater prime factor first. Fails with MBEDTLS_ERR_MPI_NOT_ACCEPTABLE if the private exponent is too small (FIPS 186-5, A.1.1).
int cmbedtls_rsa_complete(uint32_t exponent, size_t half, uint8_t *primes);

/// Writes the prime factors of a key that was made elsewhere, `half` bytes each, if all its integers belong together.
int cmbedtls_rsa_import(const cmbedtls_rsa_public *key, const uint8_t *private_exponent,
                        size_t private_exponent_count, const uint8_t *prime1, size_t prime1_count,
                        const uint8_t *prime2, size_t prime2_count, uint8_t *primes, size_t half);

/// Writes one integer of an RSAPrivateKey (RFC 8017, A.1.2), by its place there: 3 the private exponent, 4 and 5 the
/// prime factors, 6 to 8 what the Chinese remainder theorem takes. Big-endian, `count` bytes.
int cmbedtls_rsa_integer(const cmbedtls_rsa_private *key, uint8_t place, uint8_t *bytes, size_t count);

/// RSASSA-PKCS1-v1_5, blinded, of 2 * `half` bytes; the result is verified before it is handed out, so that a glitch cannot leak a factor.
int cmbedtls_rsa_sign(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                      uint8_t algorithm, size_t count, const uint8_t *digest, uint8_t *signature);

/// RSASSA-PKCS1-v1_5 with `salt` below 0, or else RSASSA-PSS with a salt of so many bytes and the same digest for MGF1.
int cmbedtls_rsa_verify(const cmbedtls_rsa_public *key, uint8_t algorithm, size_t count,
                        const uint8_t *digest, int salt, const uint8_t *signature);

/// Encrypts with PKCS#1 v1.5; `plaintext` has 11 bytes less than the modulus at most, `ciphertext` space for as many.
int cmbedtls_rsa_encrypt(const cmbedtls_rsa_public *key, cmbedtls_generator *random, size_t count,
                         const uint8_t *plaintext, uint8_t *ciphertext);

/// Decrypts with PKCS#1 v1.5; `ciphertext` has 2 * `half` bytes. What does not fit into `capacity` is an error.
int cmbedtls_rsa_decrypt(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                         const uint8_t *ciphertext, uint8_t *plaintext, size_t capacity, size_t *count);

/// RSAES-OAEP with an empty label; the same digest for the label and for MGF1.
int cmbedtls_rsa_decrypt_oaep(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                              uint8_t algorithm, const uint8_t *ciphertext, uint8_t *plaintext,
                              size_t capacity, size_t *count);

/// Decrypts a key of a known size, PKCS#1 v1.5. Where the padding is wrong or the size is another, `bytes` becomes
/// `substitute`, and neither the result nor the path taken tells (RFC 3218, 2.3.2). Other failures return their status.
int cmbedtls_rsa_unwrap(const cmbedtls_rsa_private *key, cmbedtls_generator *random,
                        const uint8_t *ciphertext, const uint8_t *substitute, uint8_t *bytes,
                        size_t size);

#endif
