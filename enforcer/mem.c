//go:build ignore

/* What the compiler may call although the code is freestanding: copying and clearing of structs (GCC manual,
 * "Standards": memcpy, memmove, memset, memcmp). Hidden, so that nothing outside binds to them. */
#include "include/state.h"

HIDDEN void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    mem_copy(to, from, n);
    return to;
}

HIDDEN void *memset(void *to, int c, size_t n) {
    for (char *p = to; n--;)
        *p++ = (char)c;
    return to;
}

HIDDEN int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y) return *x - *y;
    return 0;
}
