/* All that a program can see of how it was started. With and without the enforcer this must be the same. */
#include "common.h"

#include <dirent.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static unsigned long hash(const char *s, unsigned long h) {
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211ul;
    return h * 31 + 7;
}

static void print_vector(const char *what, char **v) {
    unsigned long h = 14695981039346656037ul, n = 0, bytes = 0;
    for (; v[n]; n++) {
        h = hash(v[n], h);
        bytes += strlen(v[n]);
        if (n < 20) printf("%s %lu: %.200s\n", what, n, v[n]);
    }
    printf("%s: %lu strings, %lu bytes, hash %lx\n", what, n, bytes, h);
}

static void print_file(const char *name) {
    char text[4096];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    for (ssize_t i = 0; i < n; i++)
        if (text[i] == 0) text[i] = '|';
    printf("%s: %.*s\n", name, n < 0 ? 0 : (int)n, text);
    if (fd >= 0) close(fd);
}

/* A line of /proc/self/status. */
static void print_status(const char *key) {
    char line[512];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) fputs(line, stdout);
    if (f) fclose(f);
}

static void print_descriptors(void) {
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d)) {
            int n = atoi(e->d_name);
            printf("descriptor %d: flags %d, %x\n", n, fcntl(n, F_GETFD), fcntl(n, F_GETFL));
        }
    if (d) closedir(d);
}

static void print_signals(void) {
    sigset_t mask;
    struct sigaction act;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int i = 1; i < 65; i++) {
        if (sigismember(&mask, i) == 1) printf("signal %d blocked\n", i);
        if (sigaction(i, NULL, &act) == 0 && act.sa_handler != SIG_DFL)
            printf("signal %d: handler %d, flags %x\n", i, act.sa_handler == SIG_IGN, act.sa_flags);
    }
    stack_t alternate;
    sigaltstack(NULL, &alternate);
    printf("alternate stack flags %d, size %zu\n", alternate.ss_flags, alternate.ss_size);
}

static void print_limits(void) {
    struct rlimit r;
    for (int i = 0; i < 16; i++)
        if (getrlimit(i, &r) == 0) printf("limit %d: %lx %lx\n", i, (long)r.rlim_cur, (long)r.rlim_max);
}

int main(int argc, char **argv) {
    char path[8192];
    printf("errno at start %d\n", errno);
    printf("%d arguments\n", argc);
    print_vector("argument", argv);
    print_vector("environment", environ);
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    printf("exe %.*s\n", (int)n, path);
    printf("execfn %s\n", (const char *)getauxval(AT_EXECFN));
    printf("secure %lu\n", getauxval(AT_SECURE));
    printf("program name %s, %s\n", program_invocation_name, program_invocation_short_name);
    print_file("/proc/self/comm");
    print_file("/proc/self/cmdline");
    print_status("Threads:");
    print_status("NoNewPrivs:");
    print_status("Seccomp:");
    print_status("Uid:");
    print_status("CapEff:");
    print_status("SigCgt:");
    print_status("TracerPid:");
    printf("folder %s\n", getcwd(path, sizeof path));
    printf("mask %o, session %d, group %d\n", umask(0), getsid(0) == getpid(), getpgrp() == getpid());
    printf("dumpable %d, keepcaps %d\n", prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS));
    print_descriptors();
    print_signals();
    print_limits();
    return 7;
}
