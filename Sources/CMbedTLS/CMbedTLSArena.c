#include "CMbedTLS.h"

#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)

void cmbedtls_arena_install(uint8_t *memory, size_t count) {
    mbedtls_memory_buffer_alloc_init(memory, count);
}

#else

void cmbedtls_arena_install(uint8_t *memory, size_t count) {
    (void) memory;
    (void) count;
}

#endif
