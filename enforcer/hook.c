//go:build ignore

/* Finding and overwriting the entries of libc.
 *
 * The constructor runs before any thread of the program, so the pages can be made writable (and not
 * executable) for a moment. A patched entry keeps its landing pad (endbr64, bti c) and jumps to a function of
 * ours that replaces it whole: all of them are thin wrappers of system calls, or call other patched ones. */
#include "include/state.h"

#include <elf.h>

enum { MAX_PATCHES = 40, MAX_BYTES = 16, COALESCE = 64 * 4096 };

/* struct link_map and struct r_debug, the public part (link.h, System V ABI "Dynamic Linking") */
struct module {
    unsigned long base;
    const char *name;
    const Elf64_Dyn *dynamic;
    struct module *next, *prev;
};
struct debug_map {
    int version;
    struct module *first;
    unsigned long brk;
    int state;
    unsigned long loader_base;
};

extern struct debug_map _r_debug __attribute__((weak));
extern struct debug_map *_dl_debug_addr __attribute__((weak));
extern HIDDEN const Elf64_Dyn _DYNAMIC[];
extern HIDDEN void *tb_loader_return;
extern HIDDEN void tb_loader_mmap(void);

struct patch {
    char *at;
    unsigned char bytes[MAX_BYTES];
    unsigned len;
};

struct plan {
    struct patch list[MAX_PATCHES];
    int n;
    bool missed;
};

static struct debug_map *debug_map(void) {
    if (&_r_debug && _r_debug.first) return &_r_debug;
    if (&_dl_debug_addr && _dl_debug_addr && _dl_debug_addr->first) return _dl_debug_addr;
    return NULL;
}

static struct module *find_module(const char *prefix) {
    struct debug_map *d = debug_map();
    for (struct module *m = d ? d->first : NULL; m; m = m->next)
        if (m->name && after(base_name(m->name), prefix)) return m;
    return NULL;
}

/* Fills tb.library, the path that children's LD_PRELOAD gets. */
void locate_self(void) {
    struct debug_map *d = debug_map();
    for (struct module *m = d ? d->first : NULL; m; m = m->next)
        if (m->dynamic == _DYNAMIC) tb.library = m->name;
}

/* ---- symbols ---- */

struct symbols {
    unsigned long base;
    const Elf64_Sym *table;
    const char *names;
    const uint32_t *gnu;
    const uint32_t *sysv;
};

static const void *dynamic_address(unsigned long base, unsigned long value) {
    return (const void *)(value < base ? base + value
                                       : value); /* glibc relocates these in place, musl does not */
}

static struct symbols symbols_of(const struct module *m) {
    struct symbols s = {.base = m->base};
    for (const Elf64_Dyn *d = m->dynamic; d->d_tag != DT_NULL; d++) {
        const void *p = dynamic_address(m->base, d->d_un.d_ptr);
        if (d->d_tag == DT_SYMTAB)
            s.table = p;
        else if (d->d_tag == DT_STRTAB)
            s.names = p;
        else if (d->d_tag == DT_GNU_HASH)
            s.gnu = p;
        else if (d->d_tag == DT_HASH)
            s.sysv = p;
    }
    return s;
}

static uint32_t gnu_hash(const char *name) {
    uint32_t h = 5381;
    while (*name)
        h = h * 33 + (unsigned char)*name++;
    return h;
}

static bool is_function(const struct symbols *s, const Elf64_Sym *y, const char *name) {
    return y->st_value && ELF64_ST_TYPE(y->st_info) == STT_FUNC && str_equal(s->names + y->st_name, name);
}

static void plan_entry(struct plan *plan, char *at, unsigned long room, void *to);

/* Plans a jump for every version of the function `name`; true when there was one. */
static bool redirect_gnu(struct plan *plan, const struct symbols *s, const char *name, void *to) {
    uint32_t buckets = s->gnu[0], first = s->gnu[1], bloom = s->gnu[2], h = gnu_hash(name);
    const uint32_t *bucket = s->gnu + 4 + bloom * 2, *chain = bucket + buckets;
    bool found = false;
    uint32_t i = bucket[h % buckets];
    if (i < first) return false;
    for (;; i++) {
        uint32_t c = chain[i - first];
        if ((c | 1) == (h | 1) && is_function(s, &s->table[i], name)) {
            plan_entry(plan, (char *)s->base + s->table[i].st_value, s->table[i].st_size, to);
            found = true;
        }
        if (c & 1) return found;
    }
}

static bool redirect_sysv(struct plan *plan, const struct symbols *s, const char *name, void *to) {
    bool found = false;
    for (uint32_t i = 0; i < s->sysv[1]; i++)
        if (is_function(s, &s->table[i], name)) {
            plan_entry(plan, (char *)s->base + s->table[i].st_value, s->table[i].st_size, to);
            found = true;
        }
    return found;
}

static bool redirect(struct plan *plan, const struct symbols *s, const char *name, void *to) {
    if (s->gnu) return redirect_gnu(plan, s, name, to);
    return s->sysv && redirect_sysv(plan, s, name, to);
}

/* ---- patches ---- */

static void plan_bytes(struct plan *plan, char *at, const void *bytes, unsigned len) {
    for (int i = 0; i < plan->n; i++)
        if (plan->list[i].at == at) return;
    if (plan->n == MAX_PATCHES) {
        plan->missed = true;
        return;
    }
    struct patch *p = &plan->list[plan->n++];
    p->at = at;
    p->len = len;
    mem_copy(p->bytes, bytes, len);
}

#if defined(__x86_64__)

static bool near(const char *at, const void *to) {
    long d = (const char *)to - (at + 5);
    return d == (int32_t)d;
}

/* jmp rel32 */
static void plan_near(struct plan *plan, char *at, const void *to, unsigned len) {
    unsigned char b[8] = {0xe9, 0, 0, 0, 0, 0x90, 0x90, 0x90};
    int32_t d = (int32_t)((const char *)to - (at + 5));
    mem_copy(b + 1, &d, 4);
    plan_bytes(plan, at, b, len);
}

/* An entry: behind endbr64, a jump of 5 bytes, or of 14 where ours is too far away. */
static void plan_entry(struct plan *plan, char *at, unsigned long room, void *to) {
    static const unsigned char endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
    if (room >= 9 && mem_equal(at, endbr64, 4)) at += 4, room -= 4;
    if (room >= 5 && near(at, to)) {
        plan_near(plan, at, to, 5);
    } else if (room >= 14) {
        unsigned char b[14] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *0(%rip) */
        mem_copy(b + 6, &to, 8);
        plan_bytes(plan, at, b, sizeof b);
    } else {
        plan->missed = true;
    }
}

/* The loader's only mmap: "mov $9, %eax; syscall". It stands near the end of the text. */
static bool plan_loader(struct plan *plan, char *text, unsigned long size) {
    static const unsigned char call[7] = {0xb8, 9, 0, 0, 0, 0x0f, 0x05};
    /* words that hold the byte 0xb8 somewhere, found eight bytes at a time ("haszero", Hacker's Delight, 6-1)
     */
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    const uint64_t *w = (const uint64_t *)((unsigned long)(text + size - sizeof call) & ~7ul);
    for (; (const char *)w >= text; w--) {
        uint64_t x = *w ^ (ones * 0xb8);
        if (((x - ones) & ~x & high) == 0) continue;
        for (char *p = (char *)w; p < (char *)(w + 1); p++)
            if (mem_equal(p, call, sizeof call) && near(p, (void *)tb_loader_mmap)) {
                tb_loader_return = p + sizeof call;
                plan_near(plan, p, (void *)tb_loader_mmap, sizeof call);
                return true;
            }
    }
    return false;
}

#elif defined(__aarch64__)

static bool near(const char *at, const void *to) {
    long d = (const char *)to - at;
    return d >= -(128l << 20) && d < (128l << 20);
}

static void plan_near(struct plan *plan, char *at, const void *to) {
    uint32_t b = 0x14000000u | (((uint32_t)(((const char *)to - at) >> 2)) & 0x03ffffffu); /* b imm26 */
    plan_bytes(plan, at, &b, 4);
}

/* An entry: behind bti c, one branch, or a load and a branch where ours is too far away. */
static void plan_entry(struct plan *plan, char *at, unsigned long room, void *to) {
    uint32_t first;
    mem_copy(&first, at, 4);
    if (room >= 8 && first == 0xd503245fu) /* bti c */
        at += 4, room -= 4;
    if (room >= 4 && near(at, to)) {
        plan_near(plan, at, to);
    } else if (room >= 16) {
        uint32_t b[4] = {0x58000050u, 0xd61f0200u}; /* ldr x16, .+8; br x16 */
        mem_copy(b + 2, &to, 8);
        plan_bytes(plan, at, b, sizeof b);
    } else {
        plan->missed = true;
    }
}

/* The loader's only mmap: "mov x8, #222; svc #0". */
static bool plan_loader(struct plan *plan, char *text, unsigned long size) {
    static const uint32_t call[2] = {0xd2801bc8u, 0xd4000001u};
    for (char *p = text + (size & ~3ul) - sizeof call; p >= text; p -= 4)
        if (mem_equal(p, call, sizeof call) && near(p, (void *)tb_loader_mmap)) {
            tb_loader_return = p + sizeof call;
            plan_near(plan, p, (void *)tb_loader_mmap);
            return true;
        }
    return false;
}

#endif

static void sort_patches(struct plan *plan) {
    for (int i = 1; i < plan->n; i++)
        for (int j = i; j > 0 && plan->list[j].at < plan->list[j - 1].at; j--) {
            struct patch t = plan->list[j];
            plan->list[j] = plan->list[j - 1];
            plan->list[j - 1] = t;
        }
}

/* Writes patches [from, to), which lie close together, through one change of protection and back. */
static bool write_run(const struct plan *plan, int from, int to, unsigned long page) {
    char *low = (char *)((unsigned long)plan->list[from].at & ~(page - 1));
    char *end = plan->list[to - 1].at + plan->list[to - 1].len;
    unsigned long size = ((unsigned long)(end - low) + page - 1) & ~(page - 1);
    if (failed(sys3(NR_mprotect, low, size, TB_PROT_READ | TB_PROT_WRITE))) return false;
    for (int i = from; i < to; i++)
        mem_copy(plan->list[i].at, plan->list[i].bytes, plan->list[i].len);
    if (failed(sys3(NR_mprotect, low, size, TB_PROT_READ | TB_PROT_EXEC)))
        sys3(NR_mprotect, low, size, TB_PROT_READ | TB_PROT_WRITE | TB_PROT_EXEC);
    for (int i = from; i < to; i++)
        flush_code(plan->list[i].at, plan->list[i].at + plan->list[i].len);
    return true;
}

static bool write_patches(struct plan *plan, unsigned long page) {
    bool ok = true;
    sort_patches(plan);
    for (int from = 0, to; from < plan->n; from = to) {
        for (to = from + 1; to < plan->n && plan->list[to].at - plan->list[to - 1].at < COALESCE; to++)
            ;
        if (!write_run(plan, from, to, page)) ok = false;
    }
    return ok;
}

/* ---- what is hooked ---- */

HIDDEN extern void tb_syscall(void);
HIDDEN int hook_execve(const char *, char *const[], char *const[]);
HIDDEN int hook_fexecve(int, char *const[], char *const[]);
HIDDEN int hook_execveat(int, const char *, char *const[], char *const[], int);
HIDDEN long hook_ptrace(long, long, long, long);
HIDDEN long hook_vm_readv(long, long, long, long, long, long);
HIDDEN long hook_vm_writev(long, long, long, long, long, long);
HIDDEN long hook_getfd(long, long, long);
HIDDEN int hook_open(const char *, int, int);
HIDDEN int hook_openat(int, const char *, int, int);
HIDDEN int hook_creat(const char *, int);
HIDDEN int hook_chmod(const char *, int);
HIDDEN int hook_fchmod(int, int);
HIDDEN int hook_fchmodat(int, const char *, int, int);
HIDDEN void *hook_fopen_musl(const char *, const char *);
HIDDEN void *hook_mmap_musl(void *, unsigned long, int, int, int, long);

enum {
    ALWAYS = 0,
    IF_OPEN = 1,
    IF_MEMORY = 2,
    IF_MUSL = 4,
    IF_LOAD = 8,
    NEEDED = 16,
    IF_MODES = 32,
    IF_WRITE = 64
};

static const struct hook {
    char name[24];
    void *to;
    int when;
} hooks[] __attribute__((section(".data.rel.ro"))) = {
    {"execve", (void *)hook_execve, ALWAYS | NEEDED},
    {"fexecve", (void *)hook_fexecve, ALWAYS | NEEDED},
    {"execveat", (void *)hook_execveat, ALWAYS},
    {"syscall", (void *)tb_syscall, ALWAYS | NEEDED},
    {"ptrace", (void *)hook_ptrace, IF_MEMORY},
    {"pidfd_getfd", (void *)hook_getfd, IF_MEMORY},
    {"process_vm_readv", (void *)hook_vm_readv, IF_MEMORY},
    {"process_vm_writev", (void *)hook_vm_writev, IF_MEMORY},
    {"open", (void *)hook_open, IF_OPEN | NEEDED},
    {"open64", (void *)hook_open, IF_OPEN},
    {"__open_nocancel", (void *)hook_open, IF_OPEN},
    {"openat", (void *)hook_openat, IF_OPEN | NEEDED},
    {"openat64", (void *)hook_openat, IF_OPEN},
    {"creat", (void *)hook_creat, IF_WRITE},
    {"creat64", (void *)hook_creat, IF_WRITE},
    {"chmod", (void *)hook_chmod, IF_MODES},
    {"fchmod", (void *)hook_fchmod, IF_MODES},
    {"fchmodat", (void *)hook_fchmodat, IF_MODES},
    {"fopen", (void *)hook_fopen_musl, IF_OPEN | IF_MUSL},
    {"mmap", (void *)hook_mmap_musl, IF_LOAD | IF_MUSL},
};

static bool wanted(int when) {
    const struct tb_policy *p = tb.policy;
    return (!(when & IF_OPEN) || tb.watch_open || tb.watch_write) &&
           (!(when & IF_MEMORY) || p->memory_mode != TB_OFF) && (!(when & IF_MUSL) || tb.musl) &&
           (!(when & IF_WRITE) || tb.watch_write) &&
           (!(when & IF_MODES) || (tb.watch_write && p->tmp_write == TB_WRITE_NO_EXECUTABLES)) &&
           (!(when & IF_LOAD) || (p->tmp_mode != TB_OFF && p->tmp_deny_load) || p->memory_mode != TB_OFF);
}

static bool redirect_module(struct plan *plan, const struct module *m, bool libc) {
    struct symbols s = symbols_of(m);
    bool ok = s.table && s.names;
    for (unsigned i = 0; ok && i < sizeof hooks / sizeof hooks[0]; i++)
        if (wanted(hooks[i].when) && !redirect(plan, &s, hooks[i].name, hooks[i].to) && libc &&
            (hooks[i].when & NEEDED))
            plan->missed = true;
    return ok;
}

static bool hook_loader(struct plan *plan) {
    struct debug_map *d = debug_map();
    if (!d || !d->loader_base) return false;
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)d->loader_base;
    const Elf64_Phdr *p = (const Elf64_Phdr *)(d->loader_base + e->e_phoff);
    for (int i = 0; i < e->e_phnum; i++)
        if (p[i].p_type == PT_LOAD && (p[i].p_flags & PF_X))
            return plan_loader(plan, (char *)d->loader_base + p[i].p_vaddr, p[i].p_filesz);
    return false;
}

static unsigned long page_size(char **end) {
    for (const Elf64_auxv_t *a = (const Elf64_auxv_t *)(end + 1); a->a_type != AT_NULL; a++)
        if (a->a_type == AT_PAGESZ) return a->a_un.a_val;
    return 4096;
}

uint32_t install_hooks(char **end) {
    uint32_t uncovered = 0;
    struct plan plan;
    plan.n = 0;
    plan.missed = false;
    struct module *libc = find_module("libc.so.6"), *threads = find_module("libpthread.so.0");
    if (!libc) libc = find_module("libc.musl-");
    if (!libc) libc = find_module(tb.musl ? "ld-musl-" : "libc.so");
    if (!libc || !redirect_module(&plan, libc, true)) return UNCOVERED_LIBC;
    if (threads && threads != libc) /* before glibc 2.34 it has an open() of its own */
        redirect_module(&plan, threads, false);
    if (!tb.musl && wanted(IF_LOAD) && !hook_loader(&plan)) uncovered |= UNCOVERED_LOAD;
    if (plan.missed || !write_patches(&plan, page_size(end))) uncovered |= UNCOVERED_HOOKS;
    return uncovered;
}
