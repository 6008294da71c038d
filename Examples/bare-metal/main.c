/* A device in C without an operating system: it gets its certificate, or renews it, and says what that took. */
#include <string.h>

#include "board.h"
#include "flash.h"
#include "mbedtls/memory_buffer_alloc.h"
#include "network.h"
#include "scep.h"

static scep_agent agent;
static uint8_t work[SCEP_WORK_SIZE];
static char configuration[1536];
/* What mbedTLS has for a heap: enough for RSA-2048. */
static uint8_t arena[10240];

static volatile uint64_t milliseconds;

void SysTick_Handler(void);
void SysTick_Handler(void) { milliseconds++; }

uint64_t uptime(void *context) {
    (void)context;
    uint64_t before, now = milliseconds;
    /* Two words, between which the timer may come. */
    do {
        before = now;
        now = milliseconds;
    } while (before != now);
    return now;
}

static void sleep_for(void *context, uint64_t time) {
    const uint64_t end = uptime(context) + time;
    while (uptime(context) < end) {
        __asm volatile("wfi" ::: "memory");
    }
}

static void print(void *context, const char *line, size_t size) {
    (void)context;
    board_print(line, size);
}

_Noreturn static void give_up(const char *sentence) {
    board_print(sentence, strlen(sentence));
    board_exit(1);
}

int main(void) {
    board_start();
    /* SysTick, each millisecond at 50 MHz. */
    REGISTER(0xE000E014) = 50000 - 1;
    REGISTER(0xE000E018) = 0;
    REGISTER(0xE000E010) = 7;

    mbedtls_memory_buffer_alloc_init(arena, sizeof arena);
    uint32_t seed;
    if (flash_open() != 0) {
        give_up("error no-flash: there is no flash.bin; make the device first");
    }
    const size_t size = flash_configuration(configuration, sizeof configuration);
    if (size == 0 || flash_entropy(NULL, (uint8_t *)&seed, sizeof seed) != 0) {
        give_up("error not-provisioned: the factory's record is missing or damaged");
    }
    network_start(seed);

    const scep_platform platform = {
        .uptime = uptime, .sleep = sleep_for, .entropy = flash_entropy, .log = print, .flash = &flash_identity,
    };
    scep_status status = scep_init(&agent, sizeof agent, &platform, configuration, size, work, sizeof work);
    if (status == SCEP_OK) {
        status = scep_attend(&agent, &network_transport);
    }
    board_report(board_stack(), (uint32_t)uptime(NULL));
    static char error[6 + SCEP_TEXT_SIZE];
    if (status != SCEP_OK) {
        strcpy(error, "error ");
        scep_error(&agent, error + 6, sizeof error - 6);
        scep_end(&agent);
        give_up(error);
    }
    /* An application has scep_certificate and scep_sign from here on. */
    scep_end(&agent);
    board_print("done", 4);
    board_exit(0);
}
