/// What a board without an operating system is made of: what a board defines, what its processor's module defines, and
/// what Swift cannot say.
#ifndef CBAREMETAL_H
#define CBAREMETAL_H
#include <stdint.h>

// A board defines these, in Swift with `@c @implementation`.

/// The first of the board to be called, and once: clocks and pins, those of the console among them. Static data is there,
/// the clock is not.
void boardStart(void);

/// The frequency of the core in hertz, after ``boardStart``.
uint32_t boardHertz(void);

/// The six bytes that no other device has: its Ethernet address.
void boardAddress(uint8_t *_Nonnull address);

/// Writes one byte to the console. A fault uses it too, so it waits for nothing but the port, and for that not without
/// end.
void boardPut(uint8_t byte);

/// The next byte that came over the console's port, or -1: for an image that reaches its CA through it.
int32_t boardTake(void);

/// Feeds the board's watchdog; a board that has none leaves it out. It is called while the firmware waits and while it computes,
/// where no more passes between two calls than one operation with the private key takes: see `RandomGenerator.setAlive`.
void boardAlive(void);

/// What the board is there for, when all is up.
_Noreturn void boardMain(void);

// The processor's module defines these.

/// The first code of the firmware.
_Noreturn void cpuReset(void);

/// Milliseconds since start-up.
uint64_t cpuUptime(void);

/// Sleeps for a millisecond at most, or until an interrupt.
void cpuWait(void);

/// A semihosting call (Arm "Semihosting for AArch32 and AArch64", section 3; RISC-V "Semihosting"): the operation and its
/// block of arguments.
int32_t cpuSemihosting(uint32_t operation, const void *_Nonnull arguments);

/// What was written to memory before is there for a device, and for what is read after.
static inline void memoryFence(void) {
#if __riscv
    __asm volatile("fence" ::: "memory");
#else
    __asm volatile("dmb" ::: "memory");
#endif
}

// The addresses that the linker script defines (Toolchain/firmware.ld). A symbol without storage has no type in Swift.
#define LINKER_ADDRESS(name) \
    extern uint8_t __##name[]; \
    static inline uintptr_t linker_##name(void) { return (uintptr_t)__##name; }
LINKER_ADDRESS(flash_start)
LINKER_ADDRESS(flash_end)
LINKER_ADDRESS(data_load)
LINKER_ADDRESS(data_start)
LINKER_ADDRESS(data_end)
LINKER_ADDRESS(bss_start)
LINKER_ADDRESS(bss_end)
LINKER_ADDRESS(stack_bottom)
LINKER_ADDRESS(stack_top)
#undef LINKER_ADDRESS

#endif
