/* An LM3S6965, a Cortex-M3, as QEMU has it: what this firmware needs of the board. Chapters are the datasheet's. */
#ifndef BOARD_H
#define BOARD_H
#include <stddef.h>
#include <stdint.h>

#include "lwip/netif.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Runs the core at 50 MHz, and gives UART and Ethernet their clocks and pins. */
void board_start(void);

/* Writes a line to UART0. */
void board_print(const char *line, size_t size);

/* Ends QEMU with this exit code. */
_Noreturn void board_exit(int code);

/* A debugger's, here QEMU's, service (Arm, "Semihosting for AArch32 and AArch64"). */
int32_t board_semihosting(uint32_t operation, const void *arguments);

/* Bytes of the stack that were in use at its deepest. */
uint32_t board_stack(void);

/* Writes ` name=number` behind the text in `line`, which has space for that. */
void board_append(char *line, const char *name, uint32_t number);

/* Writes a line with bytes of flash, of all RAM that is spoken for and of a stack, and the time. */
void board_report(uint32_t stack, uint32_t milliseconds);

/* For lwIP's netif_add: sets the Ethernet controller up. */
err_t ethernet_start(struct netif *interface);

/* Hands a frame that has arrived over to lwIP. Returns whether there was one. */
int ethernet_poll(struct netif *interface);

#endif
