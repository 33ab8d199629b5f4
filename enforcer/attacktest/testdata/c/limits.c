/* What must not break: limits METHOD TARGET MARKER. Drops TARGET first when DROP_FROM says so. */
#include "common.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static char *target, *marker;

static void start(char *path, char *const argv[], char *const envp[]) {
    pid_t pid;
    int error = posix_spawn(&pid, path, NULL, NULL, argv, envp);
    if (error)
        say_error(error);
    else
        say_child(pid);
}

/* ---- leaks ---- */

static int descriptors(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* The process's own memory in KiB, and the number of its mappings. Not Private_Dirty: that counts the pages
 * of a freshly written program too, as soon as nobody else maps them. */
static void usage(long *dirty, long *mappings) {
    char line[512];
    long n;
    FILE *f = fopen("/proc/self/smaps", "r");
    *dirty = *mappings = 0;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "Anonymous: %ld kB", &n) == 1) *dirty += n;
        if (!strncmp(line, "VmFlags", 7)) ++*mappings;
    }
    fclose(f);
}

static void spawn_many(int times) {
    for (int i = 0; i < times; i++) {
        pid_t pid;
        int status;
        if (posix_spawn(&pid, target, NULL, NULL, (char *[]){target, marker, NULL}, environ) == 0)
            waitpid(pid, &status, 0);
    }
}

static void by_leak(void) {
    long dirty, mappings, dirty_after, mappings_after;
    int before;
    freopen("/dev/null", "w", stdout);
    spawn_many(20); /* whatever is set up once */
    before = descriptors();
    usage(&dirty, &mappings);
    spawn_many(1000);
    usage(&dirty_after, &mappings_after);
    fprintf(stderr, "descriptors: %d more\n", descriptors() - before);
    fprintf(stderr, "memory: %s\n", dirty_after - dirty <= 64 ? "no more" : "MORE");
    fprintf(stderr, "mappings: %s\n", mappings_after - mappings <= 2 ? "no more" : "MORE");
}

static void *spawn_once(void *arg) {
    spawn_many(1);
    return arg;
}

/* Threads that come and go: what is kept for a thread must be found again by the next ones. */
static void by_leak_threads(void) {
    long dirty, mappings, dirty_after, mappings_after;
    freopen("/dev/null", "w", stdout);
    for (int i = 0; i < 600; i++) {
        pthread_t thread;
        if (i == 200) usage(&dirty, &mappings);
        pthread_create(&thread, NULL, spawn_once, NULL);
        pthread_join(thread, NULL);
    }
    usage(&dirty_after, &mappings_after);
    fprintf(stderr, "memory: %s\n", dirty_after - dirty <= 256 ? "no more" : "MORE");
    fprintf(stderr, "mappings: %s\n", mappings_after - mappings <= 8 ? "no more" : "MORE");
}

enum { CROWD = 200 };

static pthread_barrier_t together;

static void *spawn_in_crowd(void *arg) {
    for (int round = 0; round < 3; round++) {
        pthread_barrier_wait(&together); /* the first thread measures between two rounds */
        spawn_many(2);
        pthread_barrier_wait(&together);
    }
    return arg;
}

/* More threads at once than anybody has slots for. */
static void by_leak_crowd(void) {
    static pthread_t threads[CROWD];
    long dirty[3], mappings[3];
    freopen("/dev/null", "w", stdout);
    pthread_barrier_init(&together, NULL, CROWD + 1);
    for (int i = 0; i < CROWD; i++)
        if (pthread_create(&threads[i], NULL, spawn_in_crowd, NULL) != 0) _exit(3);
    for (int round = 0; round < 3; round++) {
        pthread_barrier_wait(&together);
        pthread_barrier_wait(&together);
        usage(&dirty[round], &mappings[round]);
    }
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    fprintf(stderr, "memory: %s\n", dirty[2] - dirty[1] <= 512 ? "no more" : "MORE");
    fprintf(stderr, "mappings: %s\n", mappings[2] - mappings[1] <= 16 ? "no more" : "MORE");
}

/* ---- sizes ---- */

static char *repeat(char c, size_t n) {
    char *s = malloc(n + 1);
    memset(s, c, n);
    s[n] = 0;
    return s;
}

static void by_environment(void) {
    static char *env[10001];
    for (int i = 0; i < 10000; i++) {
        env[i] = malloc(64);
        snprintf(env[i], 64, "VARIABLE_%d=value number %d", i, i);
    }
    start(target, (char *[]){target, marker, NULL}, env);
}

static void by_argument(void) {
    start(target, (char *[]){target, marker, repeat('x', 128 * 1024 - 1), NULL}, environ);
    start(target, (char *[]){target, marker, repeat('x', 128 * 1024), NULL}, environ); /* one too many */
}

static void by_arguments(void) {
    static char *argv[60003];
    argv[0] = target;
    argv[1] = marker;
    for (int i = 2; i < 60002; i++)
        argv[i] = "a small argument";
    start(target, argv, environ);
}

static void by_arguments_too_many(void) {
    static char *argv[2000003];
    argv[0] = target;
    for (int i = 1; i < 2000002; i++)
        argv[i] = "";
    start(target, argv, environ);
}

/* The target by a name of n bytes: /./././…/target. */
static char *long_name(size_t n) {
    char *s = malloc(n + 8);
    size_t at = 0, rest = strlen(target);
    while (at + 2 + rest <= n) {
        memcpy(s + at, "/.", 2);
        at += 2;
    }
    strcpy(s + at, target);
    if (at + rest < n) { /* one byte more: a doubled slash */
        memmove(s + 1, s, at + rest + 1);
        s[0] = '/';
    }
    return s;
}

static void by_path(void) {
    char *sizes[] = {long_name(4000), long_name(4094), long_name(4095), long_name(4096), long_name(10000)};
    for (int i = 0; i < 5; i++)
        start(sizes[i], (char *[]){"x", marker, NULL}, environ);
}

/* A folder so deep that the target has no absolute name any more. */
static void by_deep(void) {
    char *part = repeat('d', 250);
    char source[4096], *base = strrchr(target, '/');
    snprintf(source, sizeof source, "%.*s", (int)(base - target), target);
    if (chdir(source) != 0) _exit(3);
    for (int i = 0; i < 20; i++)
        if ((mkdir(part, 0700) != 0 && errno != EEXIST) || chdir(part) != 0) _exit(3);
    setenv("DROP_FROM", target, 1);
    if (drop("./x") != 0) _exit(3);
    start("./x", (char *[]){"./x", marker, NULL}, environ);
}

/* ---- errors: each as without the enforcer ---- */

static void try(const char *what, const char *path, char *const argv[], char *const envp[]) {
    pid_t pid = fork();
    if (pid == 0) {
        errno = 0;
        int r = execve(path, argv, envp);
        printf("%s: %d, error %d\n", what, r, errno);
        fflush(stdout);
        _exit(0);
    }
    printf("%s: ", what);
    say_child(pid);
}

static void by_errors(void) {
    char *argv[] = {"x", NULL}, *bad[] = {"x", (char *)8, NULL}, name[4096];
    char **volatile nowhere = (char **)8;
    char *folder = strdup(target);
    *strrchr(folder, '/') = 0;
    if (chdir(folder) != 0) _exit(3);
    try("missing", "/nonexistent/x", argv, environ);
    try("missing here", "nonexistent", argv, environ);
    try("empty", "", argv, environ);
    try("folder", "/", argv, environ);
    try("folder here", ".", argv, environ);
    try("below a file", "/bin/true/x", argv, environ);
    try("device", "/dev/null", argv, environ);
    try("trailing slash", "/bin/true/", argv, environ);
    try("no path", NULL, argv, environ);
    try("bad path", (char *)8, argv, environ);
    try("bad argv", "/bin/true", nowhere, environ);
    try("bad argument", "/bin/true", bad, environ);
    try("bad envp", "/bin/true", argv, nowhere);
    try("bad variable", "/bin/true", argv, bad);
    symlink("loop", "loop");
    try("loop", "./loop", argv, environ);
    symlink("/nonexistent", "dangling");
    try("dangling", "./dangling", argv, environ);
    memset(name, 'n', 300);
    name[300] = 0;
    try("long component", name, argv, environ);
    try("no permission", "/etc/passwd", argv, environ);
    mkfifo("fifo", 0700);
    try("fifo", "./fifo", argv, environ);
    errno = 0;
    long r = syscall(SYS_execveat, -1, "x", argv, environ, 0);
    printf("execveat, bad descriptor: %ld, error %d\n", r, errno);
    r = syscall(SYS_execveat, 1, "x", argv, environ, 0);
    printf("execveat, not a folder: %ld, error %d\n", r, errno);
    r = syscall(SYS_execveat, AT_FDCWD, "", argv, environ, 0);
    printf("execveat, empty: %ld, error %d\n", r, errno);
    r = syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, environ, 0x40000000);
    printf("execveat, bad flags: %ld, error %d\n", r, errno);
    r = syscall(SYS_execveat, AT_FDCWD, "./dangling", argv, environ, AT_SYMLINK_NOFOLLOW);
    printf("execveat, link: %ld, error %d\n", r, errno);
    r = fexecve(-1, argv, environ);
    printf("fexecve, bad descriptor: %ld, error %d\n", r, errno);
}

/* Other calls of syscall(2) go through, with all six arguments. */
static void by_syscalls(void) {
    char text[16] = "";
    int pipes[2];
    printf("getpid %d\n", syscall(SYS_getpid) == getpid());
    if (syscall(SYS_pipe2, pipes, O_CLOEXEC) != 0) _exit(3);
    printf("write %ld\n", syscall(SYS_write, pipes[1], "hello", 5));
    printf("read %ld %s\n", syscall(SYS_read, pipes[0], text, sizeof text), text);
    errno = 0;
    long r = syscall(SYS_close, -1);
    printf("close %ld, error %d\n", r, errno);
    long at = syscall(SYS_mmap, NULL, 4096, 3, 0x22, -1, 0);
    printf("mmap %d\n", at > 0);
    printf("munmap %ld\n", syscall(SYS_munmap, at, 4096));
    errno = 0;
    r = syscall(100000);
    printf("none %ld, error %d\n", r, errno);
}

/* ---- stack: how much of a painted one an exec uses ---- */

static int child_execs(void *arg) {
    (void)arg;
    execve(target, (char *[]){target, marker, NULL}, environ);
    return 100 + errno;
}

static void by_stack(void) {
    enum { SIZE = 256 * 1024, PAINT = 0xa5, MOST = 8 * 1024 };
    unsigned char *stack = malloc(SIZE);
    memset(stack, PAINT, SIZE);
    pid_t pid = clone(child_execs, stack + SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    say_child(pid);
    int untouched = 0;
    while (untouched < SIZE && stack[untouched] == PAINT)
        untouched++;
    printf("stack %s\n", SIZE - untouched <= MOST ? "below 8 KiB" : "TOO MUCH");
}

/* ---- nothing left to work with ---- */

static void by_no_descriptors(void) {
    struct rlimit r = {64, 64};
    setrlimit(RLIMIT_NOFILE, &r);
    while (fcntl(1, F_DUPFD_CLOEXEC, 3) >= 0)
        ;
    start(target, (char *[]){target, marker, NULL}, environ);
}

static void by_closed_descriptors(void) {
    int report = fcntl(2, F_DUPFD_CLOEXEC, 10);
    close(0);
    close(1);
    close(2);
    pid_t pid;
    int status = 0, error = posix_spawn(&pid, target, NULL, NULL, (char *[]){target, marker, NULL}, environ);
    if (!error) waitpid(pid, &status, 0);
    dprintf(report, "error %d, status %x\n", error, status);
}

static void by_small_memory(void) {
    struct rlimit r = {64 << 20, 64 << 20};
    setrlimit(RLIMIT_AS, &r);
    while (malloc(1 << 20))
        ;
    while (malloc(4096))
        ;
    start(target, (char *[]){target, marker, NULL}, environ);
}

/* As another user, who may run the target but not read it. */
static void by_unreadable(void) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(3);
    start(target, (char *[]){target, NULL}, environ);
}

static const struct {
    const char *name;
    void (*run)(void);
} methods[] = {
    {"leak", by_leak},
    {"leak-threads", by_leak_threads},
    {"leak-crowd", by_leak_crowd},
    {"environment", by_environment},
    {"argument", by_argument},
    {"arguments", by_arguments},
    {"arguments-too-many", by_arguments_too_many},
    {"path", by_path},
    {"deep", by_deep},
    {"errors", by_errors},
    {"syscalls", by_syscalls},
    {"stack", by_stack},
    {"no-descriptors", by_no_descriptors},
    {"closed-descriptors", by_closed_descriptors},
    {"small-memory", by_small_memory},
    {"unreadable", by_unreadable},
};

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    target = argv[2];
    marker = argv[3];
    if (drop(target) != 0) return 3;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (!strcmp(methods[i].name, argv[1])) methods[i].run();
    return 0;
}
