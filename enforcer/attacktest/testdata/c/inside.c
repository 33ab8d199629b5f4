/* What code that is already inside the process tries besides starting programs: inside METHOD TARGET. Says
 * "refused N" or "got it". TARGET is a library to drop (DROP_FROM) and load, for the methods that load. */
#include "common.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static const char *target;
static char name[4096];

static void say(int got) {
    if (got)
        puts("got it");
    else
        printf("refused %d\n", errno);
}

static void load(const char *path) {
    say(dlopen(path, RTLD_NOW) != NULL);
}

static void by_dlopen(void) {
    load(target);
}

static void by_dlopen_lazy(void) {
    say(dlopen(target, RTLD_LAZY | RTLD_GLOBAL | RTLD_NODELETE) != NULL);
}

static void by_dlopen_relative(void) {
    snprintf(name, sizeof name, "%.*s", (int)(strrchr(target, '/') - target), target);
    if (chdir(name) != 0) _exit(3);
    snprintf(name, sizeof name, "./%s", strrchr(target, '/') + 1);
    load(name);
}

static void by_dlopen_link(void) {
    snprintf(name, sizeof name, "%s.link", target);
    if (symlink(target, name) != 0) _exit(3);
    load(name);
}

static void by_dlopen_fd(void) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", open(target, O_RDONLY));
    load(name);
}

static void by_dlopen_memfd(void) {
    char buffer[65536];
    int in = open(target, O_RDONLY), out = memfd_create("library", 0);
    ssize_t n;
    while ((n = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)n) != n) _exit(3);
    snprintf(name, sizeof name, "/proc/self/fd/%d", out);
    load(name);
}

#ifdef __GLIBC__
static void by_dlmopen(void) {
    say(dlmopen(LM_ID_NEWLM, target, RTLD_NOW) != NULL);
}
#endif

static void read_it(int fd) {
    char byte;
    say(fd >= 0 && pread(fd, &byte, 1, 0) == 1);
}

static void by_environ_open(void) {
    read_it(open("/proc/self/environ", O_RDONLY));
}

static void by_environ_openat(void) {
    read_it(openat(open("/proc/self", O_PATH), "environ", O_RDONLY));
}

static void by_environ_fopen(void) {
    FILE *f = fopen("/proc/self/environ", "r");
    say(f && fgetc(f) != EOF);
}

static void by_environ_syscall(void) {
    read_it((int)syscall(SYS_openat, AT_FDCWD, "/proc/self/environ", O_RDONLY, 0));
}

static void by_environ_openat2(void) {
    unsigned long how[3] = {O_RDONLY, 0, 0};
    read_it((int)syscall(437, AT_FDCWD, "/proc/self/environ", how, sizeof how));
}

static void by_environ_pid(void) {
    snprintf(name, sizeof name, "/proc/%d/environ", getpid());
    read_it(open(name, O_RDONLY));
}

static void by_environ_task(void) {
    snprintf(name, sizeof name, "/proc/self/task/%d/environ", getpid());
    read_it(open(name, O_RDONLY));
}

static void by_environ_link(void) {
    snprintf(name, sizeof name, "%s.link", target);
    if (symlink("/proc/self/environ", name) != 0) _exit(3);
    read_it(open(name, O_RDONLY));
}

static void by_environ_dots(void) {
    read_it(open("/usr/../proc//self/./root/proc/self/environ", O_RDONLY));
}

static void by_environ_reopen(void) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", open("/proc/self/environ", O_PATH));
    read_it(open(name, O_RDONLY));
}

static void by_environ_parent(void) {
    pid_t pid = fork();
    if (pid == 0) {
        snprintf(name, sizeof name, "/proc/%d/environ", getppid());
        read_it(open(name, O_RDONLY));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static int secret = 42;

static void by_mem(void) {
    char text[8];
    int fd = open("/proc/self/mem", O_RDWR);
    say(fd >= 0 && pread(fd, text, 4, (off_t)&secret) == 4);
}

/* A child reaches into its parent. */
static void remote(long (*copy)(pid_t pid, const struct iovec *here, const struct iovec *there)) {
    pid_t pid = fork();
    if (pid == 0) {
        int here = 0;
        struct iovec local = {&here, 4}, there = {&secret, 4};
        say(copy(getppid(), &local, &there) == 4);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static long readv_libc(pid_t pid, const struct iovec *here, const struct iovec *there) {
    return process_vm_readv(pid, here, 1, there, 1, 0);
}

static long writev_libc(pid_t pid, const struct iovec *here, const struct iovec *there) {
    return process_vm_writev(pid, here, 1, there, 1, 0);
}

static long readv_syscall(pid_t pid, const struct iovec *here, const struct iovec *there) {
    return syscall(SYS_process_vm_readv, pid, here, 1, there, 1, 0);
}

static void by_vm_readv(void) {
    remote(readv_libc);
}

static void by_vm_writev(void) {
    remote(writev_libc);
}

static void by_vm_readv_syscall(void) {
    remote(readv_syscall);
}

static void by_ptrace(void) {
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    say(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
    kill(pid, SIGKILL);
}

static void by_ptrace_syscall(void) {
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    say(syscall(SYS_ptrace, PTRACE_ATTACH, pid, NULL, NULL) == 0);
    kill(pid, SIGKILL);
}

static const struct {
    const char *name;
    void (*run)(void);
} methods[] = {
    {"load-dlopen", by_dlopen},
    {"load-lazy", by_dlopen_lazy},
    {"load-relative", by_dlopen_relative},
    {"load-link", by_dlopen_link},
    {"load-fd", by_dlopen_fd},
    {"load-memfd", by_dlopen_memfd},
#ifdef __GLIBC__
    {"load-dlmopen", by_dlmopen},
#endif
    {"environ-open", by_environ_open},
    {"environ-openat", by_environ_openat},
    {"environ-fopen", by_environ_fopen},
    {"environ-syscall", by_environ_syscall},
    {"environ-openat2", by_environ_openat2},
    {"environ-pid", by_environ_pid},
    {"environ-task", by_environ_task},
    {"environ-link", by_environ_link},
    {"environ-dots", by_environ_dots},
    {"environ-reopen", by_environ_reopen},
    {"environ-parent", by_environ_parent},
    {"memory-mem", by_mem},
    {"memory-vm_readv", by_vm_readv},
    {"memory-vm_writev", by_vm_writev},
    {"memory-vm_readv-syscall", by_vm_readv_syscall},
    {"memory-ptrace", by_ptrace},
    {"memory-ptrace-syscall", by_ptrace_syscall},
};

int main(int argc, char **argv) {
    enum { COUNT = sizeof methods / sizeof methods[0] };
    if (argc == 2 && !strcmp(argv[1], "list")) {
        for (int i = 0; i < COUNT; i++)
            puts(methods[i].name);
        return 0;
    }
    if (argc != 3) return 2;
    target = argv[2];
    if (drop(target) != 0) return 3;
    for (int i = 0; i < COUNT; i++)
        if (!strcmp(methods[i].name, argv[1])) methods[i].run();
    return 0;
}
