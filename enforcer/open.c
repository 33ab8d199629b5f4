//go:build ignore

/* Opened files: /proc/<pid>/environ and /proc/<pid>/mem are never given out; places that did not ship with
 * the function may be closed to writing.
 *
 * What was opened is judged, not the name: a descriptor of procfs costs one fstat(2) to recognise, whatever
 * link led to it. */
#include "include/state.h"

static long refuse(const struct tb_request *rq, const char *control) {
    struct tb_verdict v;
    tb_decide(tb.blob, tb.policy, rq, &v);
    struct tb_event e = {.control = control, .verdict = &v, .path = rq->path};
    return refused(&e) ? -TB_EACCES : 0;
}

/* ---- procfs ---- */

static long judge_proc(int fd) {
    char link[32], path[128];
    proc_fd_path(link, fd);
    long n = sys_readlink(link, path, sizeof path - 1);
    if (failed(n)) return 0;
    path[n] = 0;
    const char *base = base_name(path);
    struct tb_request rq = {.path = {path, (uint32_t)n}};
    if (str_equal(base, "environ")) {
        rq.control = TB_ENVIRON;
        return refuse(&rq, "credentials");
    }
    if (str_equal(base, "mem")) {
        rq.control = TB_MEMORY;
        rq.op = TB_OP_PROC_MEM;
        return refuse(&rq, "memory");
    }
    return 0;
}

static long judge_opened(long fd) {
    struct kstat st;
    if (failed(fd) || failed(sys_fstat((int)fd, &st)) || st.st_dev != tb.proc_dev) return fd;
    long r = judge_proc((int)fd);
    if (r == 0) return fd;
    sys_close((int)fd);
    return r;
}

/* ---- writing ---- */

/* Splits "dir/base": opens the folder; the file itself does not exist yet. */
static long open_folder(int dir, const char *path) {
    char folder[TB_PATH_MAX / 2];
    size_t n = (size_t)(base_name(path) - path);
    if (n >= sizeof folder) return -TB_EACCES;
    mem_copy(folder, n ? path : ".", n ? n : 1);
    folder[n ? n : 1] = 0;
    return sys_openat(dir, folder, TB_O_PATH | TB_O_CLOEXEC | TB_O_DIRECTORY, 0);
}

static bool is_ordinary(const struct kstat *st) {
    unsigned kind = st->st_mode & TB_S_IFMT;
    return kind == TB_S_IFREG || kind == TB_S_IFDIR;
}

/* The place that an open for writing would change: the file, or where there is none the folder. */
static long judge_write(int dir, const char *path, int flags, int mode) {
    struct kstat st;
    struct kstatfs fs;
    long fd = sys_openat(dir, path, TB_O_PATH | TB_O_CLOEXEC | (flags & TB_O_NOFOLLOW), 0);
    bool exists = !failed(fd);
    if (!exists && (flags & TB_O_CREAT)) fd = open_folder(dir, path);
    if (failed(fd)) return 0; /* the kernel will say why not */
    if (failed(sys_fstat((int)fd, &st)) || failed(sys2(NR_fstatfs, fd, &fs)) || !is_ordinary(&st)) {
        sys_close((int)fd);
        return 0; /* a device, pipe or socket */
    }
    bool creates = !exists || (flags & TB_O_TMPFILE_BIT);
    struct tb_request rq = {.control = TB_OPEN,
                            .write = 1,
                            .executable = creates && (mode & 0111),
                            .image = (fs.f_flags & TB_ST_RDONLY) != 0,
                            .path = {path, (uint32_t)str_len(path)}};
    sys_close((int)fd);
    return refuse(&rq, "tmp");
}

static bool writes(int flags) {
    return (flags & TB_O_ACCMODE) != 0 || (flags & (TB_O_CREAT | TB_O_TRUNC));
}

long open_file(int dir, const char *path, int flags, int mode) {
    if (tb.watch_write && writes(flags)) {
        long r = judge_write(dir, path, flags, mode);
        if (failed(r)) return r;
    }
    long fd = sys_openat(dir, path, flags, mode);
    return tb.watch_open ? judge_opened(fd) : fd;
}

HIDDEN int hook_open(const char *path, int flags, int mode) {
    return (int)libc_result(open_file(TB_AT_FDCWD, path, flags, mode));
}

HIDDEN int hook_openat(int dir, const char *path, int flags, int mode) {
    return (int)libc_result(open_file(dir, path, flags, mode));
}

HIDDEN int hook_creat(const char *path, int mode) {
    return hook_open(path, TB_O_CREAT | TB_O_WRONLY | TB_O_TRUNC, mode);
}

/* openat2(2) has no wrapper in libc; struct open_how begins with flags and mode, 64 bits each. */
long open_file2(int dir, const char *path, const uint64_t *how, size_t size) {
    if (tb.watch_write && size >= 16 && how && writes((int)how[0])) {
        long r = judge_write(dir, path, (int)how[0], (int)how[1]);
        if (failed(r)) return r;
    }
    long fd = sys4(NR_openat2, dir, path, how, size);
    return tb.watch_open ? judge_opened(fd) : fd;
}

/* ---- tmp.write: no-executables: no file gets an execute bit ---- */

static bool watches_modes(void) {
    return tb.watch_write && tb.policy->tmp_write == TB_WRITE_NO_EXECUTABLES;
}

/* fd: the file, opened with O_PATH or otherwise; it stays the caller's. */
static long judge_mode(long fd, int mode) {
    struct kstat st;
    struct kstatfs fs;
    char link[32], path[512];
    if (failed(fd) || !(mode & 0111) || failed(sys_fstat((int)fd, &st)) ||
        (st.st_mode & TB_S_IFMT) != TB_S_IFREG || failed(sys2(NR_fstatfs, fd, &fs)))
        return 0;
    proc_fd_path(link, (int)fd);
    long n = sys_readlink(link, path, sizeof path);
    struct tb_request rq = {.control = TB_OPEN,
                            .write = 1,
                            .executable = 1,
                            .image = (fs.f_flags & TB_ST_RDONLY) != 0,
                            .path = {path, failed(n) ? 0 : (uint32_t)n}};
    return refuse(&rq, "tmp");
}

long change_mode_at(int dir, const char *path, int mode, int flags) {
    if (watches_modes()) {
        long fd = sys_openat(dir, path, TB_O_PATH | TB_O_CLOEXEC, 0);
        long r = judge_mode(fd, mode);
        if (!failed(fd)) sys_close((int)fd);
        if (failed(r)) return r;
    }
    if (flags & TB_AT_SYMLINK_NOFOLLOW) return sys4(NR_fchmodat2, dir, path, mode, flags);
    return sys3(NR_fchmodat, dir, path, mode);
}

long change_mode(int fd, int mode) {
    long r = watches_modes() ? judge_mode(fd, mode) : 0;
    return failed(r) ? r : sys2(NR_fchmod, fd, mode);
}

HIDDEN int hook_chmod(const char *path, int mode) {
    return (int)libc_result(change_mode_at(TB_AT_FDCWD, path, mode, 0));
}

HIDDEN int hook_fchmod(int fd, int mode) {
    return (int)libc_result(change_mode(fd, mode));
}

HIDDEN int hook_fchmodat(int dir, const char *path, int mode, int flags) {
    return (int)libc_result(change_mode_at(dir, path, mode, flags));
}

/* ---- musl's fopen does not go through its open ---- */

extern void *fdopen(int, const char *) __attribute__((weak));

static bool has(const char *mode, char c) {
    while (*mode && *mode != c)
        mode++;
    return *mode == c;
}

HIDDEN void *hook_fopen_musl(const char *path, const char *mode) {
    int flags = has(mode, '+') ? TB_O_RDWR : *mode == 'r' ? 0 : TB_O_WRONLY;
    if (*mode != 'r' && *mode != 'w' && *mode != 'a') {
        fail_with(-TB_EINVAL);
        return NULL;
    }
    enum { EXCL = 0200 };
    flags |= *mode == 'r' ? 0 : TB_O_CREAT;
    flags |= *mode == 'w' ? TB_O_TRUNC : *mode == 'a' ? TB_O_APPEND : 0;
    flags |= (has(mode, 'x') ? EXCL : 0) | (has(mode, 'e') ? TB_O_CLOEXEC : 0);
    int fd = hook_open(path, flags, 0666);
    if (fd < 0) return NULL;
    void *f = fdopen(fd, mode);
    if (!f) sys_close(fd);
    return f;
}
