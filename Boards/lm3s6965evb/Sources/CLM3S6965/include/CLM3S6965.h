/// What Swift cannot say: single instructions, the semihosting trap, and symbols of the linker script.
#ifndef CLM3S6965_H
#define CLM3S6965_H
#include <stdint.h>

/// Sleeps until an interrupt. Swift has no inline assembly.
static inline void lm3s_wait_for_interrupt(void) {
    __asm volatile("wfi" ::: "memory");
}

/// A semihosting call (Arm "Semihosting for AArch32 and AArch64", section 3): the operation in r0, its block of
/// arguments in r1, the answer in r0. The trap needs registers and an instruction that Swift cannot name.
static inline int32_t lm3s_semihosting(uint32_t operation, const void *arguments) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

// The addresses that link.ld defines. A symbol without storage has no type in Swift.
#define LM3S_ADDRESS(name) \
    extern uint8_t __##name[]; \
    static inline uintptr_t lm3s_##name(void) { return (uintptr_t)__##name; }
LM3S_ADDRESS(flash_end)
LM3S_ADDRESS(data_load)
LM3S_ADDRESS(data_start)
LM3S_ADDRESS(data_end)
LM3S_ADDRESS(bss_start)
LM3S_ADDRESS(bss_end)
LM3S_ADDRESS(stack_bottom)
LM3S_ADDRESS(stack_top)
#undef LM3S_ADDRESS

#endif
