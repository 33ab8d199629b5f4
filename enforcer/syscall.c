//go:build ignore

/* libc's syscall(3) for the numbers that other hooks care about; see tb_syscall in entry.c. */
#include "include/state.h"

HIDDEN long open_file(int dir, const char *path, int flags, int mode);
HIDDEN long open_file2(int dir, const char *path, const uint64_t *how, size_t size);
HIDDEN long do_vm(long number, long pid, long a, long b, long c, long d, long flags);
HIDDEN long do_getfd(long pidfd, long fd, long flags);
HIDDEN long do_ptrace(long request, long pid, long address, long data);

static long dispatch(long n, long a, long b, long c, long d, long e, long f) {
    enum { X32 = 0x40000000 };
    if (n & X32) return -TB_ENOSYS; /* as kernels without that ABI answer */
    switch (n) {
    case NR_execve:
        return exec_file(TB_AT_FDCWD, (const char *)a, (char *const *)b, (char *const *)c, 0);
    case NR_execveat:
        return exec_file((int)a, (const char *)b, (char *const *)c, (char *const *)d, (int)e);
    case NR_open:
        return open_file(TB_AT_FDCWD, (const char *)a, (int)b, (int)c);
    case NR_creat:
        return open_file(TB_AT_FDCWD, (const char *)a, TB_O_CREAT | TB_O_WRONLY | TB_O_TRUNC, (int)b);
    case NR_openat:
        return open_file((int)a, (const char *)b, (int)c, (int)d);
    case NR_openat2:
        return open_file2((int)a, (const char *)b, (const uint64_t *)c, (size_t)d);
    case NR_process_vm_readv:
    case NR_process_vm_writev:
        return tb.policy->memory_mode == TB_OFF ? sys6(n, a, b, c, d, e, f) : do_vm(n, a, b, c, d, e, f);
    case NR_ptrace:
        return tb.policy->memory_mode == TB_OFF ? sys4(n, a, b, c, d) : do_ptrace(a, b, c, d);
    case NR_pidfd_getfd:
        return do_getfd(a, b, c);
    case NR_io_uring_setup: /* a ring opens files past every hook; programs fall back where there is none */
        return tb.watch_open || tb.watch_write ? -TB_ENOSYS : sys2(n, a, b);
    default:
        return sys6(n, a, b, c, d, e, f);
    }
}

__attribute__((used)) HIDDEN long tb_hook_syscall(long n, long a, long b, long c, long d, long e, long f) {
    return libc_result(dispatch((int)n, a, b, c, d, e, f));
}
