#include "CPretendedSystem.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static struct {
    volatile bool is_on;
    pthread_t thread;
    unsigned char *memory;
    size_t capacity;
    size_t count;
} watch;

void watch_begin(void *memory, size_t capacity) {
    watch.thread = pthread_self();
    watch.memory = memory;
    watch.capacity = capacity;
    watch.count = 0;
    watch.is_on = true;
}

size_t watch_end(void) {
    watch.is_on = false;
    return watch.count;
}

static bool is_watched(void) { return watch.is_on && pthread_equal(watch.thread, pthread_self()); }

// glibc's own, which these take the place of in all libraries of this process.
void *__libc_malloc(size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

void *malloc(size_t size) {
    void *block = __libc_malloc(size);
    if (block && is_watched()) {
        memset(block, 0, malloc_usable_size(block));
    }
    return block;
}

void free(void *block) {
    if (block && is_watched()) {
        const size_t size = malloc_usable_size(block);
        if (size <= watch.capacity && watch.count <= watch.capacity - size) {
            memcpy(watch.memory + watch.count, block, size);
        }
        watch.count += size;
    }
    __libc_free(block);
}

void *realloc(void *block, size_t size) {
    if (!block || !is_watched()) {
        return __libc_realloc(block, size);
    }
    // Always to another place, so that what is left behind is seen.
    const size_t before = malloc_usable_size(block);
    void *other = malloc(size);
    if (other) {
        memcpy(other, block, before < size ? before : size);
        free(block);
    }
    return other;
}
