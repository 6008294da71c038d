#include "CLinux.h"

// What the process that looks after a program tells of it.
struct outcome {
    // As linux_run returns it.
    int status;
    // With LINUX_NOT_STARTED.
    int error;
};

// Reads all of a structure, or nothing of it: it is written in one piece.
static ssize_t read_whole(int descriptor, void *bytes, size_t size) {
    ssize_t count;
    do {
        count = read(descriptor, bytes, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

// Nanoseconds of a clock that nobody sets.
static int64_t uptime(void) {
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void wait_for(pid_t process) {
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void pause_shortly(void) {
    const struct timespec pause = {0, 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
}

// Closes all that the program would keep open: the lock on the folder above all.
static void close_all_but(int kept) {
    struct rlimit limit;
    const int count = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int) limit.rlim_cur : 65536;
    for (int descriptor = STDERR_FILENO + 1; descriptor < count; descriptor += 1) {
        if (descriptor != kept) {
            close(descriptor);
        }
    }
}

// The process that made another, of whom /proc has a folder of this name; 0 when there is none.
static pid_t parent_of(const char *name) {
    char text[512] = "/proc/";
    if (strlen(name) > 20) {
        return 0;
    }
    strcat(strcat(text, name), "/stat");
    const int file = open(text, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return 0;
    }
    const ssize_t count = read_whole(file, text, sizeof text - 1);
    close(file);
    text[count > 0 ? count : 0] = 0;
    // `number (name) state parent …`; the name is the process's own choice, and may have parentheses in it.
    const char *end = strrchr(text, ')');
    return end && strlen(end) > 4 ? (pid_t) atoi(end + 4) : 0;
}

static void kill_children(void) {
    DIR *folder = opendir("/proc");
    if (!folder) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        const pid_t process = (pid_t) atoi(entry->d_name);
        if (process > 1 && parent_of(entry->d_name) == getpid()) {
            kill(process, SIGKILL);
        }
    }
    closedir(folder);
}

// Kills the program's process group and whatever else comes from it. Who loses the process that made it becomes a child of
// this one (PR_SET_CHILD_SUBREAPER), in whatever session or group it is, so that each round reaches a generation more.
static void kill_all(pid_t program) {
    kill(-program, SIGKILL);
    // Ten seconds, with the pauses: whoever waits for this waits no longer.
    for (int round = 0; round < 500; round += 1) {
        kill_children();
        pid_t ended;
        do {
            ended = waitpid(-1, NULL, WNOHANG);
        } while (ended > 0);
        // Those of another user, as sudo makes them, stay: they are not this program's to kill.
        if (ended < 0) {
            return;
        }
        pause_shortly();
    }
}

// Starts the program.
//
// Returns its process, or -1 with errno.
static pid_t start(char *const arguments[], char *const environment[]) {
    // Whether it could be started comes back through a pipe that starting it closes.
    int started[2];
    if (linux_pipe(started) != 0) {
        return -1;
    }
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        signal(SIGPIPE, SIG_DFL);
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execve(arguments[0], arguments, environment);
        const int error = errno;
        if (write(started[1], &error, sizeof error) < 0) {
            // Its exit code says the same.
        }
        _exit(127);
    }
    int error = errno;
    close(started[1]);
    const int failed = child < 0 || read_whole(started[0], &error, sizeof error) == sizeof error;
    close(started[0]);
    if (!failed) {
        return child;
    }
    if (child > 0) {
        wait_for(child);
    }
    errno = error;
    return -1;
}

static struct outcome look_after(char *const arguments[], char *const environment[], int seconds) {
    struct outcome outcome = {LINUX_NOT_STARTED, 0};
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const int64_t end = uptime() + (int64_t) seconds * 1000000000;
    const pid_t program = start(arguments, environment);
    if (program < 0) {
        outcome.error = errno;
        return outcome;
    }
    for (;;) {
        int status = 0;
        const pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended == program) {
            outcome.status = WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
            return outcome;
        }
        if (ended > 0) {
            continue;
        }
        if (uptime() >= end) {
            kill_all(program);
            outcome.status = LINUX_TIMED_OUT;
            return outcome;
        }
        pause_shortly();
    }
}

int linux_run(char *const arguments[], char *const environment[], int seconds) {
    int ends[2];
    if (linux_pipe(ends) != 0) {
        return LINUX_NOT_STARTED;
    }
    // A process between the two: all that descends from it is the program's, and nothing else is.
    const pid_t keeper = fork();
    if (keeper == 0) {
        // A key that ends this program on its terminal leaves the other its time.
        setpgid(0, 0);
        linux_end_plainly();
        close_all_but(ends[1]);
        const struct outcome outcome = look_after(arguments, environment, seconds);
        if (write(ends[1], &outcome, sizeof outcome) < 0) {
            // Nobody waits for it any more.
        }
        _exit(0);
    }
    struct outcome outcome = {LINUX_NOT_STARTED, errno};
    close(ends[1]);
    if (keeper > 0) {
        if (read_whole(ends[0], &outcome, sizeof outcome) != sizeof outcome) {
            outcome = (struct outcome) {LINUX_NOT_STARTED, ECHILD};
        }
        wait_for(keeper);
    }
    close(ends[0]);
    errno = outcome.error;
    return outcome.status;
}
