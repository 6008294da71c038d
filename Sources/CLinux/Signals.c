#include "CLinux.h"

static void say_and_end(int signal_number) {
    static const char message[] =
        "scep: interrupted; what is stored is whole, and the next run goes on from there\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0) {
        // Nobody reads it; the program ends all the same.
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

static void handle(void (*handler)(int)) {
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i += 1) {
        struct sigaction before;
        // Whoever started the program with a signal ignored, as nohup does, does not want it to end.
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            signal(signals[i], handler);
        }
    }
}

void linux_end_politely(void) { handle(say_and_end); }

void linux_end_plainly(void) { handle(SIG_DFL); }
