/* What the pure files share: bytes, strings and the records of a checked blob. No libc. */
#ifndef THIMBLE_PURE_H
#define THIMBLE_PURE_H

#include "decide.h"

/* The record at an offset of a checked blob. */
#define TB_AT(type, blob, offset) ((const type *)(const void *)((blob) + (offset)))

#define TB_NONE 0xffffffffu

static inline uint32_t tb_strlen(const char *s) {
    uint32_t n = 0;
    while (s[n] != '\0')
        n++;
    return n;
}

static inline uint64_t tb_load64(const void *p) {
    uint64_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline int tb_bytes_equal(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;
    for (; n >= 8; n -= 8, x += 8, y += 8)
        if (tb_load64(x) != tb_load64(y)) return 0;
    for (; n > 0; n--)
        if (*x++ != *y++) return 0;
    return 1;
}

static inline int tb_str_equal(struct tb_str a, struct tb_str b) {
    return a.n == b.n && tb_bytes_equal(a.p, b.p, a.n);
}

static inline struct tb_str tb_text(const uint8_t *blob, struct tb_ref r) {
    struct tb_str s = {(const char *)blob + r.off, r.n};
    return s;
}

static inline struct tb_str tb_cstr(const char *s) {
    struct tb_str t = {s, tb_strlen(s)};
    return t;
}

/* What follows the last slash. */
static inline struct tb_str tb_base(struct tb_str path) {
    uint32_t i = path.n;
    while (i > 0 && path.p[i - 1] != '/')
        i--;
    path.p += i;
    path.n -= i;
    return path;
}

static inline uint8_t tb_lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline int tb_starts(struct tb_str s, struct tb_str prefix) {
    return s.n >= prefix.n && tb_bytes_equal(s.p, prefix.p, prefix.n);
}

/* A string constant, without its NUL. */
#define TB_LIT(literal) ((struct tb_str){(literal), sizeof(literal) - 1})

#endif
