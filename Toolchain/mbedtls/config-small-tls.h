/* mbedTLS 3.6 with TLS on a microcontroller with tens of kilobytes. */

#include "mbedtls/config-small.h"
#include "mbedtls/config-tls.h"

/* Records hold at most 2 KiB, which the server is asked for (RFC 6066, 4), and its chain of certificates 4 KiB. Both
 * buffers lie in the arena while a connection is open. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 4096
#define MBEDTLS_SSL_OUT_CONTENT_LEN 2048
#define MBEDTLS_X509_MAX_INTERMEDIATE_CA 3
