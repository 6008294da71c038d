#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CLinux.h"

int linux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
