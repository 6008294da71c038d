/* From reset to main, what a run took, and what a fault says. */
#include <string.h>

#include "board.h"

/* Of memory.ld. The stack lies at the start of SRAM, and an overflow meets nothing that it could change. */
extern uint32_t flash_start[], flash_end[], data_load[], data_start[], data_end[], bss_start[], bss_end[], stack_bottom[],
    stack_top[];

int main(void);
_Noreturn void reset(void);

#define PAINT 0xA5A5A5A5u

/* What of the stack is still painted later was never used. This frame is below all others. */
__attribute__((noinline)) static void paint_stack(void) {
    for (uint32_t *word = stack_bottom; word < (uint32_t *)__builtin_frame_address(0) - 32; *word++ = PAINT) {
    }
}

_Noreturn void reset(void) {
    for (uint32_t *from = data_load, *to = data_start; to < data_end; *to++ = *from++) {
    }
    for (uint32_t *word = bss_start; word < bss_end; *word++ = 0) {
    }
    paint_stack();
    main();
    board_exit(1);
}

uint32_t board_stack(void) {
    const uint32_t *word = stack_bottom;
    while (word < stack_top && *word == PAINT) {
        word++;
    }
    return (uint32_t)((char *)stack_top - (char *)word);
}

void board_append(char *line, const char *name, uint32_t number) {
    char digits[10];
    size_t count = 0;
    char *end = line + strlen(line);
    *end++ = ' ';
    end = strcpy(end, name) + strlen(name);
    *end++ = '=';
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *end++ = digits[--count];
    }
    *end = 0;
}

void board_report(uint32_t stack, uint32_t milliseconds) {
    char line[80] = "report";
    board_append(line, "flash", (uint32_t)((char *)flash_end - (char *)flash_start));
    board_append(line, "ram", (uint32_t)((char *)bss_end - (char *)stack_bottom));
    board_append(line, "stack", stack);
    board_append(line, "ms", milliseconds);
    board_print(line, strlen(line));
}

__attribute__((used)) _Noreturn static void say_fault(void) {
    static const char digits[] = "0123456789abcdef";
    char line[] = "fault: cfsr 00000000";
    const uint32_t reason = REGISTER(0xE000ED28);
    for (int index = 0; index < 8; index++) {
        line[12 + index] = digits[reason >> (28 - 4 * index) & 15];
    }
    board_print(line, sizeof line - 1);
    board_exit(3);
}

/* The stack may be what failed. */
__attribute__((naked)) static void fault(void) { __asm("movw r0, :lower16:stack_top\n movt r0, :upper16:stack_top\n mov sp, r0\n b say_fault"); }

/* An RTOS has three of them, a timer's interrupt the third. */
__attribute__((weak, alias("fault"))) void SVC_Handler(void);
__attribute__((weak, alias("fault"))) void PendSV_Handler(void);
__attribute__((weak, alias("fault"))) void SysTick_Handler(void);

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    stack_top, reset, fault, fault, fault, fault, fault, NULL, NULL, NULL, NULL, SVC_Handler, fault, NULL, PendSV_Handler,
    SysTick_Handler,
};
