/* mbedTLS 3.6 on Linux: the microcontrollers' algorithms with the C library's heap, and the processor's instructions. */

#include "mbedtls/config-algorithms.h"
#include "mbedtls/config-tls.h"

/* Instructions for AES, GCM and SHA-2 where the processor says at run time that it has them: in constant time, which tables
 * are not. Compiled in on x86-64 and 64-bit ARM; 32-bit ARM has them from version 8 on only, and is built for version 7. */
#define MBEDTLS_AESNI_C
#define MBEDTLS_AESCE_C
#define MBEDTLS_SHA256_USE_ARMV8_A_CRYPTO_IF_PRESENT
#define MBEDTLS_SHA512_USE_A64_CRYPTO_IF_PRESENT

/* Bundles of CAs are in PEM, and some CAs sign with RSASSA-PSS. */
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT

/* Where AES has no instructions of its own, servers may prefer it. */
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C

#define MBEDTLS_ECP_WINDOW_SIZE 4
#define MBEDTLS_MPI_WINDOW_SIZE 4
