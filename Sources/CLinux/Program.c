#include "CLinux.h"

int linux_run(char *const arguments[], char *const environment[], int seconds) {
    // Whether the program could be started comes back through a pipe that starting it closes.
    int started[2];
    if (linux_pipe(started) != 0) {
        return LINUX_NOT_STARTED;
    }
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        signal(SIGPIPE, SIG_DFL);
        const int nothing = open("/dev/null", O_RDONLY);
        if (nothing >= 0) {
            dup2(nothing, STDIN_FILENO);
        }
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execve(arguments[0], arguments, environment);
        const int error = errno;
        if (write(started[1], &error, sizeof error) < 0) {
            // Its exit code says the same.
        }
        _exit(127);
    }
    close(started[1]);
    int error = child < 0 ? errno : 0;
    if (child > 0 && read(started[0], &error, sizeof error) < 0) {
        error = 0;
    }
    close(started[0]);
    if (child < 0) {
        errno = error;
        return LINUX_NOT_STARTED;
    }
    int status = 0;
    const struct timespec pause = {0, 20 * 1000 * 1000};
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    pid_t ended = 0;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec)) {
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
            return LINUX_TIMED_OUT;
        }
        nanosleep(&pause, NULL);
    }
    if (error != 0) {
        errno = error;
        return LINUX_NOT_STARTED;
    }
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}
