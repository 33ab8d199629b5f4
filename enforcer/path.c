//go:build ignore

/* Canonical paths without /proc: looking up /proc/self in a process that has just been forked costs more than
 * all else that the exec hook does. The path is worked out by reading the symbolic links on the way, and the
 * result is then opened with RESOLVE_NO_SYMLINKS (openat2(2)), so that the descriptor is that of exactly this
 * path whatever changed meanwhile. */
#include "include/state.h"

enum { MAX_LINKS = 40, RESOLVE_NO_SYMLINKS = 4 };

struct walk {
    char *out; /* canonical so far, "" for the root */
    size_t n;
    char rest[2 * TB_PATH_MAX]; /* what is still to be walked; its end is the end of the buffer */
    size_t at;                  /* where in rest it starts */
    int links;
};

/* Puts n bytes in front of what is still to be walked. */
static bool push(struct walk *w, const char *s, size_t n) {
    if (n + 1 > w->at) return false;
    w->rest[--w->at] = '/';
    w->at -= n;
    mem_copy(w->rest + w->at, s, n);
    return true;
}

static void drop_last(struct walk *w) {
    while (w->n && w->out[--w->n] != '/')
        ;
}

/* Appends one component and follows it when it is a link; false: this path cannot be worked out here. */
static bool step(struct walk *w, const char *name, size_t n) {
    char target[1024];
    if (n == 0 || (n == 1 && name[0] == '.')) return true;
    if (n == 2 && name[0] == '.' && name[1] == '.') {
        drop_last(w);
        return true;
    }
    if (w->n + n + 2 > TB_PATH_MAX) return false;
    size_t before = w->n;
    w->out[w->n++] = '/';
    mem_copy(w->out + w->n, name, n);
    w->n += n;
    w->out[w->n] = 0;
    long len = sys_readlink(w->out, target, sizeof target);
    if (len == -TB_EINVAL) /* no link */
        return !str_equal(w->out, "/proc");
    if (failed(len) || len == sizeof target || ++w->links > MAX_LINKS || !push(w, target, (size_t)len))
        return false;
    w->n = target[0] == '/' ? 0 : before;
    return true;
}

static bool walk(struct walk *w) {
    while (w->at < sizeof w->rest) {
        const char *name = w->rest + w->at, *slash = name;
        while (*slash != '/')
            slash++;
        w->at = (size_t)(slash + 1 - w->rest);
        if (!step(w, name, (size_t)(slash - name))) return false;
    }
    w->out[w->n] = 0;
    return true;
}

/* Works out the canonical form of an absolute path into out (TB_PATH_MAX bytes), and that of its folder into
 * folder when that is not NULL. Scratch memory of sizeof(struct walk) is the caller's. */
static bool canonical(struct walk *w, const char *path, char *out, char *folder) {
    size_t dir = (size_t)(base_name(path) - path), base = str_len(path + dir);
    w->out = out;
    w->n = 0;
    w->links = 0;
    w->at = sizeof w->rest;
    if (*path != '/' || !base || !push(w, path, dir - 1) || !walk(w)) return false;
    if (folder) mem_copy(folder, out, w->n + 1);
    return push(w, path + dir, base) && walk(w) && w->n;
}

long open_without_links(const char *path, int flags) {
    struct {
        uint64_t flags, mode, resolve;
    } how = {(uint64_t)flags, 0, RESOLVE_NO_SYMLINKS};
    return sys4(NR_openat2, TB_AT_FDCWD, path, &how, sizeof how);
}

/* Opens the file of an absolute path with O_PATH, its canonical path in f->path; false when it has to be done
 * through /proc. */
bool open_canonical(struct tb_file *f, const char *path, char *folder, void *room) {
    if (!canonical(room, path, f->path, folder)) return false;
    long fd = open_without_links(f->path, TB_O_PATH | TB_O_CLOEXEC);
    f->fd = (int)fd;
    f->path_len = (uint32_t)str_len(f->path);
    return !failed(fd);
}

_Static_assert(sizeof(struct walk) <= WALK_ROOM, "the room that callers reserve");
