//go:build ignore

/* Memory for one call of a hook.
 *
 * There is no allocator to use: the caller may be a signal handler or a vfork child, whose memory is its
 * parent's and who never returns after a successful exec, so that what it mapped would be lost to the parent.
 * Each thread therefore owns one region, found by its thread pointer. A vfork child has its parent thread's
 * thread pointer, and that thread is suspended until the child has its own memory, so the region is free
 * again by the time anybody looks for it. */
#include "include/state.h"

enum { SLOTS = 1024, ROUND = 4096 }; /* as many threads as Lambda allows */

static struct {
    unsigned long owner; /* thread pointer, 0: free */
    char *mem;
    size_t size;
    long user; /* process that is inside a hook with it, 0: nobody */
} slots[SLOTS];

/* The first region is there from the start: a process at its memory limit can still start programs. */
static char first[96 * 1024] __attribute__((aligned(4096)));

static char *map(size_t size) {
    char *mem = sys_mmap(NULL, size, TB_PROT_READ | TB_PROT_WRITE, TB_MAP_PRIVATE | TB_MAP_ANON, -1);
    return failed((long)mem) ? NULL : mem;
}

static int slot_of(unsigned long tp) {
    for (int i = 0; i < SLOTS; i++) {
        unsigned long owner = __atomic_load_n(&slots[i].owner, __ATOMIC_ACQUIRE);
        if (owner == tp) return i;
        if (owner == 0 && __atomic_compare_exchange_n(&slots[i].owner, &owner, tp, false, __ATOMIC_ACQ_REL,
                                                      __ATOMIC_RELAXED))
            return i;
    }
    return -1;
}

static struct scratch fresh(size_t size) {
    char *mem = map(size);
    return (struct scratch){mem, mem ? size : 0, -1};
}

/* At least `size` bytes, page aligned; mem is NULL when there is no memory. A thread that is inside a hook
 * already (a signal handler interrupted it) gets fresh memory; a region whose last user was another process
 * is free: that was a vfork child, which has its own memory by now. */
struct scratch scratch_get(size_t size) {
    size = (size + ROUND - 1) & ~(size_t)(ROUND - 1);
    int i = slot_of(thread_pointer());
    long self = sys0(NR_getpid);
    if (i < 0 || slots[i].user == self) return fresh(size);
    slots[i].user = self;
    if (i == 0 && size <= sizeof first) return (struct scratch){first, 0, i};
    if (slots[i].size < size) {
        if (slots[i].mem) sys2(NR_munmap, slots[i].mem, slots[i].size);
        slots[i].mem = map(size);
        slots[i].size = slots[i].mem ? size : 0;
    }
    return (struct scratch){slots[i].mem, 0, i};
}

void scratch_put(struct scratch s) {
    if (s.slot >= 0)
        slots[s.slot].user = 0;
    else if (s.mapped)
        sys2(NR_munmap, s.mem, s.mapped);
}
