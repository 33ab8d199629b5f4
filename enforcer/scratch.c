//go:build ignore

/* Memory for one call of a hook.
 *
 * There is no allocator to use: the caller may be a signal handler or a vfork child, whose memory is its
 * parent's and who never returns after a successful exec, so that what it mapped would be lost to the parent.
 * Each thread therefore owns one region, found by its thread pointer. A vfork child has its parent thread's
 * thread pointer, and that thread is suspended until the child has its own memory, so the region is free
 * again by the time anybody looks for it. */
#include "include/state.h"

enum { SLOTS = 128, ROUND = 4096 };

static struct {
    unsigned long owner; /* thread pointer, 0: free */
    char *mem;
    size_t size;
} slots[SLOTS];

static char *map(size_t size) {
    char *mem = sys_mmap(NULL, size, TB_PROT_READ | TB_PROT_WRITE, TB_MAP_PRIVATE | TB_MAP_ANON, -1);
    return failed((long)mem) ? NULL : mem;
}

static int slot_of(unsigned long tp) {
    for (int i = 0; i < SLOTS; i++)
        if (__atomic_load_n(&slots[i].owner, __ATOMIC_ACQUIRE) == tp) return i;
    for (int i = 0; i < SLOTS; i++) {
        unsigned long none = 0;
        if (__atomic_compare_exchange_n(&slots[i].owner, &none, tp, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return i;
    }
    return -1;
}

/* At least `size` bytes, page aligned, or NULL when there is no memory. With more than SLOTS threads that
 * start programs the further ones get fresh memory each time. */
void *scratch_get(size_t size) {
    size = (size + ROUND - 1) & ~(size_t)(ROUND - 1);
    int i = slot_of(thread_pointer());
    if (i < 0) return map(size);
    if (slots[i].size < size) {
        if (slots[i].mem) sys2(NR_munmap, slots[i].mem, slots[i].size);
        slots[i].mem = map(size);
        slots[i].size = slots[i].mem ? size : 0;
    }
    return slots[i].mem;
}
