/* Raw Linux system calls on arm64.
 *
 * Convention (syscall(2)): number in x8, arguments in x0 to x5; the kernel returns in x0, a value in [-4095,
 * -1] being a negated errno; no other register is clobbered. */
#ifndef THIMBLE_SYS_ARM64_H
#define THIMBLE_SYS_ARM64_H

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}

/* The thread pointer: the address of the calling thread's control block (a vfork child shares its parent's).
 */
static inline unsigned long thread_pointer(void) {
    unsigned long tp;
    __asm__("mrs %0, tpidr_el0" : "=r"(tp));
    return tp;
}

enum {
    NR_fgetxattr = 10,
    NR_getxattr = 8,
    NR_getcwd = 17,
    NR_fcntl = 25,
    NR_statfs = 43,
    NR_fstatfs = 44,
    NR_fchmod = 52,
    NR_fchmodat = 53,
    NR_openat = 56,
    NR_close = 57,
    NR_read = 63,
    NR_write = 64,
    NR_pread64 = 67,
    NR_readlinkat = 78,
    NR_newfstatat = 79,
    NR_fstat = 80,
    NR_exit_group = 94,
    NR_clock_gettime = 113,
    NR_ptrace = 117,
    NR_kill = 129,
    NR_prctl = 167,
    NR_getpid = 172,
    NR_getppid = 173,
    NR_socket = 198,
    NR_connect = 203,
    NR_sendto = 206,
    NR_munmap = 215,
    NR_execve = 221,
    NR_mmap = 222,
    NR_mprotect = 226,
    NR_process_vm_readv = 270,
    NR_process_vm_writev = 271,
    NR_execveat = 281,
    NR_io_uring_setup = 425,
    NR_rt_sigprocmask = 135,
    NR_rt_sigpending = 136,
    NR_rt_sigtimedwait = 137,
    NR_prlimit64 = 261,
    NR_pidfd_open = 434,
    NR_openat2 = 437,
    NR_pidfd_getfd = 438,
    NR_fchmodat2 = 452,
    NR_open = -1,  /* not on this CPU */
    NR_creat = -2, /* not on this CPU */
    NR_chmod = -3, /* not on this CPU */
};

#define TB_O_DIRECTORY 040000
#define TB_O_NOFOLLOW 0100000

/* struct stat of the kernel, stat(2) */
struct kstat {
    unsigned long st_dev, st_ino;
    unsigned int st_mode, st_nlink, st_uid, st_gid;
    unsigned long st_rdev, pad1;
    long st_size;
    int st_blksize, pad2;
    long st_blocks;
    long st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
    unsigned int unused[2];
};

/* Makes stores to [from, to) visible to instruction fetch: clean the data cache to the point of unification,
 * then invalidate the instruction cache (Arm ARM, B2.7.4.2). CTR_EL0 gives the line sizes. */
static inline void flush_code(char *from, char *to) {
    unsigned long ctr;
    __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
    unsigned long data = 4ul << ((ctr >> 16) & 15), code = 4ul << (ctr & 15), end = (unsigned long)to;
    for (unsigned long p = (unsigned long)from & ~(data - 1); p < end; p += data)
        __asm__ volatile("dc cvau, %0" : : "r"(p) : "memory");
    __asm__ volatile("dsb ish" : : : "memory");
    for (unsigned long p = (unsigned long)from & ~(code - 1); p < end; p += code)
        __asm__ volatile("ic ivau, %0" : : "r"(p) : "memory");
    __asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

#endif
