/// The arena that mbedTLS takes its bignum memory from, where it is built with one.
#ifndef CMBEDTLS_ARENA_H
#define CMBEDTLS_ARENA_H

#include "CMbedTLS.h"

#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
#include <mbedtls/memory_buffer_alloc.h>
#define CMBEDTLS_HAS_ARENA 1
#else
#define CMBEDTLS_HAS_ARENA 0
#endif

/// Has mbedTLS take its memory from `memory`; does nothing where it is built without an arena.
void cmbedtls_arena_install(uint8_t *memory, size_t count);

#endif
