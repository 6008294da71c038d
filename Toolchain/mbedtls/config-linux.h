/* mbedTLS 3.6 on Linux: the microcontrollers' algorithms with the C library's heap, and speed before size. */

#include "mbedtls/config-algorithms.h"

#define MBEDTLS_ECP_WINDOW_SIZE 4
#define MBEDTLS_MPI_WINDOW_SIZE 4
