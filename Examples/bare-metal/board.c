/* Clocks, console, and the end of a run under QEMU. */
#include "board.h"

/* Chapter 5: 200 MHz of the PLL by 4, from the crystal of 8 MHz. */
static void start_clocks(void) {
    volatile uint32_t *const clock = &REGISTER(0x400FE060);
    const uint32_t bypass = 1u << 11, use_divider = 1u << 22, power_down = 1u << 13;
    *clock = (*clock | bypass) & ~use_divider;
    *clock = (*clock & ~(0xFu << 6 | 3u << 4 | 1u | power_down)) | 0xEu << 6;
    *clock = (*clock & ~(0xFu << 23)) | 3u << 23 | use_divider;
    /* A PLL that does not lock leaves the core on the crystal: slow, but running. */
    for (int turn = 0; turn < 32768; turn++) {
        if (REGISTER(0x400FE050) & 1u << 6) {
            *clock &= ~bypass;
            break;
        }
    }
    /* UART0; ports A and F, Ethernet and its PHY. A peripheral answers three cycles later, and a read takes longer. */
    REGISTER(0x400FE104) |= 1u << 0;
    REGISTER(0x400FE108) |= 1u << 30 | 1u << 28 | 1u << 5 | 1u << 0;
    (void)REGISTER(0x400FE108);
    (void)REGISTER(0x400FE108);
}

/* Chapter 12: 115,200 baud, 8N1, on PA0 and PA1. */
static void start_uart(void) {
    REGISTER(0x40004420) |= 3;
    REGISTER(0x4000451C) |= 3;
    REGISTER(0x4000C030) = 0;
    REGISTER(0x4000C024) = 27;
    REGISTER(0x4000C028) = 8;
    REGISTER(0x4000C02C) = 0x70;
    REGISTER(0x4000C030) = 0x301;
}

void board_start(void) {
    start_clocks();
    start_uart();
}

static void put(char byte) {
    /* Dropped when the FIFO stays full for longer than a byte can take. */
    for (int turn = 0; REGISTER(0x4000C018) & 1u << 5; turn++) {
        if (turn == 20000) {
            return;
        }
    }
    REGISTER(0x4000C000) = (uint8_t)byte;
}

void board_print(const char *line, size_t size) {
    while (size-- > 0) {
        put(*line++);
    }
    put('\r');
    put('\n');
}

int32_t board_semihosting(uint32_t operation, const void *arguments) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

_Noreturn void board_exit(int code) {
    /* SYS_EXIT_EXTENDED with ADP_Stopped_ApplicationExit */
    const uint32_t block[] = {0x20026, (uint32_t)code};
    board_semihosting(0x20, block);
    for (;;) {
    }
}
