/* Shared by the C programs of the attack tests. */
#ifndef ATTACK_COMMON_H
#define ATTACK_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* say prints one result: "error 13" or "status 7". Never strings from strerror: the two C libraries differ.
 */
static inline void say_error(int error) {
    printf("error %d\n", error);
    fflush(stdout);
}

static inline void say_status(int status) {
    if (WIFEXITED(status))
        printf("status %d\n", WEXITSTATUS(status));
    else
        printf("signal %d\n", WTERMSIG(status));
    fflush(stdout);
}

static inline void say_child(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            printf("waitpid: error %d\n", errno);
            return;
        }
    say_status(status);
}

/* Drops a program: what an attacker does first. DROP_FROM is copied to path, with the mode DROP_MODE. */
static inline int drop(const char *path) {
    const char *from = getenv("DROP_FROM"), *mode = getenv("DROP_MODE");
    char buffer[65536];
    ssize_t n;
    if (!from) return 0;
    int in = open(from, O_RDONLY), out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while ((n = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)n) != n) return -1;
    int r = fchmod(out, (mode_t)strtol(mode ? mode : "755", NULL, 8));
    close(in);
    close(out);
    return n < 0 ? -1 : r;
}

#endif
