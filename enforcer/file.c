//go:build ignore

/* What the kernel says about an opened file: where it is, whether it shipped with the function, what is in
 * it. */
#include "include/state.h"
#include "include/sha256.h"

enum {
    ST_NOSUID_FLAG = 2,
    ST_NOEXEC_FLAG = 8,
    F_SETLEASE_CMD = 1024,
    F_SETSIG_CMD = 10,
    F_RDLCK_TYPE = 0,
    SIGURG_NUMBER = 23, /* ignored by default */
    CHUNK = 64 * 1024,
};

/* Writes /proc/self/fd/N; `to` holds at least 32 bytes. Returns the length. */
size_t proc_fd_path(char *to, int fd) {
    static const char prefix[] = "/proc/self/fd/";
    size_t n = sizeof prefix - 1;
    char digits[12];
    int k = 0;
    mem_copy(to, prefix, n);
    do
        digits[k++] = (char)('0' + fd % 10);
    while ((fd /= 10) > 0);
    while (k)
        to[n++] = digits[--k];
    to[n] = 0;
    return n;
}

static bool before_start(const struct kstat *st) {
    if (st->st_ctime != tb.start.sec) return st->st_ctime < tb.start.sec;
    return st->st_ctime_nsec < tb.start.nsec;
}

/* On the file system of the root folder? Compared is what statfs(2) says, because overlayfs gives files of
 * its layers other device numbers than itself. */
static bool on_root(const struct kstatfs *fs) {
    struct kstatfs root;
    return !failed(sys2(NR_statfs, "/", &root)) && root.f_type == fs->f_type &&
           root.f_fsid[0] == fs->f_fsid[0] && root.f_fsid[1] == fs->f_fsid[1];
}

/* Folders for anybody's files, which on a developer's machine are on the root file system. */
static bool in_temporary(const char *path) {
    return after(path, "/tmp/") || after(path, "/var/tmp/") || after(path, "/dev/shm/");
}

/* Shipped: on a read-only mount, or, where the root is writable, on the root's file system and not touched
 * since before the function's first process started. The ctime of a file cannot be set back by an
 * unprivileged process (inode(7)), and it moves with every write, rename, link and chmod. On any other
 * writable mount nothing shipped, however old: Lambda keeps /tmp when it restarts a function's process. */
static bool shipped(const struct kstat *st, const struct kstatfs *fs, const char *path) {
    if (st->st_nlink == 0) return false;
    return (fs->f_flags & TB_ST_RDONLY) || (before_start(st) && !in_temporary(path) && on_root(fs));
}

/* f->fd is open; f->path is set when it is known already. */
static long inspect(struct tb_file *f) {
    struct kstatfs fs;
    char link[32];
    f->digest_known = false;
    f->by_path = f->path_len > 0;
    f->reader = -1;
    long r = sys_fstat(f->fd, &f->st);
    if (!failed(r)) r = sys2(NR_fstatfs, f->fd, &fs);
    if (failed(r)) return r;
    if (!f->by_path) {
        proc_fd_path(link, f->fd);
        long n = sys_readlink(link, f->path, TB_PATH_MAX);
        f->path_len = failed(n) ? 0 : (uint32_t)n;
        f->path[f->path_len] = 0;
    }
    f->memfd = f->st.st_nlink == 0 || after(f->path, "/memfd:") != NULL;
    f->readonly = (fs.f_flags & TB_ST_RDONLY) != 0;
    f->nosuid = (fs.f_flags & ST_NOSUID_FLAG) != 0;
    f->noexec = (fs.f_flags & ST_NOEXEC_FLAG) != 0;
    f->image = !f->memfd && shipped(&f->st, &fs, f->path);
    return 0;
}

long file_inspect(struct tb_file *f) {
    f->path_len = 0;
    return inspect(f);
}

static long inspect_or_close(struct tb_file *f) {
    long r = inspect(f);
    if (failed(r)) file_close(f);
    return r;
}

long file_open(struct tb_file *f, int dir, const char *path, int flags) {
    f->reader = -1;
    f->path_len = 0;
    long fd = sys_openat(dir, path, TB_O_PATH | TB_O_CLOEXEC | flags, 0);
    f->fd = (int)fd;
    return failed(fd) ? fd : inspect_or_close(f);
}

long file_open_path(struct tb_file *f, const char *path, char *folder, void *room) {
    f->reader = -1;
    if (open_canonical(f, path, folder, room)) return inspect_or_close(f);
    if (folder) *folder = 0;
    return file_open(f, TB_AT_FDCWD, path, 0);
}

void file_close(struct tb_file *f) {
    if (f->reader >= 0) sys_close(f->reader);
    if (f->fd >= 0) sys_close(f->fd);
    f->fd = f->reader = -1;
}

/* Opens the same file for reading: by its canonical path if that still leads to it, else through its
 * descriptor. */
static long open_reader(const struct tb_file *f) {
    enum { FLAGS = TB_O_CLOEXEC | TB_O_NONBLOCK | TB_O_NOCTTY };
    struct kstat st;
    char link[32];
    long fd = f->by_path ? open_without_links(f->path, FLAGS) : -1;
    if (!failed(fd)) {
        if (!failed(sys_fstat((int)fd, &st)) && st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino)
            return fd;
        sys_close((int)fd);
    }
    proc_fd_path(link, f->fd);
    return sys_openat(TB_AT_FDCWD, link, FLAGS, 0);
}

/* A readable descriptor of the same file, opened once; negative when the file may not be read. */
int file_reader(struct tb_file *f) {
    if (f->reader < 0 && (f->st.st_mode & TB_S_IFMT) == TB_S_IFREG) {
        long fd = open_reader(f);
        f->reader = failed(fd) ? -1 : (int)fd;
    }
    return f->reader;
}

/* Set-id bits or file capabilities: the kernel would run it with other rights, and its loader without our
 * library. */
bool file_is_setuid(struct tb_file *f) {
    static const char name[] = "security.capability";
    if (f->nosuid) return false;
    if (f->st.st_mode & (TB_S_ISUID | TB_S_ISGID)) return true;
    int fd = file_reader(f);
    long n = fd >= 0 ? sys4(NR_fgetxattr, fd, name, 0, 0) : sys4(NR_getxattr, f->path, name, 0, 0);
    return !failed(n) && n > 0;
}

long file_head(struct tb_file *f, char *head, size_t n) {
    int fd = file_reader(f);
    return fd < 0 ? -1 : sys4(NR_pread64, fd, head, n, 0);
}

/* Holds writers off until the descriptor is closed (which exec does), so that what was hashed is what runs: a
 * read lease is granted only while nobody has the file open for writing (fcntl(2), "Leases"). Where leases do
 * not exist the kernel's own ETXTBSY still protects the program from the moment it runs. False: somebody is
 * writing to it now. */
static bool hold_writers(int fd) {
    enum { EAGAIN_CODE = 11 };
    sys3(NR_fcntl, fd, F_SETSIG_CMD, SIGURG_NUMBER);
    return sys3(NR_fcntl, fd, F_SETLEASE_CMD, F_RDLCK_TYPE) != -EAGAIN_CODE;
}

/* Feeds the whole file to `take` in chunks, until that says it knows enough; false when the file cannot be
 * read. */
static bool read_all(struct tb_file *f, int (*take)(void *state, const uint8_t *p, size_t n), void *state) {
    int fd = file_reader(f);
    if (fd < 0) return false;
    uint8_t *chunk = sys_mmap(NULL, CHUNK, TB_PROT_READ | TB_PROT_WRITE, TB_MAP_PRIVATE | TB_MAP_ANON, -1);
    if (failed((long)chunk)) return false;
    long got, at = 0;
    while ((got = sys4(NR_pread64, fd, chunk, CHUNK, at)) > 0 && !take(state, chunk, (size_t)got))
        at += got;
    sys2(NR_munmap, chunk, CHUNK);
    return got >= 0;
}

static int take_digest(void *state, const uint8_t *p, size_t n) {
    tb_sha256_update(state, p, n);
    return 0;
}

static int take_scan(void *state, const uint8_t *p, size_t n) {
    return tb_scan_update(state, p, n);
}

/* Content signatures are looked for only in files that did not ship: what shipped was scanned before. */
int file_scan(void *file) {
    struct tb_file *f = file;
    struct tb_scan scan;
    if (f->image) return 0;
    tb_scan_init(&scan, tb.blob, tb.policy);
    return read_all(f, take_scan, &scan) ? tb_scan_final(&scan) : 0;
}

int file_digest(void *file, uint8_t out[32]) {
    struct tb_file *f = file;
    if (!f->digest_known) {
        struct tb_sha256 h;
        if (!f->image && (file_reader(f) < 0 || !hold_writers(f->reader))) return 0;
        tb_sha256_init(&h);
        if (!read_all(f, take_digest, &h)) return 0;
        tb_sha256_final(&h, f->digest);
        f->digest_known = true;
    }
    mem_copy(out, f->digest, 32);
    return 1;
}

bool denotes(const char *path, const struct kstat *st) {
    struct kstat other;
    return !failed(sys4(NR_newfstatat, TB_AT_FDCWD, path, &other, 0)) && other.st_dev == st->st_dev &&
           other.st_ino == st->st_ino;
}

/* Copies a policy path that no longer fits a small buffer to nowhere: such an entry matches by its text only.
 */
static bool terminated(struct tb_str s, char *to, size_t cap) {
    if (s.n >= cap) return false;
    mem_copy(to, s.p, s.n);
    to[s.n] = 0;
    return true;
}

int file_same(void *file, struct tb_str entry) {
    char path[1024];
    return terminated(entry, path, sizeof path) && denotes(path, &((struct tb_file *)file)->st);
}

int path_same_from(void *ctx, struct tb_str entry) {
    char path[1024];
    struct kstat st;
    (void)ctx;
    return terminated(entry, path, sizeof path) &&
           !failed(sys4(NR_newfstatat, TB_AT_FDCWD, tb.from, &st, 0)) && denotes(path, &st);
}

/* The canonical path (cap bytes) of a place that shipped, for a list that somebody else will open; 0 when it
 * did not ship. */
size_t shipped_path(const char *path, size_t n, int flags, char *canonical, size_t cap) {
    char copy[1024], link[32];
    struct kstat st;
    struct kstatfs fs;
    if (!terminated((struct tb_str){path, (uint32_t)n}, copy, sizeof copy)) return 0;
    long fd = sys_openat(TB_AT_FDCWD, n ? copy : ".", TB_O_PATH | TB_O_CLOEXEC | flags, 0);
    if (failed(fd)) return 0;
    proc_fd_path(link, (int)fd);
    long len = sys_readlink(link, canonical, (long)cap - 1);
    canonical[failed(len) ? 0 : len] = 0;
    bool ok = !failed(len) && !failed(sys_fstat((int)fd, &st)) && !failed(sys2(NR_fstatfs, fd, &fs)) &&
              shipped(&st, &fs, canonical);
    sys_close((int)fd);
    return ok ? (size_t)len : 0;
}

/* Equal but for slashes and a dot at the end. */
static bool same_folder(const char *absolute, const char *canonical) {
    size_t n = str_len(absolute), m = str_len(canonical);
    while (n > 1 && absolute[n - 1] == '/')
        n--;
    return n == m && mem_equal(absolute, canonical, n);
}

/* Did path (n bytes, relative to the working folder) ship? Nothing there counts as no. */
bool place_is_shipped(const char *path, size_t n, enum tb_place as) {
    char canonical[1024], absolute[2048], copy[1024];
    if (!shipped_path(path, n, as == PLACE_LINK ? TB_O_NOFOLLOW : 0, canonical, sizeof canonical))
        return false;
    if (as != PLACE_WITHOUT_LINKS) return true;
    if (!terminated((struct tb_str){path, (uint32_t)n}, copy, sizeof copy)) return false;
    return absolute_path(absolute, sizeof absolute, TB_AT_FDCWD, n ? copy : ".") &&
           same_folder(absolute, canonical);
}

/* What tells a file from any other, and from itself once it was changed. */
uint64_t file_identity(const struct kstat *st) {
    const uint64_t parts[] = {st->st_dev, st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_ctime,
                              (uint64_t)st->st_ctime_nsec};
    uint64_t h = 0xcbf29ce484222325u;
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        h = (h ^ parts[i]) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return h;
}
