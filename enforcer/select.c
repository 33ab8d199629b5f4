//go:build ignore

/* Which policy is for a function, and what a verdict's rule is called. */
#define TB_RULE_TABLE
#include "include/pure.h"

/* How closely a policy's match fits the function: 0 not at all, 1 as the default, then the glob's length, or
 * its name. */
static uint32_t match_rank(const uint8_t *blob, const struct tb_policy *p, struct tb_str function) {
    const struct tb_ref *globs = TB_AT(struct tb_ref, blob, p->match.off);
    uint32_t rank = p->match.n == 0;
    for (uint32_t i = 0; i < p->match.n; i++) {
        struct tb_str glob = tb_text(blob, globs[i]);
        if (tb_str_equal(glob, function)) return TB_NONE;
        if (rank < 2 + glob.n && tb_glob(glob.p, glob.n, function.p, function.n, 0)) rank = 2 + glob.n;
    }
    return rank;
}

const struct tb_policy *tb_blob_select(const uint8_t *blob, struct tb_str function) {
    const struct tb_header *h = TB_AT(struct tb_header, blob, 0);
    const struct tb_policy *p = TB_AT(struct tb_policy, blob, h->policies.off), *best = 0;
    uint32_t best_rank = 0;
    for (uint32_t i = 0; i < h->policies.n; i++) {
        uint32_t rank = match_rank(blob, &p[i], function);
        if (rank > best_rank) {
            best = &p[i];
            best_rank = rank;
        }
    }
    return best;
}

/* A text that is cut off at the end of the buffer. */
struct text {
    char *p;
    size_t n, cap;
};

static void put(struct text *t, char c) {
    if (t->n < t->cap) t->p[t->n++] = c;
}

static void put_number(struct text *t, uint32_t v) {
    uint32_t unit = 1;
    while (v / unit >= 10)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        put(t, (char)('0' + v / unit % 10));
}

static void put_set(struct text *t, const uint8_t *blob, uint32_t set) {
    struct tb_ref sets = TB_AT(struct tb_header, blob, 0)->sets;
    if (set >= sets.n) return;
    struct tb_str name = tb_text(blob, TB_AT(struct tb_ref, blob, sets.off)[set]);
    for (uint32_t i = 0; i < name.n; i++)
        put(t, name.p[i]);
}

size_t tb_rule_text(const uint8_t *blob, const struct tb_verdict *v, char *buf, size_t cap) {
    struct text t = {buf, 0, cap};
    const char *form = tb_rule_table[v->rule < TB_NUM_RULES ? v->rule : TB_RULE_NONE];
    for (; *form != '\0'; form++) {
        if (*form == '#')
            put_number(&t, v->index);
        else if (*form == '$')
            put_set(&t, blob, v->index);
        else
            put(&t, *form);
    }
    return t.n;
}
