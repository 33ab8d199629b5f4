//go:build ignore

/* Forms of commands that run something else than the file they name, and names of files. */
#include "include/exec.h"

/* Is this the file name of a dynamic loader: ld-linux-x86-64.so.2, ld-musl-aarch64.so.1, ld-2.26.so, ld.so?
 */
bool is_loader(const char *base) {
    const char *p = after(base, "ld-");
    if (!p)
        return str_equal(base, "ld.so") || str_equal(base, "libc.so") || after(base, "libc.musl-") ||
               after(base, "ld.so.") || after(base, "ld64.so");
    for (; *p; p++)
        if (after(p, ".so")) return true;
    return false;
}

static const struct {
    char name[26];
    enum { PLAIN, VALUE, OBJECTS, FOLDERS } kind;
} loader_options[] = {
    {"--list", PLAIN},
    {"--verify", PLAIN},
    {"--inhibit-cache", PLAIN},
    {"--list-tunables", PLAIN},
    {"--list-diagnostics", PLAIN},
    {"--help", PLAIN},
    {"--version", PLAIN},
    {"--inhibit-rpath", VALUE},
    {"--argv0", VALUE},
    {"--glibc-hwcaps-mask", VALUE},
    {"--glibc-hwcaps-prepend", VALUE},
    {"--preload", OBJECTS},
    {"--audit", OBJECTS},
    {"--library-path", FOLDERS},
};

/* Every element of a list that a loader is given on its command line must have shipped. */
static long judge_list(struct attempt *a, const char *list, bool folders) {
    struct tb_verdict v = {tb.policy->tmp_mode == TB_ENFORCE ? TB_DENY : TB_AUDIT, TB_RULE_TMP_LOAD, 0, 0};
    if (tb.policy->tmp_mode == TB_OFF || !tb.policy->tmp_deny_load) return 0;
    for (const char *p = list;; p++) {
        const char *e = p;
        while (*e && *e != ':' && !(*e == ' ' && !folders) && !(*e == ';' && folders))
            e++;
        size_t n = (size_t)(e - p);
        if ((n || folders) && !place_is_shipped(p, n, PLACE_WITHOUT_LINKS)) {
            struct tb_event event = {.control = "load",
                                     .verdict = &v,
                                     .detail = "named on a dynamic loader's command line",
                                     .exe = {a->program.path, a->program.path_len},
                                     .path = {p, (uint32_t)n}};
            if (refused(&event)) return -TB_EACCES;
        }
        if (!*e) return 0;
        p = e;
    }
}

static bool is_musl_loader(const char *base) {
    return after(base, "ld-musl-") || after(base, "libc.");
}

static long refuse_preload(struct attempt *a, const char *value) {
    struct tb_verdict v = {TB_DENY, TB_RULE_MEMORY_LOADER, 0, 0};
    struct tb_event e = {.control = "exec",
                         .verdict = &v,
                         .detail = "--preload of musl's loader would leave the enforcer out",
                         .exe = {a->program.path, a->program.path_len},
                         .path = {value, (uint32_t)str_len(value)}};
    return refused(&e) ? -TB_EACCES : -TB_EINVAL;
}

/* Looks at one option; the number of arguments it takes up, or a negated errno. */
static long loader_option(struct attempt *a, char *const argv[], long i) {
    for (unsigned k = 0; k < sizeof loader_options / sizeof loader_options[0]; k++) {
        const char *rest = after(argv[i], loader_options[k].name);
        if (!rest || (*rest && *rest != '=')) continue;
        if (loader_options[k].kind == PLAIN) return *rest ? -TB_EACCES : 1;
        const char *value = *rest ? rest + 1 : argv[i + 1];
        if (!value) return -TB_EINVAL;
        long used = *rest ? 1 : 2;
        if (loader_options[k].kind == VALUE) return used;
        if (loader_options[k].kind == OBJECTS && is_musl_loader(base_name(a->program.path)))
            return refuse_preload(a, value); /* there it takes LD_PRELOAD's place, and the enforcer's */
        long r = judge_list(a, value, loader_options[k].kind == FOLDERS);
        return failed(r) ? r : used;
    }
    return -TB_EACCES; /* an option unknown here may hide the program */
}

long loader_program(struct attempt *a, char *const argv[]) {
    long i = 1;
    if (!argv[0]) return 0;
    while (argv[i] && argv[i][0] == '-') {
        if (str_equal(argv[i], "--")) {
            i++;
            break;
        }
        long used = loader_option(a, argv, i);
        if (failed(used)) return used;
        i += used;
        if (i > 1 && !argv[i - 1]) return -TB_EINVAL;
    }
    if (!argv[i]) return 0;
    const char *slash = argv[i];
    while (*slash && *slash != '/')
        slash++;
    return *slash ? i : -TB_EACCES; /* without a slash it would be searched like a library */
}

/* The name by which the loader opens what was judged: the caller's where it cannot lead elsewhere later, else
 * the canonical one on a read-only mount, else the descriptor, which then stays open in the program. */
char *loadable_name(struct attempt *a, char *given) {
    enum { F_SETFD_CMD = 2 };
    if (a->second.readonly) return str_equal(a->called2, a->second.path) ? given : a->second.path;
    proc_fd_path(a->link, a->second.fd);
    sys3(NR_fcntl, a->second.fd, F_SETFD_CMD, 0);
    return a->link;
}

/* Takes "//" and "/./" out of a path, in place; ".." stays, since it may follow a symbolic link. */
static void tidy(char *path) {
    char *to = path;
    for (char *p = path; *p;) {
        if (*p == '/') {
            while (p[1] == '/' || (p[1] == '.' && (p[2] == '/' || !p[2])))
                p += p[1] == '/' ? 1 : 2;
        }
        *to++ = *p++;
    }
    *to = 0;
}

/* Writes path as an absolute one; relative to dir as openat(2) takes it. */
bool absolute_path(char *to, size_t cap, int dir, const char *path) {
    long n = 0;
    *to = 0;
    if (*path != '/') {
        char link[32];
        if (dir != TB_AT_FDCWD) proc_fd_path(link, dir);
        n = dir == TB_AT_FDCWD ? sys2(NR_getcwd, to, cap / 2) - 1 : sys_readlink(link, to, (long)(cap / 2));
        if (n <= 0 || *to != '/' || (size_t)n >= cap / 2) {
            *to = 0;
            return false;
        }
        to[n++] = '/';
    }
    size_t len = str_len(path);
    if ((size_t)n + len + 1 > cap) {
        *to = 0;
        return false;
    }
    mem_copy(to + n, path, len + 1);
    tidy(to);
    return true;
}
