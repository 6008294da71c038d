/* Stands for what the maker of a part, or an RTOS, has: each function returns 0, or less than 0 where it failed. */
#ifndef VENDOR_H
#define VENDOR_H
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since start-up; seconds since 1970, or 0. */
uint64_t vendor_uptime(void);
int64_t vendor_rtc(void);
void vendor_sleep(uint32_t milliseconds);

/* A stream of bytes to one host. Each gives up after so many milliseconds, and returns -2 then. */
int vendor_connect(const char *_Nonnull host, uint16_t port, uint32_t milliseconds);
int vendor_send(const uint8_t *_Nonnull bytes, size_t count, uint32_t milliseconds);
/* How many bytes were stored; 0 once the far side has ended its stream. */
int vendor_receive(uint8_t *_Nonnull bytes, size_t count, uint32_t milliseconds);
void vendor_close(void);

/* NOR flash: pages of 8 bytes, sectors of 4 KiB; addresses from 0. */
int vendor_flash_read(uint32_t address, uint8_t *_Nonnull bytes, size_t count);
int vendor_flash_program(uint32_t address, const uint8_t *_Nonnull bytes, size_t count);
int vendor_flash_erase(uint32_t address);

/* The generator of random numbers, after its health tests. */
int vendor_trng(uint8_t *_Nonnull bytes, size_t count);

void vendor_print(const char *_Nonnull bytes, size_t count);
void vendor_feed_watchdog(void);
#endif
