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
2:  b       cortexmFault
    .pool
