//go:build ignore

/* Control exec: every way to start a program ends here.
 *
 * The file is opened first and judged by its descriptor; what was judged is what runs. Forms that run
 * something else than the file they name are seen through: the dynamic loader with a program, a script with
 * its #! interpreter, the launchers jspawnhelper (Java) and env(1) (in a #! line). */
#include "include/exec.h"

static const char *const no_args[] = {NULL};

/* ---- judging ---- */

static struct tb_str str(const char *s) {
    return (struct tb_str){s, s ? (uint32_t)str_len(s) : 0};
}

/* Asks the policy about one file; 0 or a negated errno. Forbidden names, set-id bits and the like are looked
 * at in any role. */
long judge_file(struct attempt *a, struct tb_file *f, const char *called, char *const argv[],
                bool interpreter) {
    uint32_t n = 0;
    const char *const *args = argv && argv[0] ? (const char *const *)argv + 1 : no_args;
    while (args[n])
        n++;
    struct tb_request rq = {.control = TB_EXEC,
                            .image = f->image,
                            .memfd = f->memfd,
                            .scanned = f->image,
                            .setuid = file_is_setuid(f),
                            .interpreter = interpreter,
                            .exe = {f->path, f->path_len},
                            .path = str(called),
                            .argv0 = str(argv && argv[0] ? argv[0] : called),
                            .from = str(a->from),
                            .args = args,
                            .nargs = n,
                            .same = file_same,
                            .same_from = path_same_from,
                            .digest = file_digest,
                            .scan = file_scan,
                            .ctx = f};
    tb_decide(tb.blob, tb.policy, &rq, &a->verdict);
    struct tb_event e = {
        .control = "exec", .verdict = &a->verdict, .exe = rq.exe, .path = rq.path, .argv = argv};
    return refused(&e) ? -TB_EACCES : 0;
}

static bool has_templates(const struct tb_verdict *v) {
    if (v->action != TB_ALLOW || v->rule != TB_RULE_EXEC_ALLOW || v->index >= tb.policy->allow.n)
        return false;
    return !((const struct tb_allow *)(tb.blob + tb.policy->allow.off))[v->index].any_args;
}

static bool strips_credentials(const struct tb_verdict *v) {
    const struct tb_policy *p = tb.policy;
    return p->cred_mode == TB_ENFORCE && p->cred_children != TB_CRED_KEEP && !v->keep_credentials &&
           (int)sys0(NR_getpid) != tb.root_pid;
}

/* ---- running what was judged ---- */

struct open_how {
    uint64_t flags, mode, resolve;
};

/* Does base in the folder lead to f without leaving the folder's mount? A symbolic link as base may. */
static bool leads_to(int dir, const char *base, const struct tb_file *f) {
    enum { NO_XDEV = 1, NO_MAGICLINKS = 2 };
    struct kstat st;
    struct open_how how = {TB_O_PATH | TB_O_CLOEXEC, 0, NO_XDEV | NO_MAGICLINKS};
    long fd = sys4(NR_openat2, dir, base, &how, sizeof how);
    if (failed(fd)) return false;
    bool same = !failed(sys_fstat((int)fd, &st)) && st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino;
    sys_close((int)fd);
    return same;
}

/* On a read-only mount the caller's own name for the file is kept, which keeps the process's name:
 * "folder/base" where the folder is canonical and on that mount. */
static bool stable_name(struct attempt *a, const struct tb_file *f, const char *called) {
    const char *base = base_name(called);
    size_t folder = str_len(a->folder), base_len = str_len(base);
    if (!f->readonly || !f->by_path || folder + base_len + 2 > sizeof a->name) return false;
    mem_copy(a->name, a->folder, folder);
    a->name[folder] = '/';
    mem_copy(a->name + folder + 1, base, base_len + 1);
    if (str_equal(a->name, f->path)) return true;
    long dir = open_without_links(folder ? a->folder : "/", TB_O_PATH | TB_O_CLOEXEC | TB_O_DIRECTORY);
    bool stable = !failed(dir) && leads_to((int)dir, base, f);
    if (!failed(dir)) sys_close((int)dir);
    return stable;
}

/* Executes f under the name `called` with the child's environment; returns only on failure. `exe` overrides
 * what the child takes itself for (the program behind a loader), `named` is the path that the caller gave. */
static long run(struct attempt *a, struct tb_file *f, const char *called, const char *named,
                char *const argv[], char *const envp[], struct tb_handoff *h) {
    h->strip = strips_credentials(&a->verdict);
    h->strict = has_templates(&a->verdict);
    if (!h->exe) h->exe = f->path;
    if (stable_name(a, f, called)) {
        h->execfn = str_equal(a->name, named) ? "" : named;
        char **env = env_build(envp, h, a->room);
        return sys3(NR_execve, a->name, argv, env);
    }
    h->execfn = named;
    h->comm = a->by_descriptor ? base_name(f->path) : base_name(named);
    char **env = env_build(envp, h, a->room);
    long r = sys5(NR_execveat, f->fd, "", argv, env, TB_AT_EMPTY_PATH);
    if (r == -TB_ENOSYS) { /* before Linux 3.19 */
        proc_fd_path(a->name, f->fd);
        r = sys3(NR_execve, a->name, argv, env);
    }
    return r;
}

/* Opens what the named file runs by: a path that may be relative to the working folder. */
static long open_second(struct attempt *a, const char *path) {
    if (!absolute_path(a->called2, sizeof a->called2, TB_AT_FDCWD, path)) return -TB_ENAMETOOLONG;
    return file_open_path(&a->second, a->called2, NULL, a->walk);
}

/* ---- launchers ---- */

/* Java starts programs through <java.home>/lib/jspawnhelper, which is no program of its own: what it starts
 * counts as started by java. */
static bool is_java_helper(const struct tb_file *f, const char *caller) {
    static const char helper[] = "/lib/jspawnhelper", java[] = "/bin/java";
    size_t n = sizeof helper - 1, from = str_len(caller), home;
    if (!f->image || f->path_len <= n || !mem_equal(f->path + f->path_len - n, helper, n)) return false;
    home = f->path_len - n;
    return from == home + sizeof java - 1 && mem_equal(caller, f->path, home) &&
           str_equal(caller + home, java);
}

/* env(1), started for "#!/usr/bin/env node", starts the interpreter of the script that was judged already.
 * Which one it finds follows from the caller's PATH, so only folders that shipped count, and no link from
 * elsewhere. */
static bool is_script_interpreter(struct attempt *a, char *const argv[]) {
    if (!*tb.script) return false;
    bool named = false;
    for (int i = 1; argv[0] && argv[i]; i++)
        named |= str_equal(argv[i], tb.script);
    return named && place_is_shipped(a->called, (size_t)(base_name(a->called) - a->called), PLACE);
}

static long exec_program(struct attempt *a, char *const argv[], char *const envp[]) {
    struct tb_file *f = &a->program;
    struct tb_handoff h = {.from = ""};
    bool helper = is_java_helper(f, a->from) && tb.policy->children != TB_CHILDREN_NONE;
    long r = judge_file(a, f, a->called, argv, helper || is_script_interpreter(a, argv));
    if (failed(r)) return r;
    if (helper) h.from = a->from;
    return run(a, f, a->called, a->named, argv, envp, &h);
}

/* ---- scripts ---- */

/* #! line as the kernel reads it (execve(2), "Interpreter scripts"): interpreter and at most one argument, up
 * to the end of the line, of the file or of the 256 bytes that the kernel looks at; cut there it must at
 * least have the interpreter whole. */
static bool parse_script(char *head, long n, char **interpreter, char **argument) {
    enum { LOOKED_AT = 256 };
    char *p = head + 2, *end = head + (n < LOOKED_AT ? n : LOOKED_AT), *line = p;
    while (line < end && *line != '\n' && *line)
        line++;
    bool cut = line == end && n >= LOOKED_AT;
    if (cut) line--; /* the kernel keeps its buffer's last byte for the end */
    while (line > p && (line[-1] == ' ' || line[-1] == '\t'))
        line--;
    *line = 0;
    while (*p == ' ' || *p == '\t')
        p++;
    *interpreter = p;
    while (*p && *p != ' ' && *p != '\t')
        p++;
    if (cut && !*p) return false;
    *argument = NULL;
    if (*p) {
        *p++ = 0;
        while (*p == ' ' || *p == '\t')
            p++;
        *argument = *p ? p : NULL;
    }
    return **interpreter != 0;
}

/* Rewrites a->argv as the kernel does for a script: its argv[0] becomes interpreter, argument and the
 * script's own name. */
static void push_interpreter(struct attempt *a, char *interpreter, char *argument, char *name) {
    int n = 0, more = argument ? 2 : 1;
    while (a->argv[n])
        n++;
    if (n == 0) a->argv[++n] = NULL;
    for (int i = n; i >= 1; i--)
        a->argv[i + more] = a->argv[i];
    a->argv[0] = interpreter;
    if (argument) a->argv[1] = argument;
    a->argv[more] = name;
}

/* The name by which an interpreter opens the script: the caller's where no link of a place that did not ship
 * is in it, else the canonical one. */
static char *script_name(struct attempt *a) {
    const char *base = base_name(a->called);
    if (str_equal(a->called, a->program.path)) return a->called;
    return place_is_shipped(a->called, (size_t)(base - a->called), PLACE) &&
                   place_is_shipped(a->called, str_len(a->called), PLACE_LINK)
               ? a->called
               : a->program.path;
}

/* Judges the interpreter of a script, and that one's when it is a script itself; a->argv becomes what the
 * kernel would make of it. At the end a->second is the program that runs. */
static long judge_interpreters(struct attempt *a, long head) {
    char *texts[] = {a->head, a->head2, a->head3}, *interpreter, *argument, *name = script_name(a);
    for (int depth = 0;; depth++) {
        if (head == 2) return -TB_EACCES; /* nothing but "#!": the kernel tries the working folder */
        if (!parse_script(texts[depth], head, &interpreter, &argument)) return -TB_ENOEXEC;
        long r = open_second(a, interpreter);
        if (failed(r)) return r;
        push_interpreter(a, interpreter, argument, name);
        if (failed(r = judge_file(a, &a->second, a->called2, a->argv, true))) return r;
        name = interpreter;
        head = file_head(&a->second, texts[depth + 1], sizeof a->head - 1);
        if (head < 3 || texts[depth + 1][0] != '#' || texts[depth + 1][1] != '!') return 0;
        if (depth == 1) return -TB_ELOOP; /* scripts as interpreters of scripts as interpreters */
        file_close(&a->second);
    }
}

/* The script is judged as the program, then its interpreter as an interpreter. */
static long exec_script(struct attempt *a, long head, char *const argv[], char *const envp[]) {
    long r = judge_file(a, &a->program, a->called, argv, is_script_interpreter(a, argv));
    if (failed(r)) return r;
    struct tb_verdict script = a->verdict;
    int n = 0;
    for (; argv[n]; n++)
        a->argv[n] = argv[n];
    a->argv[n] = NULL;
    if (failed(r = judge_interpreters(a, head))) return r;
    a->verdict = script;
    struct tb_handoff h = {.from = ""};
    if (str_equal(base_name(a->argv[0]), "env")) {
        h.script = script_name(a);
        h.from = a->from;
    }
    if (stable_name(a, &a->program, a->called)) /* nobody can change it: the kernel may do the rest */
        return run(a, &a->program, a->called, a->named, argv, envp, &h);
    return run(a, &a->second, a->argv[0], a->named, a->argv, envp, &h);
}

/* ---- the dynamic loader as a program ---- */

static long refuse_nested(struct attempt *a, char *const argv[]) {
    struct tb_verdict v = {tb.policy->memory_mode == TB_ENFORCE ? TB_DENY : TB_AUDIT, TB_RULE_MEMORY_LOADER,
                           0, 0};
    struct tb_event e = {.control = "exec",
                         .verdict = &v,
                         .detail = "a dynamic loader started by another",
                         .exe = {a->second.path, a->second.path_len},
                         .argv = argv};
    return refused(&e) ? -TB_EACCES : -TB_ENOEXEC;
}

/* Judges the program that the loader is told to load, and runs the loader on exactly that file. */
static long exec_loader(struct attempt *a, char *const argv[], char *const envp[]) {
    long at = loader_program(a, argv);
    if (failed(at)) return at;
    if (at == 0) /* --version, --help: it loads nothing */
        return exec_program(a, argv, envp);
    long r = judge_file(a, &a->program, a->called, argv, true);
    if (failed(r)) return r;
    if (failed(r = open_second(a, argv[at]))) return r;
    if (is_loader(base_name(a->second.path)) &&
        tb.policy->memory_mode != TB_OFF) /* what that one would load is not judged here */
        return refuse_nested(a, argv);
    if (failed(r = judge_file(a, &a->second, a->called2, argv + at, false))) return r;
    int n = 0;
    for (; argv[n]; n++)
        a->argv[n] = argv[n];
    a->argv[n] = NULL;
    a->argv[at] = loadable_name(a, argv[at]);
    struct tb_handoff h = {.from = "", .exe = a->second.path};
    return run(a, &a->program, a->called, a->named, a->argv, envp, &h);
}

/* ---- the entrance ---- */

static size_t room_for_argv(char *const argv[]) {
    size_t n = 16;
    while (argv && *argv++)
        n++;
    return n * sizeof(char *);
}

/* What of a state a child is told has no fixed size: paths. */
static size_t room_for_env(char *const envp[]) {
    struct tb_handoff widest = {.from = ""};
    return env_room(envp, &widest) + 7 * (TB_PATH_MAX + 16);
}

static long open_program(struct attempt *a, int dir, const char *path, int flags) {
    if (*path == 0) {
        if (!(flags & TB_AT_EMPTY_PATH)) return -TB_ENOENT;
        char link[32];
        if (dir < 0) return -TB_EBADF;
        proc_fd_path(link, dir);
        return file_open(&a->program, TB_AT_FDCWD, link, 0);
    }
    if (str_len(path) >= TB_PATH_MAX) return -TB_ENAMETOOLONG;
    if (flags & TB_AT_SYMLINK_NOFOLLOW) return file_open(&a->program, dir, path, TB_O_NOFOLLOW);
    if ((dir != TB_AT_FDCWD && *path != '/') || !*a->called) return file_open(&a->program, dir, path, 0);
    return file_open_path(&a->program, a->called, a->folder, a->walk);
}

static long exec_opened(struct attempt *a, char *const argv[], char *const envp[]) {
    unsigned kind = a->program.st.st_mode & TB_S_IFMT;
    if (kind != TB_S_IFREG) return kind == 0120000 ? -TB_ELOOP : -TB_EACCES;
    if (!(a->program.st.st_mode & 0111) || a->program.noexec)
        return -TB_EACCES; /* as the kernel: no violation */
    if (is_loader(base_name(a->program.path))) return exec_loader(a, argv, envp);
    long head = file_head(&a->program, a->head, sizeof a->head - 1);
    if (head >= 2 && a->head[0] == '#' && a->head[1] == '!') return exec_script(a, head, argv, envp);
    return exec_program(a, argv, envp);
}

/* The caller's own string for the program; the kernel's where it makes one up (execveat(2)). */
static const char *name_given(struct attempt *a, int dir, const char *path) {
    static const char prefix[] = "/dev/fd/";
    if (dir == TB_AT_FDCWD || *path == '/') return path;
    char link[32];
    size_t k = sizeof prefix - 1, n = proc_fd_path(link, dir) - (sizeof "/proc/self/fd/" - 1),
           len = str_len(path);
    if (k + n + len + 2 > sizeof a->made_up) return path;
    mem_copy(a->made_up, prefix, k);
    mem_copy(a->made_up + k, link + sizeof "/proc/self/fd/" - 1, n);
    k += n;
    if (len) a->made_up[k++] = '/';
    mem_copy(a->made_up + k, path, len + 1);
    return a->made_up;
}

/* A child that cannot carry the enforcer is not started: when the library or the policy is no longer the file
 * that this process began with, or when there is so little room for data that the loader would leave the
 * library out. */
static const char *cannot_carry(void) {
    enum { RLIMIT_DATA_ID = 2, LEAST_DATA = 1 << 20 };
    unsigned long limit[2];
    struct kstat st;
    if (failed(sys4(NR_newfstatat, TB_AT_FDCWD, tb.library, &st, 0)) || file_identity(&st) != tb.library_id)
        return "the enforcer's library was removed or replaced";
    if (failed(sys4(NR_newfstatat, TB_AT_FDCWD, tb.policy_path, &st, 0)) ||
        file_identity(&st) != tb.policy_id)
        return "the policy was removed or replaced";
    if (!failed(sys4(NR_prlimit64, 0, RLIMIT_DATA_ID, 0, limit)) && limit[0] < LEAST_DATA)
        return "RLIMIT_DATA is too low to carry the enforcer";
    return NULL;
}

static long refuse_bare(struct attempt *a, const char *why, char *const argv[]) {
    struct tb_verdict v = {TB_DENY, TB_RULE_MEMORY_LOADER, 0, 0};
    struct tb_event e = {.control = "exec",
                         .verdict = &v,
                         .detail = why,
                         .exe = {a->program.path, a->program.path_len},
                         .path = str(a->called),
                         .argv = argv};
    return refused(&e) ? -TB_EACCES : 0;
}

static long exec_attempt(struct attempt *a, int dir, const char *path, char *const argv[], char *const envp[],
                         int flags) {
    a->program.fd = a->second.fd = a->program.reader = a->second.reader = -1;
    a->from = tb.from;
    a->folder[0] = a->called[0] = 0;
    if (*path) absolute_path(a->called, sizeof a->called, dir, path);
    long r = open_program(a, dir, path, flags);
    if (failed(r)) return r;
    if (!*path || !*a->called) absolute_path(a->called, sizeof a->called, TB_AT_FDCWD, a->program.path);
    if (!*a->called && str_len(path) < sizeof a->called)
        mem_copy(a->called, path, str_len(path) + 1); /* no absolute name */
    a->named = name_given(a, dir, path);
    a->by_descriptor = *path == 0;
    const char *bare = cannot_carry();
    return bare ? refuse_bare(a, bare, argv) : exec_opened(a, argv, envp);
}

/* Numbers that are no addresses of anything; the kernel would find every bad pointer, this finds the usual
 * ones. */
static bool bad_pointers(char *const list[]) {
    enum { LOWEST = 4096 };
    for (; list && *list; list++)
        if ((unsigned long)*list < LOWEST) return true;
    return false;
}

/* execveat(2), judged; returns a negated errno, or does not return. */
long exec_file(int dir, const char *path, char *const argv[], char *const envp[], int flags) {
    enum { LOWEST = 4096 };
    static char *const empty[] = {NULL};
    if (flags & ~(TB_AT_EMPTY_PATH | TB_AT_SYMLINK_NOFOLLOW))
        return sys5(NR_execveat, dir, path, argv, envp, flags); /* AT_EXECVE_CHECK, or an error */
    if ((unsigned long)path < LOWEST || (argv && (unsigned long)argv < LOWEST) ||
        (envp && (unsigned long)envp < LOWEST))
        return -TB_EFAULT;
    if (!argv) argv = empty;
    if (bad_pointers(argv) || bad_pointers(envp)) return -TB_EFAULT;
    size_t vector = room_for_argv(argv), room = room_for_env(envp);
    struct scratch held = scratch_get(sizeof(struct attempt) + vector + room);
    struct attempt *a = held.mem;
    if (!a) return -TB_ENOMEM;
    a->argv = (char **)(a + 1);
    a->room = (char *)(a + 1) + vector;
    long r = exec_attempt(a, dir, path, argv, envp, flags);
    file_close(&a->program);
    file_close(&a->second);
    scratch_put(held);
    return r;
}

HIDDEN int hook_execve(const char *path, char *const argv[], char *const envp[]) {
    return (int)libc_result(exec_file(TB_AT_FDCWD, path, argv, envp, 0));
}

HIDDEN int hook_execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags) {
    return (int)libc_result(exec_file(dir, path, argv, envp, flags));
}

HIDDEN int hook_fexecve(int fd, char *const argv[], char *const envp[]) {
    if (fd < 0 || !argv || !envp) return (int)fail_with(tb.musl && fd < 0 ? -TB_EBADF : -TB_EINVAL);
    return (int)libc_result(exec_file(fd, "", argv, envp, TB_AT_EMPTY_PATH));
}
