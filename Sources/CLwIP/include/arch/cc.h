/// lwIP's view of the compiler.
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H
#include <stdint.h>

// Only what every compiler has by itself, so that Swift can import lwIP without a C library.
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1
#define SSIZE_MAX INT32_MAX
typedef int32_t ssize_t;

// No text of lwIP's in the image: no diagnostics, no assertions.
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x)

/// Transaction identifiers, ports and initial sequence numbers; answered by Sources/LwIPNet.
uint32_t networkRandom(void);
#define LWIP_RAND() networkRandom()

#endif
