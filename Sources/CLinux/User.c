#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CLinux.h"

int linux_become(uid_t user, gid_t group) {
    const struct passwd *entry = getpwuid(user);
    const int groups = entry ? initgroups(entry->pw_name, group) : setgroups(0, NULL);
    return groups == 0 && setgid(group) == 0 && setuid(user) == 0 ? 0 : -1;
}
