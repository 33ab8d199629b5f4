//go:build ignore

/* Control tmp.load: which files the dynamic loader may map executable.
 *
 * Judged is the descriptor that is about to be mapped, so it does not matter by which name, link or search
 * path the loader came to it: dlopen, a dependency, an audit library, a character set converter. */
#include "include/state.h"

/* A second C library or loader in the process (dlmopen, another libc's file) would bring entries that are not
 * patched. */
static long judge_libc(int fd) {
    static const char *const names[] = {"libc.so", "libc-2.", "libc.musl-", "ld-linux", "ld-musl-", "ld-2."};
    char link[32], path[512];
    proc_fd_path(link, fd);
    long n = sys_readlink(link, path, sizeof path - 1);
    path[failed(n) ? 0 : n] = 0;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!after(base_name(path), names[i])) continue;
        struct tb_verdict v = {tb.policy->memory_mode == TB_ENFORCE ? TB_DENY : TB_AUDIT, TB_RULE_MEMORY_LIBC,
                               0, 0};
        struct tb_event e = {.control = "memory", .verdict = &v, .path = {path, (uint32_t)n}};
        return refused(&e) ? -TB_EACCES : 0;
    }
    return 0;
}

static long judge_contents(struct tb_file *f, int fd) {
    f->fd = fd;
    if (failed(file_inspect(f))) return 0;
    struct tb_request rq = {.control = TB_LOAD,
                            .image = f->image,
                            .memfd = f->memfd,
                            .scanned = f->image,
                            .exe = {f->path, f->path_len},
                            .path = {f->path, f->path_len},
                            .same = file_same,
                            .digest = file_digest,
                            .scan = file_scan,
                            .ctx = f};
    struct tb_verdict v;
    tb_decide(tb.blob, tb.policy, &rq, &v);
    struct tb_event e = {.control = "load", .verdict = &v, .path = rq.path};
    bool no = refused(&e);
    if (f->reader >= 0) sys_close(f->reader);
    return no ? -TB_EACCES : 0;
}

/* Every mapping of the loader's is judged, not only executable ones: under READ_IMPLIES_EXEC (personality(2))
 * all are. A second libc is looked for when its code is mapped. */
long judge_mapping(int fd, bool code) {
    const struct tb_policy *p = tb.policy;
    long r = code && p && p->memory_mode != TB_OFF ? judge_libc(fd) : 0;
    if (failed(r)) return r;
    struct kstat st;
    struct kstatfs fs;
    if (!p) return 0;
    /* the ordinary case, without scratch memory: a library on a read-only mount */
    if (failed(sys_fstat(fd, &st)) ||
        (st.st_nlink > 0 && !failed(sys2(NR_fstatfs, fd, &fs)) && (fs.f_flags & TB_ST_RDONLY) &&
         !(p->need_digest & TB_NEED_DIGEST_POLICY)))
        return 0;
    struct scratch held = scratch_get(sizeof(struct tb_file));
    if (!held.mem) return -TB_ENOMEM;
    r = judge_contents(held.mem, fd);
    scratch_put(held);
    return r;
}
/* musl's loader is its libc: its mmap(3), which replaces this one, is judged the same way. */
HIDDEN void *hook_mmap_musl(void *at, unsigned long n, int prot, int flags, int fd, long off) {
    enum { OFFSET_BITS = 4095 };
    long r;
    if (off & OFFSET_BITS) return (void *)fail_with(-TB_EINVAL);
    if (n >= (unsigned long)1 << 63) return (void *)fail_with(-TB_ENOMEM);
    if ((prot & TB_PROT_EXEC) && !(flags & TB_MAP_ANON) && failed(r = judge_mapping(fd, true)))
        return (void *)fail_with(r);
    r = sys6(NR_mmap, (long)at, (long)n, prot, flags, fd, off);
    if (r == -TB_EPERM && !at && (flags & TB_MAP_ANON) && !(flags & TB_MAP_FIXED))
        r = -TB_ENOMEM; /* as musl reports it */
    return (void *)libc_result(r);
}
