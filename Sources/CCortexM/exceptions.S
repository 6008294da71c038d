// The vector table (Armv7-M Architecture Reference Manual, B1.5.3), which the linker has to find exactly once, and the
// first instructions of every fault: they need the stack pointer as the fault left it and a return value in the link
// register, and must not touch a stack that may be what failed. No compiler output can promise that.

    .syntax unified
    .thumb

    .section .vectors, "a"
    .word   __stack_top
    .word   cpuReset
    // Exceptions 2 to 14. No interrupt of a peripheral is enabled.
    .rept   13
    .word   cortexmFaultEntry
    .endr
    .word   cortexmTick

    // Operation, arguments and answer are where a call has them.
    .section .text.cpuSemihosting, "ax"
    .global cpuSemihosting
    .type cpuSemihosting, %function
    .thumb_func
cpuSemihosting:
    bkpt    0xab
    bx      lr

    .section .text.cortexmFaultEntry, "ax"
    .type cortexmFaultEntry, %function
    .thumb_func
cortexmFaultEntry:
    mrs     r0, msp
    // The stack grows down to the start of SRAM, so after an overflow the pointer lies below it (or the frame
    // was not written): the handler then starts again at the top.
    ldr     r1, =__stack_bottom
    ldr     r2, =__stack_top
    cmp     r0, r1
    blo     1f
    cmp     r0, r2
    blo     2f
1:  mov     sp, r2
    movs    r0, #0
    // It does not return; a plain branch of v6-M does not reach it.
2:  bl      cortexmFault
    .pool

// What the compiler calls for a volatile register, and for what is initialised once, on Armv6-M, which has no exclusive access: one
// core, whose loads and stores of a word nothing comes in between.
#if __ARM_ARCH_6M__
    .section .text.atomics, "ax"
    .global __atomic_load_4, __atomic_store_4, __atomic_compare_exchange_4
    .type __atomic_load_4, %function
    .thumb_func
__atomic_load_4:
    ldr     r0, [r0]
    bx      lr

    .type __atomic_store_4, %function
    .thumb_func
__atomic_store_4:
    str     r1, [r0]
    bx      lr

    // The word's address, that of the value that it has to have and that takes it if it has another, and the next value.
    .type __atomic_compare_exchange_4, %function
    .thumb_func
__atomic_compare_exchange_4:
    push    {r4, r5, lr}
    mrs     r5, primask
    cpsid   i
    ldr     r3, [r0]
    ldr     r4, [r1]
    cmp     r3, r4
    bne     1f
    str     r2, [r0]
    movs    r0, #1
    b       2f
1:  str     r3, [r1]
    movs    r0, #0
2:  msr     primask, r5
    pop     {r4, r5, pc}
#endif
