/* mbedTLS 3.6 on Linux: the microcontrollers' algorithms with the C library's heap, and speed before size. */

#include "mbedtls/config-algorithms.h"
#include "mbedtls/config-tls.h"

/* Bundles of CAs are in PEM, and some CAs sign with RSASSA-PSS. */
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT

/* Where AES has no instructions of its own, servers may prefer it. */
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C

#define MBEDTLS_ECP_WINDOW_SIZE 4
#define MBEDTLS_MPI_WINDOW_SIZE 4
