/* What one protected process knows: set once by the constructor, then read-only; and the enforcer's internal
 * calls. */
#ifndef THIMBLE_STATE_H
#define THIMBLE_STATE_H

#include "sys.h"
#include "abi.h"
#include "decide.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* Parts that this process could not be covered in; named in the started event and by `thimble doctor`. */
enum tb_uncovered {
    UNCOVERED_LOAD = 1 << 0,  /* the dynamic loader's mmap was not found or not writable */
    UNCOVERED_HOOKS = 1 << 1, /* a libc entry could not be patched */
    UNCOVERED_PROC = 1 << 2,  /* no usable /proc: canonical paths are unknown */
    UNCOVERED_LIBC = 1 << 3,  /* no libc among the loaded objects */
};

struct tb_state {
    const uint8_t *blob;
    const struct tb_policy *policy; /* NULL: unprotected */
    struct ktimespec start;         /* of the function's first process, CLOCK_REALTIME_COARSE */
    unsigned long proc_dev;         /* device of /proc */
    unsigned long err_dev, err_ino; /* the function's stderr: what descriptor 2 of its first process was */
    int root_pid;                   /* the function's first process */
    bool musl;
    bool closed;      /* fail: closed */
    bool watch_open;  /* some rule needs to see opened files */
    bool watch_write; /* some rule needs to see files before they are written */
    uint32_t uncovered;
    /* The function's own credentials, to keep them out of event lines: their lengths and hashes (of a token
     * its first bytes). */
    uint64_t secret_len, secret_hash, token_len, token_hash;
    uint64_t library_id, policy_id; /* file_identity of both files */
    const char *start_vars[24];     /* the guarded variables as they were at the start, see env.c */
    uint32_t start_vars_n;
    /* Strings in the arena, never NULL. */
    const char *library;     /* path of this library */
    const char *policy_path; /* path of the blob */
    const char *events;      /* THIMBLE_EVENTS, "" for stderr */
    const char *function, *version, *stream;
    const char *exe; /* this program, through a loader the one that it loaded */
    const char
        *from; /* who counts as the caller of what this process starts: a launcher's own caller, else exe */
    const char *script; /* env(1) started for a script's #! line: the script */
    uint32_t arena_used;
    char arena[24 * 1024];
};

extern HIDDEN struct tb_state tb;

/* start.c */
HIDDEN const char *keep_string(const char *s, size_t n);

/* errno as the C library keeps it; returns -1. */
HIDDEN long fail_with(long negated_errno);
static inline long libc_result(long r) {
    return failed(r) ? fail_with(r) : r;
}

/* hook.c: overwrites the entries of libc; returns the bits of what could not be covered. */
HIDDEN uint32_t install_hooks(char **end); /* end: the environment's terminator, which the auxv follows */
HIDDEN void locate_self(void);

/* file.c: what the kernel says about one opened file. */
struct tb_file {
    int fd;
    struct kstat st;
    bool image, memfd, readonly, nosuid, noexec;
    bool by_path;                /* path was opened as it stands, without a symbolic link in it */
    char path[TB_PATH_MAX + 16]; /* canonical */
    uint32_t path_len;
    bool digest_known;
    uint8_t digest[32];
    int reader; /* a readable descriptor of it, or -1 */
};
/* Opens with O_PATH and inspects; 0 or a negated errno. */
HIDDEN long file_open(struct tb_file *f, int dir, const char *path, int flags);
/* The same by absolute path; folder (TB_PATH_MAX bytes, may be NULL) gets the canonical path of its folder,
 * or ""; room: WALK_ROOM bytes. */
HIDDEN long file_open_path(struct tb_file *f, const char *path, char *folder, void *room);
HIDDEN bool file_is_setuid(struct tb_file *f);
/* Inspects f->fd, which stays the caller's. */
HIDDEN long file_inspect(struct tb_file *f);
HIDDEN void file_close(struct tb_file *f);
HIDDEN int file_digest(void *file, uint8_t out[32]);
HIDDEN int file_scan(void *file);
HIDDEN int file_same(void *file, struct tb_str entry);
HIDDEN int path_same_from(void *ctx, struct tb_str entry);
HIDDEN bool denotes(const char *path, const struct kstat *st);
enum tb_place {
    PLACE,
    PLACE_LINK /* the link itself */,
    PLACE_WITHOUT_LINKS /* and none on the way, which could be turned later */
};
HIDDEN bool place_is_shipped(const char *path, size_t n, enum tb_place as);
/* The canonical path of a place that shipped, for somebody else to open; its length, 0 when it did not.
 * flags: of open(2). */
HIDDEN size_t shipped_path(const char *path, size_t n, int flags, char *canonical, size_t cap);
HIDDEN bool absolute_path(char *to, size_t cap, int dir, const char *path);
HIDDEN uint64_t file_identity(const struct kstat *st);
HIDDEN int file_reader(struct tb_file *f);
/* The first bytes of the file; their number, or negative when it cannot be read. */
HIDDEN long file_head(struct tb_file *f, char *head, size_t n);
HIDDEN size_t proc_fd_path(char *to, int fd);

/* path.c */
enum { WALK_ROOM = 2 * TB_PATH_MAX + 64 };
HIDDEN bool open_canonical(struct tb_file *f, const char *path, char *folder, void *room);
HIDDEN long open_without_links(const char *path, int flags);

/* exec.c */
HIDDEN long exec_file(int dir, const char *path, char *const argv[], char *const envp[], int flags);

/* env.c */
struct tb_handoff { /* what a child's enforcer is told beyond the parent's own state */
    const char *exe, *from, *script, *execfn, *comm;
    bool strip;  /* take the function's AWS credentials away */
    bool strict; /* arguments were matched by a template: drop variables that make a program run code */
};
/* Remembers a guarded variable of the process's own environment. */
HIDDEN void note_start_variable(const char *entry);
HIDDEN size_t env_room(char *const envp[], const struct tb_handoff *h);
HIDDEN char **env_build(char *const envp[], const struct tb_handoff *h, char *room);

/* load.c: may the file behind fd be mapped executable by the loader? 0 or a negated errno. */
HIDDEN long judge_mapping(int fd, bool code);

/* scratch.c: memory for one hook call, reused by the thread and by its vfork children. */
struct scratch {
    void *mem;
    size_t mapped; /* not the thread's own: to be unmapped */
    int slot;
};
HIDDEN struct scratch scratch_get(size_t size);
HIDDEN void scratch_put(struct scratch s);

/* report.c */
struct tb_event {
    const char *control, *action; /* action: denied, audited, killed, started, unprotected */
    const struct tb_verdict *verdict;
    const char *detail; /* static text, or NULL */
    struct tb_str exe, path;
    char *const *argv;
    int target_pid; /* memory control: the other process; 0: none */
};
/* Hash of a credential, see tb.secret_hash. */
HIDDEN uint64_t hash_bytes(const char *s, size_t n);
/* The descriptor that THIMBLE_EVENTS names, 2 by default, -1 for a file or socket. */
HIDDEN int event_descriptor(void);
HIDDEN void report(const struct tb_event *e);
HIDDEN void report_started(void);
HIDDEN void report_unprotected(const char *why);

/* Acts on a verdict: reports it unless it is allow; true when the attempt must be refused (kill does not
 * return). */
HIDDEN bool refused(const struct tb_event *e);

#endif
