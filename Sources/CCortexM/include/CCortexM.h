/// What the vector table leads to, in Swift.
#ifndef CCORTEXM_H
#define CCORTEXM_H
#include <stdint.h>

/// The timer's interrupt.
void cortexmTick(void);

/// Every unexpected exception.
///
/// - Parameter frame: the eight words that the exception stacked (R0 to R3, R12, LR, PC, xPSR), or NULL when the stack was
///   not there to take them.
_Noreturn void cortexmFault(const uint32_t *_Nullable frame);

/// Sleeps until an interrupt. Swift has no inline assembly.
static inline void cortexmWait(void) {
    __asm volatile("wfi" ::: "memory");
}

#endif
