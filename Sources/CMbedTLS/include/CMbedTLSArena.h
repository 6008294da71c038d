/// The arena that mbedTLS takes its bignum memory from, where it is built with one.
#ifndef CMBEDTLS_ARENA_H
#define CMBEDTLS_ARENA_H

#include "CMbedTLS.h"

#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
#include <mbedtls/memory_buffer_alloc.h>
#define CMBEDTLS_HAS_ARENA 1
static inline void cmbedtls_arena_install(uint8_t *memory, size_t count) {
    mbedtls_memory_buffer_alloc_init(memory, count);
}
#else
#define CMBEDTLS_HAS_ARENA 0
static inline void cmbedtls_arena_install(uint8_t *memory, size_t count) {
    (void) memory;
    (void) count;
}
#endif

#endif
