//go:build ignore

/* The places where code of libc or of the dynamic loader jumps into the enforcer with no C calling convention
 * to lean on.
 *
 * tb_syscall replaces libc's syscall(3). For the few numbers of interest it continues in tb_hook_syscall; for
 * every other number it does what the original does, without a stack frame of its own, because after clone(2)
 * with a new stack or after vfork(2) there is no frame to return through.
 *
 * tb_loader_mmap replaces the instructions "number of mmap; system call" inside the dynamic loader: it asks
 * tb_judge_map about mappings that are executable and come from a file, and goes on behind the replaced
 * instructions. It preserves every register that a system call preserves. */
#include "include/state.h"

HIDDEN extern void *tb_loader_return;
HIDDEN void *tb_loader_return;

__attribute__((used)) HIDDEN long tb_fail(long negated) {
    return fail_with(negated);
}

__attribute__((used)) HIDDEN long tb_judge_map(int fd, int prot) {
    return judge_mapping(fd, (prot & TB_PROT_EXEC) != 0);
}

#if defined(__x86_64__)

__asm__(".text\n"
        ".hidden tb_syscall\n"
        ".globl tb_syscall\n"
        ".type tb_syscall, @function\n"
        "tb_syscall:\n"
        "    test $0x40000000, %edi\n" /* x32's numbers */
        "    jnz 2f\n"
        "    cmp $59, %edi\n" /* execve */
        "    je 2f\n"
        "    cmp $322, %edi\n" /* execveat */
        "    je 2f\n"
        "    cmp $257, %edi\n" /* openat */
        "    je 2f\n"
        "    cmp $2, %edi\n" /* open */
        "    je 2f\n"
        "    cmp $437, %edi\n" /* openat2 */
        "    je 2f\n"
        "    cmp $85, %edi\n" /* creat */
        "    je 2f\n"
        "    cmp $101, %edi\n" /* ptrace */
        "    je 2f\n"
        "    cmp $310, %edi\n" /* process_vm_readv */
        "    je 2f\n"
        "    cmp $311, %edi\n" /* process_vm_writev */
        "    je 2f\n"
        "    cmp $438, %edi\n" /* pidfd_getfd */
        "    je 2f\n"
        "    cmp $425, %edi\n" /* io_uring_setup */
        "    je 2f\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 8(%rsp), %r9\n"
        "    syscall\n"
        "    cmp $-4095, %rax\n"
        "    jae 1f\n"
        "    ret\n"
        "1:  mov %rax, %rdi\n"
        "    sub $8, %rsp\n"
        "    call tb_fail\n"
        "    add $8, %rsp\n"
        "    ret\n"
        "2:  jmp tb_hook_syscall\n"
        ".size tb_syscall, . - tb_syscall\n"

        ".hidden tb_loader_mmap\n"
        ".globl tb_loader_mmap\n"
        ".type tb_loader_mmap, @function\n"
        "tb_loader_mmap:\n"
        "    test %r8d, %r8d\n" /* fd */
        "    js 1f\n"
        "    lea -128(%rsp), %rsp\n" /* the red zone */
        "    push %rbx\n"
        "    push %rdi\n"
        "    push %rsi\n"
        "    push %rdx\n"
        "    push %r8\n"
        "    push %r9\n"
        "    push %r10\n"
        "    mov %rsp, %rbx\n"
        "    sub $512, %rsp\n"
        "    and $-64, %rsp\n"
        "    fxsave64 (%rsp)\n"
        "    mov %edx, %esi\n"
        "    mov %r8d, %edi\n"
        "    cld\n"
        "    call tb_judge_map\n"
        "    fxrstor64 (%rsp)\n"
        "    mov %rbx, %rsp\n"
        "    pop %r10\n"
        "    pop %r9\n"
        "    pop %r8\n"
        "    pop %rdx\n"
        "    pop %rsi\n"
        "    pop %rdi\n"
        "    pop %rbx\n"
        "    lea 128(%rsp), %rsp\n"
        "    test %rax, %rax\n"
        "    js 2f\n"
        "1:  mov $9, %eax\n"
        "    syscall\n"
        "2:  jmp *tb_loader_return(%rip)\n"
        ".size tb_loader_mmap, . - tb_loader_mmap\n");

#elif defined(__aarch64__)

__asm__(".text\n"
        ".hidden tb_syscall\n"
        ".globl tb_syscall\n"
        ".type tb_syscall, %function\n"
        "tb_syscall:\n"
        "    bti c\n"
        "    cmp w0, #221\n" /* execve */
        "    b.eq 2f\n"
        "    cmp w0, #281\n" /* execveat */
        "    b.eq 2f\n"
        "    cmp w0, #56\n" /* openat */
        "    b.eq 2f\n"
        "    cmp w0, #437\n" /* openat2 */
        "    b.eq 2f\n"
        "    cmp w0, #117\n" /* ptrace */
        "    b.eq 2f\n"
        "    cmp w0, #270\n" /* process_vm_readv */
        "    b.eq 2f\n"
        "    cmp w0, #271\n" /* process_vm_writev */
        "    b.eq 2f\n"
        "    cmp w0, #438\n" /* pidfd_getfd */
        "    b.eq 2f\n"
        "    cmp w0, #425\n" /* io_uring_setup */
        "    b.eq 2f\n"
        "    uxtw x8, w0\n"
        "    mov x0, x1\n"
        "    mov x1, x2\n"
        "    mov x2, x3\n"
        "    mov x3, x4\n"
        "    mov x4, x5\n"
        "    mov x5, x6\n"
        "    mov x6, x7\n"
        "    svc #0\n"
        "    cmn x0, #4095\n"
        "    b.cs 1f\n"
        "    ret\n"
        "1:  b tb_fail\n"
        "2:  b tb_hook_syscall\n"
        ".size tb_syscall, . - tb_syscall\n"

        ".hidden tb_loader_mmap\n"
        ".globl tb_loader_mmap\n"
        ".type tb_loader_mmap, %function\n"
        "tb_loader_mmap:\n"
        "    tbnz w4, #31, 1f\n" /* fd */
        "    stp x29, x30, [sp, #-256]!\n"
        "    stp x0, x1, [sp, #16]\n"
        "    stp x2, x3, [sp, #32]\n"
        "    stp x4, x5, [sp, #48]\n"
        "    stp x6, x7, [sp, #64]\n"
        "    stp x8, x9, [sp, #80]\n"
        "    stp x10, x11, [sp, #96]\n"
        "    stp x12, x13, [sp, #112]\n"
        "    stp x14, x15, [sp, #128]\n"
        "    stp x16, x17, [sp, #144]\n"
        "    str x18, [sp, #160]\n"
        "    mov w1, w2\n"
        "    mov w0, w4\n"
        "    bl tb_judge_map\n"
        "    mov x9, x0\n"
        "    ldr x18, [sp, #160]\n"
        "    ldp x16, x17, [sp, #144]\n"
        "    ldp x14, x15, [sp, #128]\n"
        "    ldp x12, x13, [sp, #112]\n"
        "    ldr x11, [sp, #104]\n"
        "    ldp x6, x7, [sp, #64]\n"
        "    ldp x4, x5, [sp, #48]\n"
        "    ldp x2, x3, [sp, #32]\n"
        "    tbnz x9, #63, 3f\n"
        "    ldp x0, x1, [sp, #16]\n"
        "    ldp x8, x9, [sp, #80]\n"
        "    ldr x10, [sp, #96]\n"
        "    ldp x29, x30, [sp], #256\n"
        "1:  mov x8, #222\n"
        "    svc #0\n"
        "2:  adrp x16, tb_loader_return\n"
        "    ldr x16, [x16, :lo12:tb_loader_return]\n"
        "    br x16\n"
        "3:  mov x0, x9\n"
        "    ldr x1, [sp, #24]\n"
        "    ldp x8, x9, [sp, #80]\n"
        "    ldr x10, [sp, #96]\n"
        "    ldp x29, x30, [sp], #256\n"
        "    b 2b\n"
        ".size tb_loader_mmap, . - tb_loader_mmap\n");

#endif
