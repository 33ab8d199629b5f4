/* Measures from inside a process that the benchmark started, under one variant.
 *
 *   worker spawn PROGRAM     nanoseconds in posix_spawn(3), the same until the child was waited for, the
 * error worker open FILE r|w     nanoseconds for a pair of open(2) and close(2) worker load LIBRARY
 * nanoseconds for a pair of dlopen(3) and dlclose(3) worker idle              nothing
 *
 * Every line on stdin asks for that many operations in a row and is answered by one line of means. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct answer {
    double first, second;
    int error;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct answer spawn(long n, char **args) {
    struct answer a = {0};
    for (long i = 0; i < n; i++) {
        char *argv[] = {args[0], NULL};
        pid_t pid;
        int status;
        double start = now();
        a.error = posix_spawn(&pid, args[0], NULL, NULL, argv, environ);
        a.first += now() - start;
        if (a.error == 0) waitpid(pid, &status, 0);
        a.second += now() - start;
    }
    return a;
}

static struct answer open_close(long n, char **args) {
    struct answer a = {0};
    int flags = (args[1][0] == 'w' ? O_WRONLY : O_RDONLY) | O_CLOEXEC;
    double start = now();
    for (long i = 0; i < n; i++) {
        int fd = open(args[0], flags);
        if (fd < 0) a.error = 1;
        close(fd);
    }
    a.first = now() - start;
    return a;
}

static struct answer load(long n, char **args) {
    struct answer a = {0};
    double start = now();
    for (long i = 0; i < n; i++) {
        void *library = dlopen(args[0], RTLD_NOW);
        if (!library || dlclose(library)) a.error = 1;
    }
    a.first = now() - start;
    return a;
}

static struct answer idle(long n, char **args) {
    (void)n, (void)args;
    return (struct answer){0};
}

static const struct work {
    const char *name;
    struct answer (*run)(long, char **);
    int args;
} works[] = {{"spawn", spawn, 1}, {"open", open_close, 2}, {"load", load, 1}, {"idle", idle, 0}};

int main(int argc, char **argv) {
    char line[64];
    for (size_t i = 0; argc > 1 && i < sizeof works / sizeof works[0]; i++) {
        if (strcmp(argv[1], works[i].name) || argc != 2 + works[i].args) continue;
        while (fgets(line, sizeof line, stdin)) {
            long n = atol(line);
            struct answer a = works[i].run(n, argv + 2);
            printf("%.1f %.1f %d\n", a.first / (double)n, a.second / (double)n, a.error);
            fflush(stdout);
        }
        return 0;
    }
    fprintf(stderr, "worker: unknown work\n");
    return 2;
}
