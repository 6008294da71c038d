#include "CMbedTLS.h"

// mbedTLS goes 8 KiB deep to find a prime where it has its tables on the stack; where it has an arena, stacks are small, and
// it goes a KiB deep.
#if CMBEDTLS_HAS_ARENA
#define DEPTH 1024
#else
#define DEPTH (16 * 1024)
#endif

__attribute__((noinline)) void cmbedtls_clear_stack(void) {
    uint8_t below[DEPTH];
    mbedtls_platform_zeroize(below, sizeof below);
}
