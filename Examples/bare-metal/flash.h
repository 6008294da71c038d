/* The device's flash: what the factory wrote (Docs/Manufacture.md), and the agent's partition. */
#ifndef FLASH_H
#define FLASH_H
#include "scep.h"

/* Opens it. Returns 0. */
int flash_open(void);

/* The agent's partition. */
extern const scep_flash flash_identity;

/* Reads the configuration that the factory wrote. Returns its size; 0 if there is none, or it does not fit. */
size_t flash_configuration(char *text, size_t capacity);

/* scep_platform's `entropy`: a part without a random generator derives it from a secret that the factory wrote, and advances that
 * before it gives a byte out. It is as good as that secret, and as private as the flash. */
int flash_entropy(void *context, uint8_t *seed, size_t size);

#endif
