/// What leads from the first instruction and from a trap to Swift, and what Swift cannot say.
#ifndef CRISCV_H
#define CRISCV_H
#include <stdint.h>

/// Called when there is a stack.
_Noreturn void riscvReset(void);

/// Every trap: no interrupt is enabled, so that each is a fault.
///
/// - Parameters:
///   - cause: mcause.
///   - place: mepc, the instruction.
///   - value: mtval, for most faults the address.
///   - stack: the stack pointer as the fault left it.
///   - caller: where the function returns to, as long as it called none itself.
_Noreturn void riscvFault(uint32_t cause, uint32_t place, uint32_t value, uint32_t stack, uint32_t caller);

/// Sleeps until an interrupt is pending.
static inline void riscvWait(void) {
    __asm volatile("wfi" ::: "memory");
}

#endif
