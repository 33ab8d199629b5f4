//go:build ignore

/* The constructor: runs once in every protected process, before the program's own code.
 *
 * It learns the policy and the process's identity from the environment, takes its own variables out of the
 * environment again so that the program sees what it would see without us, patches libc and makes its own
 * state read-only. In a child all of this comes from THIMBLE_STATE, which only the parent's enforcer writes
 * (see env.c). */
#include "include/state.h"

#include <elf.h>

struct tb_state tb __attribute__((aligned(4096)));

extern char **environ __attribute__((weak));
extern const char *gnu_get_libc_version(void) __attribute__((weak));
extern int *__errno_location(void) __attribute__((weak));

enum {
    POLICY_LIMIT = 16 << 20,
    PR_SET_NAME_OPTION = 15,
    CLOCK_REALTIME_COARSE_ID = 5,
    EXIT_UNPROTECTED = 126,
    TOKEN_KEPT = 64,
};

long fail_with(long negated) {
    if (&__errno_location) *__errno_location() = (int)-negated;
    return -1;
}

/* Copies a string into the arena, NUL-terminated; one that does not fit becomes "". */
const char *keep_string(const char *s, size_t n) {
    if (tb.arena_used + n + 1 > sizeof tb.arena) return "";
    char *to = tb.arena + tb.arena_used;
    mem_copy(to, s, n);
    to[n] = 0;
    tb.arena_used += (uint32_t)n + 1;
    return to;
}

static const char *keep(const char *s) {
    return s ? keep_string(s, str_len(s)) : "";
}

/* ---- the environment ---- */

struct given {
    const char *state, *policy, *events, *fail, *function, *version, *stream, *secret, *token;
    const char *execfn, *comm; /* out of the state */
    uint64_t digest;
};

static bool starts_with(const char *s, const char *prefix, const char **value) {
    const char *v = after(s, prefix);
    if (v) *value = v;
    return v != NULL;
}

/* True for the variables that are ours, which the program must not see. */
static bool take_variable(struct given *g, const char *s) {
    if (*s != 'T' && *s != 'A') return false;
    if (starts_with(s, "THIMBLE_STATE=", &g->state) || starts_with(s, "THIMBLE_POLICY=", &g->policy) ||
        starts_with(s, "THIMBLE_EVENTS=", &g->events) || starts_with(s, "THIMBLE_FAIL=", &g->fail))
        return true;
    if (!starts_with(s, "AWS_LAMBDA_FUNCTION_NAME=", &g->function) &&
        !starts_with(s, "AWS_LAMBDA_FUNCTION_VERSION=", &g->version) &&
        !starts_with(s, "AWS_LAMBDA_LOG_STREAM_NAME=", &g->stream) &&
        !starts_with(s, "AWS_SECRET_ACCESS_KEY=", &g->secret))
        starts_with(s, "AWS_SESSION_TOKEN=", &g->token);
    return false;
}

/* Takes our library out of a list of preloads, in place; false when nothing is left of it. */
static bool prune_preload(char *list) {
    size_t own = str_len(tb.library);
    char *to = list;
    for (char *p = list; *p;) {
        char *e = p;
        while (*e && *e != ':' && *e != ' ')
            e++;
        size_t n = (size_t)(e - p);
        if (n && !(n == own && mem_equal(p, tb.library, n))) {
            if (to != list) *to++ = ':';
            while (p < e)
                *to++ = *p++;
        }
        p = *e ? e + 1 : e;
    }
    *to = 0;
    return to != list;
}

static void read_environment(struct given *g, char **envp) {
    char **to = envp;
    for (char **from = envp; *from; from++) {
        char *preload = (char *)after(*from, "LD_PRELOAD=");
        if (take_variable(g, *from) || (preload && !prune_preload(preload))) continue;
        note_start_variable(*from);
        *to++ = *from;
    }
    *to = NULL;
}

/* ---- what a parent's enforcer hands down: "1:", then fields of the form LENGTH:BYTES, see env.c ---- */

static bool next_field(const char **p, const char **field, size_t *n) {
    size_t len = 0;
    const char *s = *p;
    while (*s >= '0' && *s <= '9' && len < 65536)
        len = len * 10 + (size_t)(*s++ - '0');
    if (*s++ != ':') return false;
    for (size_t i = 0; i < len; i++)
        if (!s[i]) return false;
    *field = s;
    *n = len;
    *p = s + len;
    return true;
}

static bool next_string(const char **p, const char **to) {
    const char *s;
    size_t n;
    if (!next_field(p, &s, &n)) return false;
    *to = keep_string(s, n);
    return true;
}

static bool next_number(const char **p, uint64_t *to) {
    const char *s;
    size_t n;
    if (!next_field(p, &s, &n)) return false;
    for (*to = 0; n; n--, s++)
        *to = *to * 10 + (uint64_t)(*s - '0');
    return true;
}

static bool read_state(struct given *g) {
    uint64_t sec, nsec, pid, closed, err_dev, err_ino, policy_id;
    const char *exe, *p = after(g->state, "1:");
    if (!p || !next_number(&p, &sec) || !next_number(&p, &nsec) || !next_number(&p, &pid) ||
        !next_number(&p, &closed) || !next_number(&p, &err_dev) || !next_number(&p, &err_ino) ||
        !next_number(&p, &policy_id) || !next_number(&p, &tb.secret_len) ||
        !next_number(&p, &tb.secret_hash) || !next_number(&p, &tb.token_len) ||
        !next_number(&p, &tb.token_hash) || !next_number(&p, &g->digest) ||
        !next_string(&p, &tb.policy_path) || !next_string(&p, &tb.events) || !next_string(&p, &tb.function) ||
        !next_string(&p, &tb.version) || !next_string(&p, &tb.stream) || !next_string(&p, &exe) ||
        !next_string(&p, &tb.from) || !next_string(&p, &tb.script) || !next_string(&p, &g->execfn) ||
        !next_string(&p, &g->comm))
        return false;
    tb.start = (struct ktimespec){(long)sec, (long)nsec};
    tb.root_pid = (int)pid;
    tb.err_dev = err_dev;
    tb.err_ino = err_ino;
    tb.policy_id = policy_id;
    tb.closed = closed != 0;
    if (*exe) tb.exe = exe;
    return true;
}

/* ---- the policy ---- */

static const char *policy_beside_library(void) {
    char path[1024];
    size_t n = (size_t)(base_name(tb.library) - tb.library);
    struct kstat st;
    if (n + 7 < sizeof path) {
        mem_copy(path, tb.library, n);
        mem_copy(path + n, "policy", 7);
        if (!failed(sys4(NR_newfstatat, TB_AT_FDCWD, path, &st, 0))) return keep(path);
    }
    return "/opt/thimble/policy";
}

/* Maps the blob: the file itself where nobody can change it, else a private copy. */
static const uint8_t *map_blob(int fd, size_t size) {
    struct kstatfs fs;
    bool fixed = !failed(sys2(NR_fstatfs, fd, &fs)) && (fs.f_flags & TB_ST_RDONLY);
    uint8_t *p = fixed ? sys_mmap(NULL, size, TB_PROT_READ, TB_MAP_PRIVATE | TB_MAP_POPULATE, fd)
                       : sys_mmap(NULL, size, TB_PROT_READ | TB_PROT_WRITE,
                                  TB_MAP_PRIVATE | TB_MAP_ANON | TB_MAP_POPULATE, -1);
    if (failed((long)p) || fixed) return failed((long)p) ? NULL : p;
    for (size_t at = 0; at < size;) {
        long got = sys4(NR_pread64, fd, p + at, size - at, at);
        if (got <= 0) return NULL;
        at += (size_t)got;
    }
    sys3(NR_mprotect, p, size, TB_PROT_READ);
    return p;
}

/* NULL when the policy is in force, else why not. */
static const char *load_policy(const struct given *g) {
    struct kstat st;
    uint64_t digest, identity = tb.policy_id;
    long fd = sys_openat(TB_AT_FDCWD, tb.policy_path, TB_O_CLOEXEC, 0);
    if (failed(fd)) return "the policy cannot be opened";
    bool usable = !failed(sys_fstat((int)fd, &st)) && st.st_size >= (long)sizeof(struct tb_header) &&
                  st.st_size <= POLICY_LIMIT;
    if (usable) tb.policy_id = file_identity(&st);
    tb.blob = usable ? map_blob((int)fd, (size_t)st.st_size) : NULL;
    sys_close((int)fd);
    if (!tb.blob) return "the policy cannot be read";
    if (tb_blob_check(tb.blob, (size_t)st.st_size) != TB_EBLOB_OK) return "the policy is damaged";
    tb.closed |= ((const struct tb_header *)tb.blob)->fail_closed != 0;
    struct tb_str name = {tb.function, (uint32_t)str_len(tb.function)};
    const struct tb_policy *p = tb_blob_select(tb.blob, name);
    if (!p) return "no policy is meant for this function";
    mem_copy(&digest, p->digest, sizeof digest);
    if (g->state && (g->digest != digest || identity != tb.policy_id))
        return "the policy changed while the function was running";
    tb.closed = p->fail_closed;
    tb.policy = p;
    return NULL;
}

static void choose_watches(void) {
    const struct tb_policy *p = tb.policy;
    tb.watch_open = (p->cred_mode != TB_OFF && p->deny_environ) || p->memory_mode != TB_OFF;
    tb.watch_write = p->tmp_mode != TB_OFF && p->tmp_write != TB_WRITE_ALLOW;
}

/* ---- the process ---- */

/* The auxiliary vector's path of the program; it follows `end`, the environment's terminator (getauxval(3),
 * AT_EXECFN). */
static unsigned long *execfn_entry(char **end) {
    for (Elf64_auxv_t *a = (Elf64_auxv_t *)(end + 1); a->a_type != AT_NULL; a++)
        if (a->a_type == AT_EXECFN) return &a->a_un.a_val;
    return NULL;
}

/* After an exec by descriptor the kernel calls the program by that descriptor's number: give it its own name
 * back, and the path by which the caller named it. */
static void restore_names(const struct given *g, char **end) {
    unsigned long *entry = execfn_entry(end);
    if (g->comm && *g->comm) sys2(NR_prctl, PR_SET_NAME_OPTION, g->comm);
    if (entry && g->execfn && *g->execfn) *entry = (unsigned long)g->execfn;
}

/* procfs is known by its device; its root is inode 1. The path of this program is looked up when it is
 * needed. */
static void learn_process(void) {
    enum { PROC_ROOT_INODE = 1 };
    struct kstat st;
    char exe[TB_PATH_MAX];
    if (!*tb.from) {
        long n = sys_readlink("/proc/self/exe", exe, sizeof exe);
        tb.from = keep_string(exe, failed(n) ? 0 : (size_t)n);
    }
    if (!failed(sys4(NR_newfstatat, TB_AT_FDCWD, "/proc", &st, 0)) && st.st_ino == PROC_ROOT_INODE)
        tb.proc_dev = st.st_dev;
    else
        tb.uncovered |= UNCOVERED_PROC;
}

static void learn_secrets(const struct given *g) {
    size_t n = g->token ? str_len(g->token) : 0;
    tb.secret_len = g->secret ? str_len(g->secret) : 0;
    tb.secret_hash = hash_bytes(g->secret, tb.secret_len);
    tb.token_len = n < TOKEN_KEPT ? n : TOKEN_KEPT;
    tb.token_hash = hash_bytes(g->token, tb.token_len);
}

static void learn_first_process(const struct given *g) {
    struct kstat st;
    sys2(NR_clock_gettime, CLOCK_REALTIME_COARSE_ID, &tb.start);
    tb.root_pid = (int)sys0(NR_getpid);
    tb.closed = g->fail && str_equal(g->fail, "closed");
    tb.policy_path = g->policy && *g->policy ? keep(g->policy) : policy_beside_library();
    tb.events = keep(g->events);
    tb.function = keep(g->function);
    tb.version = keep(g->version);
    tb.stream = keep(g->stream);
    learn_secrets(g);
    if (event_descriptor() >= 0 && !failed(sys_fstat(event_descriptor(), &st))) {
        tb.err_dev = st.st_dev;
        tb.err_ino = st.st_ino;
    }
}

static void absolute_library(void) {
    char path[TB_PATH_MAX];
    const char *name = tb.library;
    long n;
    if (*name == '/' || !*name || failed(n = sys2(NR_getcwd, path, sizeof path / 2))) return;
    n--; /* the kernel counts the NUL */
    size_t len = str_len(name);
    if ((size_t)n + len + 2 > sizeof path) return;
    path[n] = '/';
    mem_copy(path + n + 1, name, len + 1);
    tb.library = keep(path);
}

static void set_empty_strings(void) {
    tb.library = tb.policy_path = tb.events = tb.function = tb.version = tb.stream = "";
    tb.from = tb.script = "";
}

static void protect_state(void) {
    sys3(NR_mprotect, &tb, sizeof tb & ~4095ul, TB_PROT_READ);
}

/* Without protection a function still runs, unless it was built fail: closed. A child does not: its parent
 * was protected by the same files on the same machine, so that somebody took something away from it. */
static void unprotected(const char *why, bool child) {
    tb.policy = NULL;
    tb.closed |= child;
    report_unprotected(why);
    if (tb.closed) sys1(NR_exit_group, EXIT_UNPROTECTED);
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp) {
    struct given g = {0};
    (void)argc, (void)argv;
    tb.musl = &gnu_get_libc_version == NULL;
    if (tb.musl) /* it calls constructors without arguments */
        envp = &environ ? environ : NULL;
    if (!envp) return;
    set_empty_strings();
    locate_self();
    char **end = envp; /* pruning moves the terminator, not what follows it */
    while (*end)
        end++;
    read_environment(&g, envp);
    absolute_library();
    struct kstat self;
    if (!failed(sys4(NR_newfstatat, TB_AT_FDCWD, tb.library, &self, 0))) tb.library_id = file_identity(&self);
    if (!g.state || !read_state(&g)) {
        g.state = NULL;
        learn_first_process(&g);
    }
    learn_process();
    const char *why = load_policy(&g);
    if (why) {
        unprotected(why, g.state != NULL);
        return;
    }
    choose_watches();
    restore_names(&g, end);
    tb.uncovered |= install_hooks(end);
    if (g.state && (tb.uncovered & (UNCOVERED_HOOKS | UNCOVERED_LIBC | UNCOVERED_LOAD)))
        unprotected("the entries of libc cannot be overwritten in this child", true);
    protect_state();
    if (!g.state && tb.policy->announce) report_started();
}
