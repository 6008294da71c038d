/* A device in C on FreeRTOS: one task gets the certificate, or renews it, while the application does what the device is there for. */
#include <string.h>

#include "FreeRTOS.h"
#include "board.h"
#include "flash.h"
#include "mbedtls/memory_buffer_alloc.h"
#include "network.h"
#include "scep.h"
#include "semphr.h"
#include "task.h"

static scep_agent agent;
static uint8_t work[SCEP_WORK_SIZE];
static char configuration[1536];
/* What mbedTLS has for a heap. The task `scep` alone calls mbedTLS: if another did, it would need MBEDTLS_THREADING_C. */
static uint8_t arena[10240];

/* The application comes before `scep`, and lwIP before both (lwipopts.h): a key takes a minute of the processor, and whoever has
 * less to do waits for none of it. */
enum { SCEP_PRIORITY = 1, APPLICATION_PRIORITY = 2 };

static StackType_t scep_stack[8192 / sizeof(StackType_t)];
static StackType_t application_stack[1024 / sizeof(StackType_t)];

/* ------------------------------------------------------------------------------------------------ what tasks share */

static SemaphoreHandle_t console;

static void print(void *context, const char *line, size_t size) {
    (void)context;
    xSemaphoreTake(console, portMAX_DELAY);
    board_print(line, size);
    xSemaphoreGive(console);
}

static uint64_t milliseconds;

void vApplicationTickHook(void);
void vApplicationTickHook(void) { milliseconds++; }

/* FreeRTOS counts in 32 bits, and begins anew after 49 days. */
uint64_t uptime(void *context) {
    (void)context;
    taskENTER_CRITICAL();
    const uint64_t now = milliseconds;
    taskEXIT_CRITICAL();
    return now;
}

static void sleep_for(void *context, uint64_t time) {
    (void)context;
    const uint64_t hour = 3600000;
    for (; time > hour; time -= hour) {
        vTaskDelay((TickType_t)hour);
    }
    vTaskDelay((TickType_t)time);
}

/* ------------------------------------------------------------------------------------------------ the application */

/* Every 10 ms it does its work. Every 100 ms it says how often it did. */
_Noreturn static void run_application(void *context) {
    (void)context;
    TickType_t last = xTaskGetTickCount();
    for (unsigned turns = 1;; turns++) {
        vTaskDelayUntil(&last, 10);
        if (turns % 10 == 0) {
            char line[48] = "application";
            board_append(line, "turns", turns);
            board_append(line, "ms", (uint32_t)uptime(NULL));
            print(NULL, line, strlen(line));
        }
    }
}

/* ------------------------------------------------------------------------------------------------ the certificate */

static const scep_platform platform = {
    .uptime = uptime, .sleep = sleep_for, .entropy = flash_entropy, .log = print, .flash = &flash_identity,
};

static TaskHandle_t certificate_task;

_Noreturn static void finish(scep_status status) {
    static char last[6 + SCEP_TEXT_SIZE];
    strcpy(last, status == SCEP_OK ? "done" : "error ");
    if (status != SCEP_OK) {
        scep_error(&agent, last + 6, sizeof last - 6);
    }
    scep_end(&agent);
    const uint32_t left = certificate_task != NULL ? uxTaskGetStackHighWaterMark(certificate_task) * sizeof(StackType_t) : sizeof scep_stack;
    xSemaphoreTake(console, portMAX_DELAY);
    board_report(sizeof scep_stack - left, (uint32_t)uptime(NULL));
    board_print(last, strlen(last));
    board_exit(status == SCEP_OK ? 0 : 1);
}

/* Before there are tasks, on the stack that interrupts have later: scep_init takes more of it than all that comes after. */
static void set_up(void) {
    mbedtls_memory_buffer_alloc_init(arena, sizeof arena);
    const size_t size = flash_open() == 0 ? flash_configuration(configuration, sizeof configuration) : 0;
    if (size == 0) {
        static const char sentence[] = "error not-provisioned: there is no flash.bin, or the factory's record is damaged";
        board_print(sentence, sizeof sentence - 1);
        board_exit(1);
    }
    const scep_status status = scep_init(&agent, sizeof agent, &platform, configuration, size, work, sizeof work);
    if (status != SCEP_OK) {
        finish(status);
    }
}

_Noreturn static void run_scep(void *context) {
    (void)context;
    uint32_t seed = 0;
    flash_entropy(NULL, (uint8_t *)&seed, sizeof seed);
    network_start(seed);
    const scep_status status = scep_attend(&agent, &network_transport);
    /* An application has scep_certificate and scep_sign from here on, in this task or under a lock. */
    finish(status);
}

/* ------------------------------------------------------------------------------------------------ FreeRTOS */

void vApplicationGetIdleTaskMemory(StaticTask_t **task, StackType_t **stack, uint32_t *size);
void vApplicationGetIdleTaskMemory(StaticTask_t **task, StackType_t **stack, uint32_t *size) {
    static StaticTask_t idle_task;
    static StackType_t idle_stack[configMINIMAL_STACK_SIZE];
    *task = &idle_task;
    *stack = idle_stack;
    *size = configMINIMAL_STACK_SIZE;
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name);
void vApplicationStackOverflowHook(TaskHandle_t task, char *name) {
    (void)task;
    board_print(name, strlen(name));
    board_print("error stack-overflow: a task needs more", 39);
    board_exit(3);
}

int main(void) {
    static StaticTask_t scep_block, application_block;
    static StaticSemaphore_t console_lock;
    board_start();
    console = xSemaphoreCreateMutexStatic(&console_lock);
    set_up();
    certificate_task = xTaskCreateStatic(run_scep, "scep", sizeof scep_stack / sizeof *scep_stack, NULL, SCEP_PRIORITY, scep_stack,
                                  &scep_block);
    xTaskCreateStatic(run_application, "application", sizeof application_stack / sizeof *application_stack, NULL,
                      APPLICATION_PRIORITY, application_stack, &application_block);
    vTaskStartScheduler();
    return 1;
}
