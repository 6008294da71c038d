// The first instructions of every fault. They need the stack pointer as the fault left it and a return value in
// the link register, and must not touch a stack that may be what failed: no compiler output can promise that.

    .syntax unified
    .thumb

    .section .text.lm3s_fault_entry, "ax"
    .global lm3s_fault_entry
    .type lm3s_fault_entry, %function
    .thumb_func
lm3s_fault_entry:
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
2:  b       lm3s_fault_report
    .pool
