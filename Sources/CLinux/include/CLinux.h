/// The C library's headers, for which Embedded Swift has no module on Linux, and inline C for what Swift cannot call or
/// what glibc and musl declare differently.
#ifndef CLINUX_H
#define CLINUX_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// errno is a macro.
static inline int linux_errno(void) { return errno; }

/// openat takes a variable number of arguments.
static inline int linux_openat(int folder, const char *path, int flags, mode_t mode) {
    return openat(folder, path, flags, mode);
}

/// fcntl likewise. A second descriptor of an open file, which no other program inherits.
static inline int linux_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }

/// A TCP socket that does not block. The types of sockets are an enumeration in glibc and macros in musl.
static inline int linux_tcp_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/// What getaddrinfo is to look for: addresses for TCP.
static inline struct addrinfo linux_tcp_hints(int flags) {
    struct addrinfo hints = {.ai_flags = flags, .ai_socktype = SOCK_STREAM};
    return hints;
}

/// glibc's connect takes a transparent union.
static inline int linux_connect(int descriptor, const struct sockaddr_storage *address, socklen_t size) {
    return connect(descriptor, (const struct sockaddr *) address, size);
}

/// prctl takes a variable number of arguments. No core file and no debugger of the same user sees the memory.
static inline int linux_forbid_dumping(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// Resources are an enumeration in glibc and macros in musl.
static inline int linux_forbid_core_files(void) {
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none);
}

/// prctl likewise. The calling process is killed when the one that made it ends.
static inline int linux_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

/// MSG_NOSIGNAL is an enumeration in glibc and a macro in musl. A far side that is gone is EPIPE, whatever the process does
/// about signals.
static inline ssize_t linux_send(int socket, const void *bytes, size_t count) {
    return send(socket, bytes, count, MSG_NOSIGNAL);
}

/// SIG_IGN is a macro with a cast. Writing to what nobody reads then fails with EPIPE and does not kill.
static inline void linux_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

/// pipe2 with O_CLOEXEC. It is one of the GNU extensions, which no header here may switch on: the C library's types would
/// be others than in the modules of Swift's own libraries.
int linux_pipe(int ends[2]);

/// Swift hides fork, which is unsafe where there are threads; a board has none.
static inline pid_t linux_fork(void) { return fork(); }

/// Has SIGTERM, SIGINT and SIGHUP say what becomes of the work, and then end the program as they always do.
void linux_end_politely(void);

/// Has them end it without a word.
void linux_end_plainly(void);

/// Becomes another user for good, with all groups that it is in.
///
/// Returns 0, or -1 with errno; some of it may have been done then.
int linux_become(uid_t user, gid_t group);

/// Opens an entry of a folder, or the link itself if it is one, for nothing but to be looked at. O_PATH is one of the GNU
/// extensions.
int linux_open_entry(int folder, const char *name);

/// The name of the next entry of a folder; NULL behind the last. Swift does not see an array at the end of a structure.
static inline const char *linux_next_name(DIR *folder) {
    const struct dirent *entry = readdir(folder);
    return entry ? entry->d_name : NULL;
}

#define LINUX_NOT_STARTED -1
#define LINUX_TIMED_OUT -2

/// Runs a program, in a process group of its own, with nothing at its standard input, its output at standard error, and
/// no other file open. After `seconds` it is killed with all that descends from it, in whatever session that is, for ten
/// seconds at most: what goes on making processes may outlast that, and those of another user, as sudo makes them, stay.
/// What a program leaves running that ends before stays too, as a daemon that it started again has to.
///
/// Returns its exit code, 256 and the signal that ended it, LINUX_TIMED_OUT, or LINUX_NOT_STARTED with errno.
int linux_run(char *const arguments[], char *const environment[], int seconds);

#endif
