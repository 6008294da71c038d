#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CLinux.h"

int linux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int linux_open_entry(int folder, const char *name) { return openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC); }
