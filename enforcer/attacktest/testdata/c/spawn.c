/* Every way in which a C program starts another one.
 *
 *     spawn METHOD TARGET MARKER
 *
 * Starts TARGET with the argument MARKER by METHOD, and says what the caller was told: "error N" or "status
 * N". */
#include "common.h"

#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <wordexp.h>

static const char *target, *marker;
static char *args[3];

/* ---- methods that replace the process: they return only on failure ---- */

static void by_execve(void) {
    execve(target, args, environ);
}

static void by_execv(void) {
    execv(target, args);
}

static void by_execvp(void) {
    execvp(target, args);
}

static void by_execvpe(void) {
    execvpe(target, args, environ);
}

static void by_execl(void) {
    execl(target, target, marker, (char *)NULL);
}

static void by_execlp(void) {
    execlp(target, target, marker, (char *)NULL);
}

static void by_execle(void) {
    execle(target, target, marker, (char *)NULL, environ);
}

/* The folder of the target is put on PATH and the target is named without it. */
static void by_execvp_path(void) {
    char folder[4096];
    const char *base = strrchr(target, '/');
    snprintf(folder, sizeof folder, "/nonexistent:%.*s:/bin", (int)(base - target), target);
    setenv("PATH", folder, 1);
    execvp(base + 1, args);
}

static void by_fexecve(void) {
    int fd = open(target, O_RDONLY | O_CLOEXEC);
    fexecve(fd, args, environ);
}

static void by_fexecve_opath(void) {
    int fd = open(target, O_PATH | O_CLOEXEC);
    fexecve(fd, args, environ);
}

static void by_syscall_execve(void) {
    syscall(SYS_execve, target, args, environ);
}

static void by_syscall_execveat(void) {
    syscall(SYS_execveat, AT_FDCWD, target, args, environ, 0);
}

static void by_syscall_execveat_empty(void) {
    int fd = open(target, O_PATH | O_CLOEXEC);
    syscall(SYS_execveat, fd, "", args, environ, AT_EMPTY_PATH);
}

#ifdef __GLIBC__
static void by_execveat(void) {
    execveat(AT_FDCWD, target, args, environ, 0);
}

static void by_execveat_folder(void) {
    char folder[4096];
    const char *base = strrchr(target, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(base - target), target);
    execveat(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), base + 1, args, environ, 0);
}

static void by_execveat_empty(void) {
    execveat(open(target, O_RDONLY | O_CLOEXEC), "", args, environ, AT_EMPTY_PATH);
}

static void by_execveat_nofollow(void) {
    execveat(AT_FDCWD, target, args, environ, AT_SYMLINK_NOFOLLOW);
}
#endif

static void *exec_thread(void *arg) {
    (void)arg;
    execve(target, args, environ);
    return (void *)(long)errno;
}

static void by_exec_thread(void) {
    pthread_t thread;
    void *error;
    pthread_create(&thread, NULL, exec_thread, NULL);
    pthread_join(thread, &error);
    errno = (int)(long)error;
}

static volatile sig_atomic_t handler_error;

static void exec_handler(int number) {
    (void)number;
    execve(target, args, environ);
    handler_error = errno;
}

static void by_exec_signal(void) {
    signal(SIGUSR1, exec_handler);
    raise(SIGUSR1);
    errno = handler_error;
}

/* ---- methods that start a child ---- */

static void say_spawned(int error, const pid_t *pid) {
    if (error)
        say_error(error);
    else
        say_child(*pid);
}

static void by_posix_spawn(void) {
    pid_t pid;
    say_spawned(posix_spawn(&pid, target, NULL, NULL, args, environ), &pid);
}

static void by_posix_spawnp(void) {
    pid_t pid;
    say_spawned(posix_spawnp(&pid, target, NULL, NULL, args, environ), &pid);
}

static void by_posix_spawn_attributes(void) {
    pid_t pid;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    say_spawned(posix_spawn(&pid, target, &actions, &attributes, args, environ), &pid);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
}

static void command(char *to, size_t size) {
    snprintf(to, size, "%s %s", target, marker);
}

static void by_system(void) {
    char line[8192];
    command(line, sizeof line);
    say_status(system(line));
}

static void by_popen(void) {
    char line[8192];
    command(line, sizeof line);
    FILE *f = popen(line, "r");
    while (f && fgets(line, sizeof line, f))
        printf("read: %s", line);
    if (f)
        say_status(pclose(f));
    else
        say_error(errno);
}

static void by_wordexp(void) {
    char line[8192];
    wordexp_t words;
    snprintf(line, sizeof line, "$(%s %s)", target, marker);
    int r = wordexp(line, &words, 0);
    printf("wordexp %d, %zu words\n", r, r ? 0 : words.we_wordc);
}

/* A child that reports the error of its exec by its status: 100 + errno. */
static void by_fork(void) {
    pid_t pid = fork();
    if (pid == 0) {
        execve(target, args, environ);
        _exit(100 + errno);
    }
    say_child(pid);
}

static void by_vfork(void) {
    pid_t pid = vfork();
    if (pid == 0) {
        execve(target, args, environ);
        _exit(100 + errno);
    }
    say_child(pid);
}

static void by_double_fork(void) {
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        by_fork();
        _exit(0);
    }
    say_child(pid);
}

static int clone_child(void *arg) {
    (void)arg;
    execve(target, args, environ);
    return 100 + errno;
}

static void by_clone(int flags) {
    enum { STACK = 256 * 1024 };
    char *stack = malloc(STACK);
    pid_t pid = clone(clone_child, stack + STACK, flags | SIGCHLD, NULL);
    say_child(pid);
    free(stack);
}

static void by_clone_vfork(void) {
    by_clone(CLONE_VM | CLONE_VFORK);
}

static void by_clone_plain(void) {
    by_clone(0);
}

static void by_forkpty(void) {
    int master;
    char text[256];
    pid_t pid = forkpty(&master, NULL, NULL, NULL);
    if (pid == 0) {
        execve(target, args, environ);
        _exit(100 + errno);
    }
    while (read(master, text, sizeof text) > 0)
        ;
    close(master);
    say_child(pid);
}

/* ---- threads that spawn at once ---- */

enum { THREADS = 8, TIMES = 50 };

struct tally {
    int ok, errors, last;
};

static void *spawn_often(void *arg) {
    struct tally *t = arg;
    for (int i = 0; i < TIMES; i++) {
        pid_t pid;
        int status, error = posix_spawn(&pid, target, NULL, NULL, args, environ);
        if (error) {
            t->errors++;
            t->last = error;
        } else if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7) {
            t->ok++;
        }
    }
    return NULL;
}

static void by_threads(void) {
    pthread_t threads[THREADS];
    struct tally tallies[THREADS] = {{0, 0, 0}};
    int ok = 0, errors = 0, last = 0;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, spawn_often, &tallies[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ok += tallies[i].ok;
        errors += tallies[i].errors;
        if (tallies[i].last) last = tallies[i].last;
    }
    printf("%d ran, %d refused with error %d\n", ok, errors, last);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*start)(void);
    int replaces; /* the process: it returns only on failure */
} methods[] = {
    {"execve", by_execve, 1},
    {"execv", by_execv, 1},
    {"execvp", by_execvp, 1},
    {"execvpe", by_execvpe, 1},
    {"execl", by_execl, 1},
    {"execlp", by_execlp, 1},
    {"execle", by_execle, 1},
    {"execvp-path", by_execvp_path, 1},
    {"fexecve", by_fexecve, 1},
    {"fexecve-opath", by_fexecve_opath, 1},
    {"syscall-execve", by_syscall_execve, 1},
    {"syscall-execveat", by_syscall_execveat, 1},
    {"syscall-execveat-empty", by_syscall_execveat_empty, 1},
#ifdef __GLIBC__
    {"execveat", by_execveat, 1},
    {"execveat-folder", by_execveat_folder, 1},
    {"execveat-empty", by_execveat_empty, 1},
    {"execveat-nofollow", by_execveat_nofollow, 1},
#endif
    {"exec-thread", by_exec_thread, 1},
    {"exec-signal", by_exec_signal, 1},
    {"posix_spawn", by_posix_spawn, 0},
    {"posix_spawnp", by_posix_spawnp, 0},
    {"posix_spawn-attributes", by_posix_spawn_attributes, 0},
    {"system", by_system, 0},
    {"popen", by_popen, 0},
    {"wordexp", by_wordexp, 0},
    {"fork", by_fork, 0},
    {"vfork", by_vfork, 0},
    {"double-fork", by_double_fork, 0},
    {"clone-vfork", by_clone_vfork, 0},
    {"clone", by_clone_plain, 0},
    {"forkpty", by_forkpty, 0},
    {"threads", by_threads, 0},
};

int main(int argc, char **argv) {
    enum { COUNT = sizeof methods / sizeof methods[0] };
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        for (int i = 0; i < COUNT; i++)
            puts(methods[i].name);
        return 0;
    }
    if (argc != 4) return 2;
    target = args[0] = argv[2];
    marker = args[1] = argv[3];
    if (drop(target) != 0) return 3;
    for (int i = 0; i < COUNT; i++)
        if (strcmp(methods[i].name, argv[1]) == 0) {
            methods[i].start();
            if (methods[i].replaces) say_error(errno);
            return 0;
        }
    fprintf(stderr, "no method %s\n", argv[1]);
    return 2;
}
