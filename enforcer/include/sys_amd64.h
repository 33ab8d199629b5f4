/* Raw Linux system calls on amd64.
 *
 * Convention (System V ABI, AMD64 supplement, A.2.1; syscall(2)): number in rax, arguments in rdi, rsi, rdx,
 * r10, r8, r9; the kernel returns in rax, a value in [-4095, -1] being a negated errno; rcx and r11 are
 * clobbered. */
#ifndef THIMBLE_SYS_AMD64_H
#define THIMBLE_SYS_AMD64_H

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

/* The thread pointer: the address of the calling thread's control block (a vfork child shares its parent's).
 */
static inline unsigned long thread_pointer(void) {
    unsigned long tp;
    __asm__("mov %%fs:0, %0" : "=r"(tp));
    return tp;
}

enum {
    NR_read = 0,
    NR_write = 1,
    NR_open = 2,
    NR_close = 3,
    NR_fstat = 5,
    NR_mmap = 9,
    NR_mprotect = 10,
    NR_munmap = 11,
    NR_pread64 = 17,
    NR_getpid = 39,
    NR_socket = 41,
    NR_connect = 42,
    NR_sendto = 44,
    NR_execve = 59,
    NR_exit_group = 231,
    NR_kill = 62,
    NR_fcntl = 72,
    NR_chmod = 90,
    NR_fchmod = 91,
    NR_getcwd = 79,
    NR_creat = 85,
    NR_readlink = 89,
    NR_ptrace = 101,
    NR_getppid = 110,
    NR_statfs = 137,
    NR_fstatfs = 138,
    NR_prctl = 157,
    NR_fgetxattr = 193,
    NR_getxattr = 191,
    NR_clock_gettime = 228,
    NR_openat = 257,
    NR_fchmodat = 268,
    NR_newfstatat = 262,
    NR_readlinkat = 267,
    NR_process_vm_readv = 310,
    NR_process_vm_writev = 311,
    NR_execveat = 322,
    NR_io_uring_setup = 425,
    NR_rt_sigprocmask = 14,
    NR_rt_sigpending = 127,
    NR_rt_sigtimedwait = 128,
    NR_prlimit64 = 302,
    NR_pidfd_open = 434,
    NR_openat2 = 437,
    NR_pidfd_getfd = 438,
    NR_fchmodat2 = 452,
};

#define TB_O_DIRECTORY 0200000
#define TB_O_NOFOLLOW 0400000

/* struct stat of the kernel, stat(2) */
struct kstat {
    unsigned long st_dev, st_ino, st_nlink;
    unsigned int st_mode, st_uid, st_gid, pad0;
    unsigned long st_rdev;
    long st_size, st_blksize, st_blocks;
    long st_atime, st_atime_nsec, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec;
    long unused[3];
};

static inline void flush_code(char *from, char *to) {
    (void)from; /* instruction fetch is coherent with stores on amd64 */
    (void)to;
}

#endif
