/* Ways around a look at the path of an exec.
 *
 *     evade METHOD TARGET MARKER [OTHER]
 *
 * Drops TARGET (DROP_FROM) and starts it by a detour; OTHER is a second program or file that some methods
 * need. Says what the caller was told. A method that is a dash starts OTHER and all that follows it as it
 * stands. */
#include "common.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static char loader[] = "/lib64/ld-linux-x86-64.so.2";
#else
static char loader[] = "/lib/ld-linux-aarch64.so.1";
#endif

static char *target, *marker, *other;
static char name[8192];

static void start(char *path, char *const argv[]) {
    pid_t pid;
    int error = posix_spawn(&pid, path, NULL, NULL, argv, environ);
    if (error)
        say_error(error);
    else
        say_child(pid);
}

static void start_as(char *path) {
    start(path, (char *[]){path, marker, NULL});
}

static void start_descriptor(int fd) {
    pid_t pid = fork();
    if (pid == 0) {
        fexecve(fd, (char *[]){target, marker, NULL}, environ);
        _exit(100 + errno);
    }
    say_child(pid);
}

/* The name of something new beside the target. */
static char *beside(const char *base) {
    snprintf(name, sizeof name, "%.*s%s", (int)(strrchr(target, '/') + 1 - target), target, base);
    return name;
}

static char *folder(void) {
    static char text[4096];
    snprintf(text, sizeof text, "%.*s", (int)(strrchr(target, '/') - target), target);
    return text;
}

/* ---- the dynamic loader ---- */

static void by_loader(void) {
    start(loader, (char *[]){loader, target, marker, NULL});
}

static void by_loader_options(void) {
    start(loader, (char *[]){loader, "--inhibit-cache", "--argv0", "true", target, marker, NULL});
}

static void by_loader_named(void) {
    start(loader, (char *[]){"true", target, marker, NULL});
}

static void by_loader_relative(void) {
    if (chdir(folder()) != 0) _exit(3);
    snprintf(name, sizeof name, "./%s", strrchr(target, '/') + 1);
    start(loader, (char *[]){loader, name, marker, NULL});
}

static void by_loader_symlink(void) {
    if (symlink(loader, beside("link")) != 0) _exit(3);
    start(name, (char *[]){name, target, marker, NULL});
}

static void by_loader_preload(void) {
    start(loader, (char *[]){loader, "--preload", target, other, marker, NULL});
}

static void by_loader_audit(void) {
    start(loader, (char *[]){loader, "--audit", target, other, marker, NULL});
}

static void by_loader_library_path(void) {
    start(loader, (char *[]){loader, "--library-path", folder(), other, marker, NULL});
}

/* ---- other names of the file ---- */

static void by_symlink(void) {
    if (symlink(target, beside("link")) != 0) _exit(3);
    start_as(name);
}

static void by_symlink_chain(void) {
    char first[8192];
    if (symlink(target, strcpy(first, beside("one"))) != 0) _exit(3);
    if (symlink(first, beside("two")) != 0) _exit(3);
    start_as(name);
}

static void by_symlink_folder(void) {
    if (symlink(folder(), beside("there")) != 0) _exit(3);
    strcat(name, strrchr(target, '/'));
    start_as(name);
}

static void by_hardlink(void) {
    if (link(target, beside("link")) != 0) _exit(3);
    start_as(name);
}

static void by_rename(void) {
    if (rename(target, beside("renamed")) != 0) _exit(3);
    start_as(name);
}

static void by_proc_fd(void) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", open(target, O_RDONLY));
    start_as(name);
}

static void by_dev_fd(void) {
    snprintf(name, sizeof name, "/dev/fd/%d", open(target, O_PATH));
    start_as(name);
}

static void by_proc_root(void) {
    snprintf(name, sizeof name, "/proc/self/root%s", target);
    start_as(name);
}

static void by_proc_cwd(void) {
    if (chdir(folder()) != 0) _exit(3);
    snprintf(name, sizeof name, "/proc/self/cwd%s", strrchr(target, '/'));
    start_as(name);
}

static void by_thread_root(void) {
    snprintf(name, sizeof name, "/proc/thread-self/root%s", target);
    start_as(name);
}

static void by_dots(void) {
    snprintf(name, sizeof name, "%s/../%s/./%s", folder(), strrchr(folder(), '/') + 1,
             strrchr(target, '/') + 1);
    start_as(name);
}

static void by_slashes(void) {
    snprintf(name, sizeof name, "//%s//.//%s", folder(), strrchr(target, '/') + 1);
    start_as(name);
}

static void by_usr_dots(void) {
    snprintf(name, sizeof name, "/usr/bin/../..%s", target);
    start_as(name);
}

static void by_relative(void) {
    if (chdir(folder()) != 0) _exit(3);
    snprintf(name, sizeof name, "./%s", strrchr(target, '/') + 1);
    start_as(name);
}

static void by_relative_up(void) {
    if (chdir("/usr/bin") != 0) _exit(3);
    snprintf(name, sizeof name, "../..%s", target);
    start_as(name);
}

static void by_path_search(void) {
    pid_t pid;
    setenv("PATH", folder(), 1);
    int error =
        posix_spawnp(&pid, strrchr(target, '/') + 1, NULL, NULL, (char *[]){"true", marker, NULL}, environ);
    if (error)
        say_error(error);
    else
        say_child(pid);
}

static void by_argv0(void) {
    start(target, (char *[]){"/bin/true", marker, NULL});
}

/* ---- files without a name ---- */

static int copied(int to) {
    char buffer[65536];
    ssize_t n;
    int in = open(target, O_RDONLY);
    while ((n = read(in, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, (size_t)n) != n) _exit(3);
    close(in);
    return to;
}

static void by_memfd(void) {
    start_descriptor(copied(memfd_create("true", MFD_CLOEXEC)));
}

static void by_memfd_path(void) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", copied(memfd_create("true", 0)));
    start_as(name);
}

static void by_memfd_loader(void) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", copied(memfd_create("true", 0)));
    start(loader, (char *[]){loader, name, marker, NULL});
}

static void by_deleted(void) {
    int fd = open(target, O_RDONLY | O_CLOEXEC);
    unlink(target);
    start_descriptor(fd);
}

static void by_deleted_path(void) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", open(target, O_RDONLY));
    unlink(target);
    start_as(name);
}

static void by_tmpfile(void) {
    int fd = open(folder(), O_TMPFILE | O_RDWR, 0700);
    copied(fd);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int again = open(name, O_RDONLY | O_CLOEXEC);
    close(fd);
    start_descriptor(again);
}

/* ---- a file that changes between the look and the run ---- */

static volatile int stop;

static void *swap_links(void *path) {
    char next[8192];
    snprintf(next, sizeof next, "%s.next", (char *)path);
    for (int i = 0; !stop; i++) {
        unlink(next);
        if (symlink(i % 2 ? target : "/bin/true", next) == 0) rename(next, path);
    }
    return NULL;
}

static void *swap_bytes(void *path) {
    char buffer[65536];
    int in = open(target, O_RDONLY), benign = open("/bin/true", O_RDONLY);
    (void)path;
    ssize_t dropped = pread(in, buffer, sizeof buffer, 0);
    char *good = malloc(sizeof buffer);
    ssize_t harmless = pread(benign, good, sizeof buffer, 0);
    for (int i = 0; !stop; i++) {
        int out = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755); /* ETXTBSY while it runs */
        if (out < 0) continue;
        if (write(out, i % 2 ? buffer : good, (size_t)(i % 2 ? dropped : harmless)) < 0) break;
        close(out);
    }
    free(good);
    return NULL;
}

static void race(void *(*swap)(void *)) {
    pthread_t thread;
    pid_t pid;
    int status;
    beside("link");
    pthread_create(&thread, NULL, swap, name);
    for (int i = 0; i < 400; i++)
        if (posix_spawn(&pid, name, NULL, NULL, (char *[]){name, marker, NULL}, environ) == 0)
            waitpid(pid, &status, 0);
    stop = 1;
    pthread_join(thread, NULL);
}

static void by_race_link(void) {
    race(swap_links);
}

static void by_race_bytes(void) {
    race(swap_bytes);
}

/* ---- scripts ---- */

static void write_script(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (write(fd, text, strlen(text)) < 0) _exit(3);
    close(fd);
}

static void by_script(void) {
    char line[8192];
    snprintf(line, sizeof line, "#!/bin/sh\ntouch %s\n", marker);
    write_script(beside("script"), line);
    start_as(name);
}

/* A file without #! is run by a shell, by those who fall back to one. */
static void by_script_without_line(void) {
    char line[8192];
    pid_t pid;
    snprintf(line, sizeof line, "touch %s\n", marker);
    write_script(beside("script"), line);
    if ((pid = fork()) == 0) {
        execvp(name, (char *[]){name, NULL});
        _exit(100 + errno);
    }
    say_child(pid);
}

static void by_script_interpreter(void) {
    char line[8192];
    snprintf(line, sizeof line, "#!%s %s\n", target, marker);
    write_script(beside("script"), line);
    start(name, (char *[]){name, NULL});
}

/* OTHER shipped, and names the target as its interpreter. */
static void by_shipped_script(void) {
    setenv("MARKER", marker, 1);
    setenv("PATH", folder(), 1);
    start(other, (char *[]){other, NULL});
}

static const struct {
    const char *name;
    void (*start)(void);
} methods[] = {
    {"loader", by_loader},
    {"loader-options", by_loader_options},
    {"loader-named", by_loader_named},
    {"loader-relative", by_loader_relative},
    {"loader-symlink", by_loader_symlink},
    {"loader-preload", by_loader_preload},
    {"loader-audit", by_loader_audit},
    {"loader-library-path", by_loader_library_path},
    {"symlink", by_symlink},
    {"symlink-chain", by_symlink_chain},
    {"symlink-folder", by_symlink_folder},
    {"hardlink", by_hardlink},
    {"rename", by_rename},
    {"proc-fd", by_proc_fd},
    {"dev-fd", by_dev_fd},
    {"proc-root", by_proc_root},
    {"proc-cwd", by_proc_cwd},
    {"thread-root", by_thread_root},
    {"dots", by_dots},
    {"slashes", by_slashes},
    {"usr-dots", by_usr_dots},
    {"relative", by_relative},
    {"relative-up", by_relative_up},
    {"path-search", by_path_search},
    {"argv0", by_argv0},
    {"memfd", by_memfd},
    {"memfd-path", by_memfd_path},
    {"memfd-loader", by_memfd_loader},
    {"deleted", by_deleted},
    {"deleted-path", by_deleted_path},
    {"tmpfile", by_tmpfile},
    {"race-link", by_race_link},
    {"race-bytes", by_race_bytes},
    {"script", by_script},
    {"script-without-line", by_script_without_line},
    {"script-interpreter", by_script_interpreter},
    {"shipped-script", by_shipped_script},
};

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    target = argv[2];
    marker = argv[3];
    other = argc > 4 ? argv[4] : NULL;
    if (drop(target) != 0) return 3;
    if (!strcmp(argv[1], "-")) {
        start(other, argv + 4);
        return 0;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (!strcmp(methods[i].name, argv[1])) {
            methods[i].start();
            return 0;
        }
    return 2;
}
