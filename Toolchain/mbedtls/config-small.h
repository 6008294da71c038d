/* mbedTLS 3.6 on a microcontroller with tens of kilobytes: small before fast, and no heap. */

#include "mbedtls/config-algorithms.h"

/* Bignum memory comes from a static arena that the program lends (mbedtls_memory_buffer_alloc_init). Without the
 * standard functions nothing refers to calloc and free. MBEDTLS_MEMORY_DEBUG counts the arena's peak. */
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C

/* The arena's allocator prints and leaves the program where it finds itself corrupted. There is nobody to print
 * for, and printf would cost kilobytes; the trap reaches the board's fault handler. */
#define MBEDTLS_PLATFORM_FPRINTF_MACRO mbedtls_print_nothing
#define mbedtls_print_nothing(...) ((void) 0)
#define MBEDTLS_PLATFORM_EXIT_MACRO mbedtls_trap
#define mbedtls_trap(status) __builtin_trap()

/* Named only for the OID-to-text function, which nothing calls */
#define MBEDTLS_PLATFORM_SNPRINTF_MACRO snprintf

/* Bignum division without the compiler's 64-bit one, which is larger */
#define MBEDTLS_NO_UDBL_DIVISION

/* Tables in flash, and few of them */
#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
/* 3 makes RSA keys an eighth faster than 2 and leaves the arena's peak as it is; 4 would take 504 bytes more. */
#define MBEDTLS_MPI_WINDOW_SIZE 3
