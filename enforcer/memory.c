//go:build ignore

/* Control memory: no process reads, writes or traces another one. Its own memory a process may read this way,
 * which crash handlers and unwinders do to look before they step. */
#include "include/state.h"

static long judge(enum tb_op op, long pid) {
    struct tb_request rq = {.control = TB_MEMORY, .op = (uint8_t)op};
    struct tb_verdict v;
    tb_decide(tb.blob, tb.policy, &rq, &v);
    struct tb_event e = {.control = "memory", .verdict = &v, .target_pid = (int)pid};
    return refused(&e) ? -TB_EPERM : 0;
}

long do_vm(long number, long pid, long a, long b, long c, long d, long flags) {
    enum tb_op op = number == NR_process_vm_readv ? TB_OP_VM_READV : TB_OP_VM_WRITEV;
    long r = pid == sys0(NR_getpid) ? 0 : judge(op, pid);
    return failed(r) ? r : sys6(number, pid, a, b, c, d, flags);
}

HIDDEN long hook_vm_readv(long pid, long a, long b, long c, long d, long flags) {
    return libc_result(do_vm(NR_process_vm_readv, pid, a, b, c, d, flags));
}

HIDDEN long hook_vm_writev(long pid, long a, long b, long c, long d, long flags) {
    return libc_result(do_vm(NR_process_vm_writev, pid, a, b, c, d, flags));
}

/* pidfd_getfd(2) takes descriptors out of another process and asks for the right to trace it. */
long do_getfd(long pidfd, long fd, long flags) {
    long r = tb.policy->memory_mode == TB_OFF ? 0 : judge(TB_OP_PTRACE, 0);
    return failed(r) ? r : sys3(NR_pidfd_getfd, pidfd, fd, flags);
}

HIDDEN long hook_getfd(long pidfd, long fd, long flags) {
    return libc_result(do_getfd(pidfd, fd, flags));
}

long do_ptrace(long request, long pid, long address, long data) {
    long r = judge(TB_OP_PTRACE, pid);
    return failed(r) ? r : sys4(NR_ptrace, request, pid, address, data);
}

/* ptrace(2): the PEEK requests return the word through the return value; the raw call stores it at `data`. */
HIDDEN long hook_ptrace(long request, long pid, long address, long data) {
    enum { PEEK_FIRST = 1, PEEK_LAST = 3 };
    long word;
    if (request < PEEK_FIRST || request > PEEK_LAST)
        return libc_result(do_ptrace(request, pid, address, data));
    long r = do_ptrace(request, pid, address, (long)&word);
    if (failed(r)) return fail_with(r);
    fail_with(0); /* errno tells an error from a word of -1 */
    return word;
}
