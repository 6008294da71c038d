/// The memory that firmware lends to the agent. Toolchain/firmware defines how many bytes of each there are, as the board's file
/// `board` has it for the image.
#ifndef CFIRMWAREMAIN_H
#define CFIRMWAREMAIN_H
#include <stdint.h>

#define FIRMWARE_SPACE(name, size) \
    extern uint8_t firmware_space_##name[size]; \
    static inline uint8_t *_Nonnull firmware_##name(void) { return firmware_space_##name; } \
    static inline intptr_t firmware_##name##_size(void) { return size; }

/// The largest message, and the largest reply.
FIRMWARE_SPACE(work, FIRMWARE_WORK)
/// The provisioning record's text.
FIRMWARE_SPACE(text, FIRMWARE_TEXT)
/// mbedTLS's arena.
FIRMWARE_SPACE(arena, FIRMWARE_ARENA)

#endif
