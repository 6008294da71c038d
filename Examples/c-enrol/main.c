/* A C program that gets its certificate: `c-enrol CONFIGURATION FOLDER`. What is Linux's in it is what a board has of its own:
 * sockets, files, a clock, randomness.
 *
 * CONFIGURATION is a file of lines `name=value`. The identity is kept in FOLDER, and the certificate is written there as
 * certificate.der. Exit code 0: it is there, and nothing is due; 2: later; 1: an error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "scep.h"

/* ------------------------------------------------------------------------------------------------ clock and randomness */

static uint64_t uptime(void *context) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int64_t seconds_since_1970(void *context) {
    (void)context;
    return time(NULL);
}

static int fill_seed(void *context, uint8_t *seed, size_t size) {
    (void)context;
    return getrandom(seed, size, 0) == (ssize_t)size ? 0 : -1;
}

static void print_line(void *context, const char *line, size_t size) {
    (void)context;
    printf("%.*s\n", (int)size, line);
}

/* ------------------------------------------------------------------------------------------------ storage: one file */

struct folder {
    int number, current, next;
};

static int open_snapshot(void *context, size_t *size) {
    struct folder *folder = context;
    if (folder->current >= 0) {
        close(folder->current);
    }
    folder->current = openat(folder->number, "identity", O_RDONLY | O_CLOEXEC);
    if (folder->current < 0) {
        *size = 0;
        return errno == ENOENT ? 0 : -1;
    }
    const off_t end = lseek(folder->current, 0, SEEK_END);
    *size = end > 0 ? (size_t)end : 0;
    return end < 0 ? -1 : 0;
}

static int read_snapshot(void *context, size_t offset, uint8_t *bytes, size_t size) {
    const struct folder *folder = context;
    return pread(folder->current, bytes, size, (off_t)offset) == (ssize_t)size ? 0 : -1;
}

static int begin_snapshot(void *context, size_t size) {
    struct folder *folder = context;
    (void)size;
    folder->next = openat(folder->number, "identity.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return folder->next < 0 ? -1 : 0;
}

static int append_to_snapshot(void *context, const uint8_t *bytes, size_t size) {
    const struct folder *folder = context;
    return write(folder->next, bytes, size) == (ssize_t)size ? 0 : -1;
}

/* The new one takes the old one's place in one step, once it is on the disk. */
static int commit_snapshot(void *context) {
    struct folder *folder = context;
    const int failed = fsync(folder->next) != 0;
    close(folder->next);
    if (failed || renameat(folder->number, "identity.new", folder->number, "identity") != 0 ||
        fsync(folder->number) != 0) {
        return -1;
    }
    size_t size;
    return open_snapshot(folder, &size);
}

/* ------------------------------------------------------------------------------------------------ transport: one socket */

/* Waits until the socket is ready, or the deadline has passed. */
static int wait_for(int number, short event, uint64_t deadline) {
    const uint64_t now = uptime(NULL);
    struct pollfd entry = {number, event, 0};
    if (now >= deadline || poll(&entry, 1, (int)(deadline - now)) <= 0) {
        return SCEP_TIMED_OUT;
    }
    return 0;
}

static int connect_to(void *context, const char *host, uint16_t port, int is_https, uint64_t deadline) {
    int *number = context;
    if (is_https) {
        return SCEP_UNREACHABLE;
    }
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        return SCEP_NAME_UNKNOWN;
    }
    *number = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = connect(*number, found->ai_addr, found->ai_addrlen) == 0 ? 0 : errno;
    freeaddrinfo(found);
    if (error == EINPROGRESS) {
        if (wait_for(*number, POLLOUT, deadline) != 0) {
            return SCEP_TIMED_OUT;
        }
        socklen_t size = sizeof error;
        getsockopt(*number, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    return error == 0 ? 0 : error == ECONNREFUSED ? SCEP_CONNECTION_REFUSED : SCEP_UNREACHABLE;
}

static int send_all(void *context, const uint8_t *bytes, size_t size, uint64_t deadline) {
    const int *number = context;
    while (size > 0) {
        const ssize_t count = send(*number, bytes, size, MSG_NOSIGNAL);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        } else if (errno != EAGAIN) {
            return SCEP_RESET;
        } else if (wait_for(*number, POLLOUT, deadline) != 0) {
            return SCEP_TIMED_OUT;
        }
    }
    return 0;
}

static int receive_some(void *context, uint8_t *bytes, size_t size, uint64_t deadline) {
    const int *number = context;
    if (wait_for(*number, POLLIN, deadline) != 0) {
        return SCEP_TIMED_OUT;
    }
    const ssize_t count = recv(*number, bytes, size, 0);
    return count >= 0 ? (int)count : SCEP_RESET;
}

static void close_connection(void *context) {
    int *number = context;
    if (*number >= 0) {
        close(*number);
    }
    *number = -1;
}

/* ------------------------------------------------------------------------------------------------ main */

static scep_agent agent;
static uint8_t work[16384];

static int fail(scep_status status) {
    char text[SCEP_TEXT_SIZE];
    scep_error(&agent, text, sizeof text);
    printf("error %s\n", text);
    scep_end(&agent);
    return status > 0 ? 2 : 1;
}

int main(int count, char **arguments) {
    static char text[4096];
    if (count != 3) {
        fprintf(stderr, "usage: c-enrol CONFIGURATION FOLDER\n");
        return 1;
    }
    FILE *file = fopen(arguments[1], "r");
    const size_t size = file != NULL ? fread(text, 1, sizeof text, file) : 0;
    struct folder folder = {open(arguments[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC), -1, -1};
    if (size == 0 || size == sizeof text || folder.number < 0) {
        fprintf(stderr, "c-enrol: %s cannot be read, or is too long, or %s is no folder\n", arguments[1], arguments[2]);
        return 1;
    }
    fclose(file);

    int connection = -1;
    const scep_snapshots snapshots = {
        &folder, open_snapshot, read_snapshot, begin_snapshot, append_to_snapshot, commit_snapshot,
    };
    const scep_transport transport = {&connection, connect_to, send_all, receive_some, close_connection};
    const scep_platform platform = {
        .uptime = uptime, .time = seconds_since_1970, .entropy = fill_seed, .log = print_line, .snapshots = &snapshots,
    };
    scep_status status = scep_init(&agent, sizeof agent, &platform, text, size, work, sizeof work);
    if (status == SCEP_OK) {
        status = scep_attend(&agent, &transport);
    }
    if (status != SCEP_OK) {
        return fail(status);
    }

    static uint8_t certificate[4096];
    size_t certificate_size = sizeof certificate;
    status = scep_certificate(&agent, certificate, &certificate_size);
    if (status != SCEP_OK) {
        return fail(status);
    }
    const int output = openat(folder.number, "certificate.der", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const ssize_t written = write(output, certificate, certificate_size);
    close(output);
    scep_end(&agent);
    memset(text, 0, sizeof text);
    return written == (ssize_t)certificate_size ? 0 : 1;
}
