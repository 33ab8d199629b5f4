/* The enforcer's only way to the kernel, and the small string functions that a libc would give. */
#ifndef THIMBLE_SYS_H
#define THIMBLE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include "sys_amd64.h"
#elif defined(__aarch64__)
#include "sys_arm64.h"
#else
#error "thimble: this CPU is not supported"
#endif

#define sys5(n, a, b, c, d, e) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define sys4(n, a, b, c, d) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys3(n, a, b, c) sys6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys2(n, a, b) sys6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys1(n, a) sys6(n, (long)(a), 0, 0, 0, 0, 0)
#define sys0(n) sys6(n, 0, 0, 0, 0, 0, 0)

/* Values of the kernel's ABI that are the same on both CPUs. */
enum {
    TB_EPERM = 1,
    TB_ENOENT = 2,
    TB_EBADF = 9,
    TB_ENOMEM = 12,
    TB_EACCES = 13,
    TB_EFAULT = 14,
    TB_EINVAL = 22,
    TB_EMFILE = 24,
    TB_ENAMETOOLONG = 36,
    TB_ENOSYS = 38,
    TB_ELOOP = 40,
    TB_ENOEXEC = 8,

    TB_O_WRONLY = 1,
    TB_O_RDWR = 2,
    TB_O_ACCMODE = 3,
    TB_O_CREAT = 0100,
    TB_O_TRUNC = 01000,
    TB_O_APPEND = 02000,
    TB_O_NONBLOCK = 04000,
    TB_O_CLOEXEC = 02000000,
    TB_O_PATH = 010000000,
    TB_O_TMPFILE_BIT = 020000000,
    TB_O_NOCTTY = 0400,

    TB_AT_FDCWD = -100,
    TB_AT_EMPTY_PATH = 0x1000,
    TB_AT_SYMLINK_NOFOLLOW = 0x100,

    TB_PROT_READ = 1,
    TB_PROT_WRITE = 2,
    TB_PROT_EXEC = 4,
    TB_MAP_SHARED = 1,
    TB_MAP_PRIVATE = 2,
    TB_MAP_FIXED = 16,
    TB_MAP_ANON = 32,
    TB_MAP_POPULATE = 0x8000,

    TB_S_IFMT = 0170000,
    TB_S_IFREG = 0100000,
    TB_S_IFDIR = 0040000,
    TB_S_ISUID = 04000,
    TB_S_ISGID = 02000,

    TB_ST_RDONLY = 1,

    TB_PATH_MAX = 4096,
};

/* struct statfs of the kernel, statfs(2); the same on both 64-bit CPUs. */
struct kstatfs {
    long f_type, f_bsize;
    unsigned long f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    int f_fsid[2];
    long f_namelen, f_frsize, f_flags, f_spare[4];
};

struct ktimespec {
    long sec, nsec;
};

static inline bool failed(long r) {
    return (unsigned long)r > -4096UL;
}

static inline long sys_openat(int dir, const char *path, int flags, int mode) {
    return sys4(NR_openat, dir, path, flags, mode);
}
static inline long sys_close(int fd) {
    return sys1(NR_close, fd);
}
static inline long sys_fstat(int fd, struct kstat *st) {
    return sys2(NR_fstat, fd, st);
}
static inline long sys_readlink(const char *path, char *buf, long n) {
    return sys4(NR_readlinkat, TB_AT_FDCWD, path, buf, n);
}
static inline void *sys_mmap(void *at, size_t n, int prot, int flags, int fd) {
    return (void *)sys6(NR_mmap, (long)at, (long)n, prot, flags, fd, 0);
}

static inline size_t str_len(const char *s) {
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

static inline void mem_copy(void *to, const void *from, size_t n) {
    char *t = to;
    const char *f = from;
    while (n--)
        *t++ = *f++;
}

static inline bool mem_equal(const void *a, const void *b, size_t n) {
    const char *x = a, *y = b;
    while (n--)
        if (*x++ != *y++) return false;
    return true;
}

static inline bool str_equal(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* What follows prefix in s, or NULL when s does not start with it. */
static inline const char *after(const char *s, const char *prefix) {
    while (*prefix)
        if (*s++ != *prefix++) return NULL;
    return s;
}

/* The part of a path behind its last slash. */
static inline const char *base_name(const char *path) {
    const char *base = path;
    for (; *path; path++)
        if (*path == '/') base = path + 1;
    return base;
}

#endif
