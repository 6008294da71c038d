// The first instructions (RISC-V Privileged Architecture, chapter 3), and those of every trap, which must not touch a stack
// that may be what failed.

    .option arch, +zicsr

    .section .vectors, "ax"
    .global cpuReset
cpuReset:
    la      sp, __stack_top
    la      t0, trap
    csrw    mtvec, t0
    // The image can be read and run, and that is locked: below the stack nothing can be written to, so that an overflow is a
    // fault at once (PMP entry 0: L, NAPOT, X, R).
    lui     t0, %hi(__flash_region)
    addi    t0, t0, %lo(__flash_region)
    csrw    pmpaddr0, t0
    li      t0, 0x9d
    csrw    pmpcfg0, t0
    // Machine timer interrupts end a sleep (MTIE), and lead nowhere (MIE is clear).
    li      t0, 0x80
    csrw    mie, t0
    j       riscvReset

    .balign 4
trap:
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    mv      a3, sp
    mv      a4, ra
    la      sp, __stack_top
    j       riscvFault

    // Operation, arguments and answer are where a call has them. Of these three, uncompressed and on one page, the debugger
    // takes the middle one for its own.
    .section .text.cpuSemihosting, "ax"
    .global cpuSemihosting
    .option norvc
    .option norelax
    .balign 16
cpuSemihosting:
    slli    zero, zero, 0x1f
    ebreak
    srai    zero, zero, 7
    ret
