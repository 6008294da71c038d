/// What Swift cannot take the place of in a process: the allocator.
#ifndef CPRETENDEDSYSTEM_H
#define CPRETENDEDSYSTEM_H

#include <stddef.h>

/// From now on, until ``watch_end``, keeps what this thread gives back to the allocator, as it is then, in `memory`; what the
/// thread gets is blank. One thread at a time.
void watch_begin(void *memory, size_t capacity);

/// Returns how many bytes were given back; of more than the capacity, the last are not kept.
size_t watch_end(void);

#endif
