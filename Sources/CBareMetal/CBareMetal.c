#include "CBareMetal.h"

// A board without a watchdog.
__attribute__((weak)) void boardAlive(void) {}
