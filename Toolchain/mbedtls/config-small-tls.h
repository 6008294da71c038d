/* mbedTLS 3.6 with TLS on a microcontroller with tens of kilobytes. */

#include "mbedtls/config-small.h"
#include "mbedtls/config-tls.h"

/* A record that comes holds at most 4 KiB, which the server is asked for (RFC 6066, 4), and so does its chain of
 * certificates; one that goes holds 1 KiB. Both buffers lie in the arena while a connection is open. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 4096
#define MBEDTLS_SSL_OUT_CONTENT_LEN 1024
#define MBEDTLS_X509_MAX_INTERMEDIATE_CA 3
